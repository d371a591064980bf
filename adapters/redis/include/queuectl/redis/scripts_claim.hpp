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
    if m and byte(m)==1 and sub(m,48,63)==nonce then
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
local n,ids,queues_of,prefixes,sequences,untouched=0,{},{},{},{},true
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
-- The next list of due jobs of a group: g.ids, the first not yet taken is g.i; nil after the last.
local function advance(g)
  g.k=g.k+1
  if g.k>#g.got and #g.got==g.chunk then
    g.chunk=g.chunk<16 and 16 or 2*g.chunk
    g.got=R('ZRANGEBYLEX',K_line,'('..g.m,'('..g.name..due,'LIMIT',0,g.chunk)
    g.k=1
  end
  local m,at=g.got[g.k],#g.name
  g.m,g.i,g.ids=m,1,m and ids_of(m,at+18)
  if m then
    g.prefix,g.run_at,g.sequence,g.touched=sub(m,1,at+8),due_at(m,at+1),unp('>I8B',m,at+9)
  end
end
-- Stretches of one priority with something due: taken by turns until one runs out.
local function take(groups)
  for _,g in ipairs(groups) do
    g.got,g.k,g.chunk={g.first},0,1
    advance(g)
  end
  while n<most do
    local best
    for _,g in ipairs(groups) do
      if g.ids and (not best or g.run_at<best.run_at or (g.run_at==best.run_at and g.sequence<best.sequence)) then
        best=g
      end
    end
    if not best then break end
    local last=best.i
    if #groups==1 then last=math.min(#best.ids,last+most-n-1) end
    for i=best.i,last do
      n=n+1
      ids[n],queues_of[n],prefixes[n],sequences[n]=best.ids[i],best.queue,best.prefix,best.sequence
      best.sequence=best.sequence+1
    end
    best.i,best.last=last+1,best.m
    untouched=untouched and best.touched==0
    if last==#best.ids then
      best.ids=nil
      if n<most then advance(best) end
    end
  end
  for _,g in ipairs(groups) do
    if g.last then
      R('ZREMRANGEBYLEX',K_line,'['..g.first,'['..g.last)
      if g.ids and g.i>1 then
        R('ZADD',K_line,0,g.prefix..pack('>I8B',g.sequence,g.touched)..list_of(g.ids,g.i,#g.ids))
      end
    end
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
    if r<=wall then groups[#groups+1]={name=g,queue=queue_in(g),first=m} else next_at=math.min(next_at,r) end
  end
end
if n==most then reply[2]=wall-skew
elseif next_at<MAX then reply[2]=next_at-skew
else reply[2]=MAX end
if n>0 then
  local D=R('HMGET',K_jobs,unpack(ids))
  local M=untouched and {} or R('HMGET',K_state,unpack(ids))
  local S={}
  local until_wall,until_clock=later(wall,length),later(clock,length)
  local leased=Z..pack('>dI4dd',until_clock,n,wall,until_wall)
  local tail='\1'..holder..string.rep('\0',10)
  local heads={}
  for i=1,n do
    local id,m,d,prefix=ids[i],M[i],D[i],prefixes[i]
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
        head=pack(MF,1,0,flags,0,0,0,wall,-1,0,0,0)..nonce
        heads[flags]=head
      end
      S[2*i]=head..ordinal..leased..char(#prefix+9)..prefix..pack('>I8',sequences[i])..tail
      count(queues_of[i],'01',1)
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
