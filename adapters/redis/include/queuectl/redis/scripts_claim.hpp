// claim, which settles first. ARGV[1] is the instant, ARGV[2] the handle.
#ifndef QUEUECTL_REDIS_SCRIPTS_CLAIM_HPP
#define QUEUECTL_REDIS_SCRIPTS_CLAIM_HPP

namespace queuectl::inline v0::detail::redis::lua {

// The last arguments: most, lease in microseconds, whether it is repeated, worker, nonce, number of queues, their
// names, kinds. Before them, as for settle. → told, next_at, reaped, then id and JOB of each lease; after a JOB its
// STATE where it has one: the one before, or with the claim's own token when it is repeated.
inline constexpr char claim[] = R"lua(
local at=4+2*settlements
local most,length,again,worker,nonce=tonumber(ARGV[at]),tonumber(ARGV[at+1]),ARGV[at+2],ARGV[at+3],ARGV[at+4]
local holder=pack('>I2c0',#worker,worker)
local claim=holder..nonce
local due_claims=R('ZRANGEBYSCORE',K_leases,'-inf',clock,'LIMIT','0','256')
local reaped,seen=0,0
for i=1,#due_claims do
  if reaped>=256 or seen>=1000 then break end
  local crashed,looked=break_off(due_claims[i],clock,256-reaped,'lease expired')
  reaped,seen=reaped+crashed,seen+looked
end
local reply={told,0,reaped}
if again=='1' then
  local held=ids_of_claim(claim)
  for i=1,#held do
    local id=held[i]
    local m=R('HGET',K_state,id)
    if not m then
      jobs_aside()
      local g=J.group_of(claim)
      m=g and J.holds(g,i) and J.wr(J.leased(g,i))
    end
    if m and byte(m,-21)==1 and sub(m,1,16)==nonce then
      reply[#reply+1]=id
      reply[#reply+1]=R('HGET',K_jobs,id)..m
    end
  end
  if #reply>3 then
    reply[2]=wall-skew
    finish()
    return reply
  end
end
if state==3 then
  finish()
  reply[2]=MAX
  return reply
end
)lua";

// Takes from the line: ids[1…n], and spans of them that stood in one entry; next_at.
inline constexpr char take[] = R"lua(
local n,ids,spans,next_at=0,{},{},MAX
local wanted
local nq=tonumber(ARGV[at+5])
if #ARGV>at+5 then
  wanted={queues=nq>0 and {},kinds=#ARGV>at+5+nq and {}}
  for i=at+6,at+5+nq do wanted.queues[ARGV[i]]=true end
  for i=at+6+nq,#ARGV do wanted.kinds[ARGV[i]]=true end
end
local high=math.floor((wall+1)/4294967296)
local due=wall<MAX and pack('>I4I4',high+2097152,wall+1-high*4294967296) or '\255'
-- Lane g goes on to the entry m in line, or has no more.
local function enter(g,m)
  g.m=m
  if not m then
    g.ids=nil
    return
  end
  local at=#g.lane
  local hi,lo,seq,touched=unp('>I4I4I8B',m,at+1)
  g.run_at,g.seq,g.touched,g.due,g.i,g.ids=(hi-2097152)*4294967296+lo,seq,touched,sub(m,at+1,at+8),1,ids_of(m,at+18)
end
local function advance(g)
  g.k=g.k+1
  if g.k>#g.got and #g.got==g.chunk then
    g.chunk=g.chunk<16 and 16 or 2*g.chunk
    g.got=R('ZRANGEBYLEX',K_line,'('..g.m,'('..g.lane..due,'LIMIT','0',g.chunk)
    g.k=1
  end
  enter(g,g.got[g.k])
end
-- Lanes of one priority with something due: taken by turns until one runs out.
local function take(lanes)
  while n<most do
    local best
    for i=1,#lanes do
      local g=lanes[i]
      if g.ids and (not best or g.run_at<best.run_at or (g.run_at==best.run_at and g.seq<best.seq)) then best=g end
    end
    if not best then break end
    local from,size=best.i,#best.ids
    local last=from
    if #lanes==1 then last=math.min(size,from+most-n-1) end
    spans[#spans+1]={lane=best.lane,due=best.due,seq=best.seq,touched=best.touched,first=n+1,last=n+1+last-from,
      list=from==1 and last==size and sub(best.m,#best.lane+18) or list_of(best.ids,from,last)}
    for i=from,last do
      n=n+1
      ids[n]=best.ids[i]
    end
    best.seq=best.seq+1+last-from
    best.i,best.end_=last+1,best.m
    if last==size then
      best.ids=nil
      if n<most then advance(best) end
    end
  end
  for i=1,#lanes do
    local g=lanes[i]
    if g.end_==g.first then R('ZREM',K_line,g.first)
    elseif g.end_ then R('ZREMRANGEBYLEX',K_line,'['..g.first,'['..g.end_) end
    if g.ids and g.i>1 then
      R('ZADD',K_line,'0',g.lane..g.due..pack('>I8B',g.seq,g.touched)..list_of(g.ids,g.i,#g.ids))
    end
    if n<most then
      local m=R('ZRANGEBYLEX',K_line,'['..g.lane,'('..g.lane..'\255','LIMIT','0','1')[1]
      if m then
        enter(g,m)
        next_at=math.min(next_at,g.run_at)
      end
    end
  end
end
local lanes,from={},'-'
while n<most do
  local m=R('ZRANGEBYLEX',K_line,from,'+','LIMIT','0','1')[1]
  if #lanes>0 and (not m or byte(m)~=byte(lanes[1].lane)) then
    take(lanes)
    lanes={}
  end
  if not m or n>=most then break end
  local q=byte(m,2)
  local k=byte(m,3+q)
  local lane=sub(m,1,3+q+k)
  from='('..lane..'\255'
  if not wanted or ((not wanted.queues or wanted.queues[sub(m,3,2+q)]) and
    (not wanted.kinds or wanted.kinds[sub(m,4+q,3+q+k)])) then
    local g={lane=lane,first=m,got={m},k=1,chunk=1}
    enter(g,m)
    if g.run_at<=wall then lanes[#lanes+1]=g else next_at=math.min(next_at,g.run_at) end
  end
end
if n==most then reply[2]=wall-skew
elseif next_at<MAX then reply[2]=next_at-skew
else reply[2]=MAX end
)lua";

// Leases what was taken: the jobs of a span get one entry together where nothing happened to them before.
inline constexpr char lease[] = R"lua(
if n>0 then
  local D=R('HMGET',K_jobs,unpack(ids))
  local S,s,lists,held,group,entries={},0,{},{},{},nil
  local until_wall,until_clock=later(wall,length),later(clock,length)
  local ends=string.format('%.0f',until_clock)
  local lane,commons
  for x=1,#spans do
    local span=spans[x]
    local first,last,due,before=span.first,span.last,span.due,span.seq-span.first
    local q,many=sub(span.lane,3,2+byte(span.lane,2)),last-first+1
    if lane~=span.lane then lane,commons=span.lane,{} end
    if span.touched==0 then count(q,'01',many) end
    -- The flags of all, where they go together: not those that are forgotten when they complete.
    local flags=many>=FEW and span.touched==0 and byte(D[first],2)%32
    local together=flags and flags%16<8 and (entries or R('HEXISTS',K_held,nonce)==0)
    for i=first,last do
      reply[2+2*i],reply[3+2*i]=ids[i],D[i]
      together=together and byte(D[i],2)%32==flags
    end
    lists[x],held[x]=span.list,string.rep(together and '\1' or '\0',many)
    if together then
      entries=entries or {}
      entries[#entries+1]=string.format('%.0f',-span.seq)
      entries[#entries+1]=pack('>BI4',many,first-1)..nonce
      group[#group+1]=pack('>I4BI8Bc8Bc0',first-1,many,span.seq,flags,due,#lane,lane)
    else
      for i=first,last do
        s=s+2
        S[s-1]=ids[i]
        if span.touched==0 then
          flags=byte(D[i],2)%32
          local common=commons[flags]
          if not common then
            common=nonce..pack('>i4i4dd',-1,0,0,0)..Z..'\0\0\0\0'..
              pack('>BBI4I4I4ddI4dd',0,flags,0,0,0,wall,until_clock,n,wall,until_wall)..
              char(#lane)..lane..holder..'\0\0\0\0\0\0\0\0\0\0\1'
            commons[flags]=common
          end
          S[s]=common..pack('>I4c8I8',i-1,due,before+i)
        else
          jobs_aside()
          local m=R('HGET',K_state,ids[i])
          local t=J.rd(m)
          t.bf,t.st,t.ord,t.non,t.wk,t.up,t.lk,t.lu=t.st,1,i-1,nonce,worker,wall,wall,until_wall
          t.le,t.of=until_clock,n
          if J.has(t,1) then t.fl=t.fl-1 end
          S[s]=J.wr(t)
          count(q,t.bf..'1',1)
          reply[3+2*i]=D[i]..m
        end
      end
    end
  end
  if s>0 then R('HSET',K_state,unpack(S)) end
  R('ZADD',K_leases,ends,claim)
  if entries then
    R('ZADD',K_spans,unpack(entries))
    R('HSET',K_held,claim,table.concat(lists),nonce,
      pack('>I4dddI2c0B',n,wall,until_clock,until_wall,#worker,worker,#group)..table.concat(group)..table.concat(held))
  else R('HSET',K_held,claim,table.concat(lists)) end
end
finish()
return reply
)lua";

}  // namespace queuectl::inline v0::detail::redis::lua

#endif
