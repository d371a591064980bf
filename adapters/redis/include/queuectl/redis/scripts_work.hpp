// insert and extend. ARGV[1] is the instant, ARGV[2] the handle.
#ifndef QUEUECTL_REDIS_SCRIPTS_WORK_HPP
#define QUEUECTL_REDIS_SCRIPTS_WORK_HPP

namespace queuectl::inline v0::detail::redis::lua {

// id, JOB without its sequence, … → a digit for each: insert_status.
inline constexpr char insert[] = R"lua(
local n=(#ARGV-2)/2
local ids,mine,usual={},{},true
for i=1,n do
  local id=ARGV[1+2*i]
  usual=usual and not mine[id] and byte(ARGV[2+2*i],2)%8<4
  ids[i],mine[id]=id,true
end
local known=R('HMGET',K_jobs,unpack(ids))
for i=1,n do usual=usual and not known[i] end
-- Which are new, where not all are.
local told,D
if not usual then
  jobs_aside()
  local digits,keys,new={},{},{}
  mine,D={},{}
  for i=1,n do
    local id,d=ids[i],ARGV[2+2*i]
    if mine[id] or known[i] then
      local nonce=sub(d,-16)
      local same=not mine[id] and nonce~=Z and sub(known[i],-24,-9)==nonce
      digits[i]=same and '0' or '1'
      mine[id]=mine[id] or same
    else
      local key,taken=nil,false
      if byte(d,2)%8>=4 then
        key=J.unique_of(d)
        local last=R('HGET',K_unique,key)
        local t=last and J.load(sub(last,9))
        taken=keys[key] or (t and (t.st==0 or t.st==3) and pack('>I8',t.seq)==sub(last,1,8))
      end
      digits[i]=taken and '2' or '0'
      if not taken then
        mine[id]=true
        if key then keys[key]=true end
        new[#new+1],D[#D+1]=id,d
      end
    end
  end
  told=table.concat(digits)
  ids,n=new,#new
  if n==0 then return told end
end
local seq=R('HINCRBY',K_store,'seq',n==1 and '1' or n)-n
local added,L,O,l,o,listed={},{},{},0,0,{}
-- Jobs of one queue, kind, priority and run_at with sequences in a row stand in line together.
local stretch,first
local function line_up_to(last)
  if not stretch then return end
  L[l+1],L[l+2]='0',stretch..pack('>I8B',seq+first,0)..table.concat(listed,'',2*first-1,2*last)
  l=l+2
end
-- The caller's clock tells when the jobs were made, unless it is a second off.
local created=(skew>1000000 or skew<-1000000) and pack('>d',wall)
local queue,together=nil,0
for i=1,n do
  local id,d=ids[i],D and D[i] or ARGV[2+2*i]
  local flags,lane=byte(d,2),byte(d,3)
  if flags>=32 and skew<0 then
    local hi,lo=unp('>I4I4',d,4+lane)
    if (hi-2097152)*4294967296+lo>wall then
      hi=math.floor(wall/4294967296)
      d=sub(d,1,3+lane)..pack('>I4I4',hi+2097152,wall-hi*4294967296)..sub(d,12+lane)
    end
  end
  if created then d=sub(d,1,-25)..created..sub(d,-16) end
  added[2*i-1],added[2*i]=id,d..pack('>I8',seq+i)
  listed[2*i-1],listed[2*i]=char(#id),id
  local due=sub(d,4,11+lane)
  if flags%32>=16 then due=nil end
  if due~=stretch or (first and i-first==64) then
    line_up_to(i-1)
    stretch,first=due,i
  end
  local its=sub(d,6,5+byte(d,5))
  if its~=queue then
    if queue then count(queue,'-0',together) end
    queue,together=its,0
  end
  together=together+1
  if flags%8>=4 then R('HSET',K_unique,J.unique_of(d),pack('>I8',seq+i)..id) end
  if i%64==1 then
    O[o+1]=string.format('%d',seq+i)
    o=o+2
  end
  if i%64==0 or i==n then O[o]=table.concat(listed,'',2*(i-(i-1)%64)-1,2*i) end
end
count(queue,'-0',together)
line_up_to(n)
R('HSET',K_jobs,unpack(added))
R('ZADD',K_order,unpack(O))
if l>0 then
  R('ZADD',K_line,unpack(L))
  work=true
end
finish()
return told or string.rep('0',n)
)lua";

// microseconds, then id and token, … → a digit for each: extend_status. A job without a STATE gets one. The claim of
// any other is not looked for: it ends no earlier than it says.
inline constexpr char extend[] = R"lua(
local told,S={},{}
local by=tonumber(ARGV[3])
local until_wall,until_clock=pack('>d',later(wall,by)),later(clock,by)
local ends=pack('>d',until_clock)
for i=4,#ARGV,2 do
  local id=ARGV[i]
  local m=R('HGET',K_state,id)
  if not m then
    jobs_aside()
    local t=J.leased_by(id,ARGV[i+1])
    if t then
      m=J.wr(t)
      J.leave_group(t.group,t.k)
    end
  end
  if m and byte(m,-21)==1 and sub(m,1,16)..sub(m,-20,-17)==ARGV[i+1] then
    told[#told+1]=byte(m,62)%2==1 and '1' or '0'
    S[#S+1]=id
    S[#S+1]=sub(m,1,82)..ends..sub(m,91,102)..until_wall..sub(m,111)
    if until_clock<unp('>d',m,83) then
      local at=112+byte(m,111)
      local worker=sub(m,at,at+1+256*byte(m,at)+byte(m,at+1))
      R('ZADD',K_leases,'XX','LT',until_clock,worker..sub(m,1,16))
    end
  else told[#told+1]='2' end
end
if #S>0 then R('HSET',K_state,unpack(S)) end
finish()
return table.concat(told)
)lua";

}  // namespace queuectl::inline v0::detail::redis::lua

#endif
