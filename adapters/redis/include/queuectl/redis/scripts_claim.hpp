// claim, which settles first. ARGV[1] is the instant, ARGV[2] the handle.
#ifndef QUEUECTL_REDIS_SCRIPTS_CLAIM_HPP
#define QUEUECTL_REDIS_SCRIPTS_CLAIM_HPP

namespace queuectl::inline v0::detail::redis::lua {

// The last arguments: most, lease in microseconds, whether it is repeated, worker, nonce, number of queues, their
// names, kinds. Before them, as for settle. → told, next_at, reaped, then id, JOB and STATE (or "") of each lease:
// the STATE before, or with the claim's own token when it is repeated.
inline constexpr char claim[] = R"lua(
local at=4+2*settlements
local most,length,again,worker,nonce=tonumber(ARGV[at]),tonumber(ARGV[at+1]),ARGV[at+2],ARGV[at+3],ARGV[at+4]
local queues,kinds=nil,nil
local nq=tonumber(ARGV[at+5])
for i=at+6,at+5+nq do
  queues=queues or {}
  queues[ARGV[i]]=true
end
for i=at+6+nq,#ARGV do
  kinds=kinds or {}
  kinds[ARGV[i]]=true
end
local due_claims=R('ZRANGEBYSCORE',K_leases,'-inf',clock,'LIMIT',0,256)
local reaped,seen=0,0
for i=1,#due_claims do
  if reaped>=256 or seen>=1000 then break end
  local crashed,looked=break_off(due_claims[i],clock,256-reaped,'lease expired')
  reaped,seen=reaped+crashed,seen+looked
end
local next_at=MAX
local reply={told,0,reaped}
local holder=pack('>I2c0',#worker,worker)
local claim=holder..nonce
if again=='1' then
  local held=ids_of_claim(claim)
  for i=1,#held do
    local id=held[i]
    local m=R('HGET',K_state,id)
    if m and byte(m)==1 and sub(m,64,79)==nonce then
      local k=#reply
      reply[k+1],reply[k+2],reply[k+3]=id,R('HGET',K_jobs,id),m
    end
  end
  if #reply>3 then
    reply[2]=wall-skew
    finish()
    return reply
  end
end
if moving then
  finish()
  reply[2]=MAX
  return reply
end
local G,n={},0
local function due_at(p,at)
  local hi,lo=unp('>I4I4',p,at)
  return (hi-2097152)*4294967296+lo
end
local from_when=later(wall,1)
local high=math.floor(from_when/4294967296)
local due=pack('>I4I4',high+2097152,from_when-high*4294967296)
if wall>=MAX then due='\255' end
local function group_of(m)
  local q=byte(m,2)
  return sub(m,1,3+q+byte(m,3+q))
end
local function queue_in(g) return sub(g,3,2+byte(g,2)) end
local function kind_in(g) return sub(g,4+byte(g,2)) end
local function head(from,to) return R('ZRANGEBYLEX',K_line,from,to,'LIMIT',0,1)[1] end
local from='-'
-- Stretches of one priority with something due: taken by turns until one runs out.
local function take(groups)
  if #groups==1 then
    local g=groups[1]
    local got={g.first}
    if most-n>1 then got=R('ZRANGEBYLEX',K_line,'['..g.first,'('..g.name..due,'LIMIT',0,most-n) end
    for i=1,#got do G[n+i]=got[i] end
    n=n+#got
    R('ZREMRANGEBYLEX',K_line,'['..g.first,'['..got[#got])
    if n<most then
      local m=head('['..g.name,'('..g.name..'\255')
      if m then next_at=math.min(next_at,due_at(m,#g.name+1)) end
    end
    return
  end
  local chunk=math.ceil((most-n)/#groups)+1
  local function fill(g)
    g.got=R('ZRANGEBYLEX',K_line,(g.last and '(' or '[')..(g.last or g.first),'('..g.name..due,'LIMIT',0,chunk)
    g.i=1
  end
  for _,g in ipairs(groups) do fill(g) end
  while n<most do
    local best,br,bs
    for _,g in ipairs(groups) do
      if g.i>#g.got and #g.got==chunk then fill(g) end
      local m=g.got[g.i]
      if m then
        local r,s=due_at(m,#g.name+1),unp('>I8',m,#g.name+9)
        if not best or r<br or (r==br and s<bs) then best,br,bs=g,r,s end
      end
    end
    if not best then break end
    n=n+1
    best.last=best.got[best.i]
    G[n]=best.last
    best.i=best.i+1
  end
  for _,g in ipairs(groups) do
    if g.last then R('ZREMRANGEBYLEX',K_line,'['..g.first,'['..g.last) end
    if n<most then
      local m=head('['..g.name,'('..g.name..'\255')
      if m then next_at=math.min(next_at,due_at(m,#g.name+1)) end
    end
  end
end
local groups,priority={},nil
while n<most do
  local m=head(from,'+')
  if #groups>0 and (not m or m:byte(1)~=priority) then
    take(groups)
    groups={}
  end
  if not m or n>=most then break end
  local g=group_of(m)
  from='('..g..'\255'
  priority=m:byte(1)
  if (not queues or queues[queue_in(g)]) and (not kinds or kinds[kind_in(g)]) then
    local r=due_at(m,#g+1)
    if r<=wall then groups[#groups+1]={name=g,first=m} else next_at=math.min(next_at,r) end
  end
end
if n==most then reply[2]=wall-skew
elseif next_at<MAX then reply[2]=next_at-skew
else reply[2]=MAX end
if n>0 then
  local ids,ends={},{}
  local group,length_of_place='',0
  local untouched=true
  for i=1,n do
    local m=G[i]
    if sub(m,1,#group)~=group or group=='' then
      group=group_of(m)
      length_of_place=#group+17
    end
    ends[i]=length_of_place
    untouched=untouched and byte(m,length_of_place)==0
    ids[i]=sub(m,length_of_place+1)
  end
  local D=R('HMGET',K_jobs,unpack(ids))
  local M=untouched and {} or R('HMGET',K_state,unpack(ids))
  local S={}
  local until_wall,until_clock=later(wall,length),later(clock,length)
  local leased=Z..pack('>dI4',until_clock,n)
  local tail='\1'..holder..string.rep('\0',10)
  local heads={}
  for i=1,n do
    local id,m,d,len=ids[i],M[i],D[i],ends[i]
    local ordinal=pack('>I4',i-1)
    if m then
      more()
      local t=rd(m)
      t.bf,t.st,t.tok,t.wk,t.up,t.lk,t.lu=t.st,1,nonce..ordinal,worker,wall,wall,until_wall
      t.le,t.of=until_clock,n
      if has(t,1) then t.fl=t.fl-1 end
      S[2*i]=wr(t)
      count(queue_of(t.place),t.bf..'1',1)
    else
      local flags=byte(d,2)%16
      local head=heads[flags]
      if not head then
        head=pack(MF,1,0,flags,0,0,0,wall,wall,until_wall,-1,0,0,0)..nonce
        heads[flags]=head
      end
      S[2*i]=head..ordinal..leased..string.char(len)..sub(G[i],1,len-1)..tail
      count(sub(d,22,21+byte(d,21)),'01',1)
    end
    S[2*i-1]=id
    local k=3*i+1
    reply[k],reply[k+1],reply[k+2]=id,d,m or ''
  end
  R('HSET',K_state,unpack(S))
  R('ZADD',K_leases,until_clock,claim)
  R('ZADD',K_held,0,claim..list_of(ids,1,n))
end
finish()
return reply
)lua";

}  // namespace queuectl::inline v0::detail::redis::lua

#endif
