// What only reads; it also runs on a replica. ARGV[1] is the instant.
#ifndef QUEUECTL_REDIS_SCRIPTS_READ_HPP
#define QUEUECTL_REDIS_SCRIPTS_READ_HPP

namespace queuectl::inline v0::detail::redis::lua {

// id → JOB, STATE ("" where nothing happened to it), RUNs (or ""); nothing for a job that is not there.
inline constexpr char find[] = R"lua(
local d=R('HGET',K_jobs,ARGV[2])
if not d then return {} end
local m=R('HGET',K_state,ARGV[2])
if not m then
  local t=J.untold(d)
  m=t.touched==1 and J.wr(t) or ''
end
return {d,m,R('HGET',K_runs,ARGV[2]) or ''}
)lua";

// sequence to go on after, most, state ("" = any), queue, kind, tag, updated before (a number)
// → next, then id, JOB, STATE (or "") of each. Looks at 1000 jobs at most.
inline constexpr char list[] = R"lua(
local after,most,st,queue,kind,tag,before=tonumber(ARGV[2]),tonumber(ARGV[3]),ARGV[4],ARGV[5],ARGV[6],ARGV[7],
  tonumber(ARGV[8])
local filtered=(st~='' and st~='4') or queue~='' or kind~='' or tag~='' or before<9007199254740991
local page=filtered and 1000 or most
local ids,sequences={},{}
local function add(id,seq)
  if #ids<page then ids[#ids+1],sequences[#ids+1]=id,seq end
end
-- A list that begins before may reach beyond; each has a job at least.
local function add_lists(got)
  for i=1,#got,2 do
    local some,first=ids_of(got[i],1),tonumber(got[i+1])
    for k=1,#some do
      if some[k]~='' and first+k-1>after then add(some[k],first+k-1) end
    end
  end
end
if st=='4' then
  local got=R('ZRANGEBYSCORE',K_dlq,'('..ARGV[2],'+inf','WITHSCORES','LIMIT',0,page)
  for i=1,#got,2 do add(got[i],tonumber(got[i+1])) end
else
  add_lists(R('ZREVRANGEBYSCORE',K_order,ARGV[2],'-inf','WITHSCORES','LIMIT',0,1))
  add_lists(R('ZRANGEBYSCORE',K_order,'('..ARGV[2],'+inf','WITHSCORES','LIMIT',0,page))
end
local n=#ids
if n==0 then return {'0'} end
local function as_text(seq) return string.format('%.0f',seq) end
local reply={n==page and as_text(sequences[n]) or '0'}
local M=R('HMGET',K_state,unpack(ids))
local told=0
for i=1,n do
  if told==most then
    reply[1]=as_text(sequences[i-1])
    break
  end
  local id,m,d=ids[i],M[i],nil
  local fits,t=true,nil
  if not m then
    d=R('HGET',K_jobs,id)
    t=J.untold(d)
    m=t.touched==1 and J.wr(t) or ''
  end
  if filtered then
    t=t or J.rd(m)
    fits=(st=='' or t.st==tonumber(st)) and (queue=='' or J.queue_of(t)==queue) and
      (kind=='' or J.kind_of(t)==kind) and (before>=9007199254740991 or t.up<before)
    if fits and tag~='' then
      d=d or R('HGET',K_jobs,id)
      fits=J.tag_of(d)==tag
    end
  end
  if fits then
    told=told+1
    local k=#reply
    reply[k+1],reply[k+2],reply[k+3]=id,d or R('HGET',K_jobs,id),m
  end
end
return reply
)lua";

// id, number → RUN's REPORT and the output; nothing when it is not kept.
inline constexpr char output[] = R"lua(
local all=R('HGET',K_runs,ARGV[2])
if not all then return {} end
local place,report
J.each_run(all,function(at,len)
  local p,number=unp('>I4I4',all,at+4)
  if number==tonumber(ARGV[3]) then
    local w=unp('>I2',all,at+12)
    place,report=p,all:sub(at+14+w,at+3+len)
  end
end)
if not place then return {} end
local out=R('HGET',K_output,J.field(ARGV[2],place))
if not out then return {} end
return {report,out}
)lua";

inline constexpr char info[] = R"lua(
local h=R('HMGET',K_store,'format','id','moved_to')
return {h[1],min_reader,min_writer,h[2],state,h[3]}
)lua";

inline constexpr char counts[] = R"lua(
return R('HGETALL',K_counts)
)lua";

// key → its value with version and end in front; nothing where there is none.
inline constexpr char config_get[] = R"lua(
local e=R('HGET',K_config,ARGV[2])
if not e then return {} end
local v,ends=unp('>dd',e)
if wall>=ends then return {} end
if ends<MAX then ends=ends-skew end
return {ARGV[2],pack('>dd',v,ends)..e:sub(17)}
)lua";

// prefix → key and entry of each. Looks at every entry.
inline constexpr char config_list[] = R"lua(
local all=R('HGETALL',K_config)
local prefix=ARGV[2]
local reply={}
for i=1,#all,2 do
  if all[i]:sub(1,#prefix)==prefix then
    local v,ends=unp('>dd',all[i+1])
    if wall<ends then
      if ends<MAX then ends=ends-skew end
      reply[#reply+1]=all[i]
      reply[#reply+1]=pack('>dd',v,ends)..all[i+1]:sub(17)
    end
  end
end
return reply
)lua";

// id of a new store (32 hexadecimal digits), made unless one is there.
inline constexpr char open[] = R"lua(
if redis.call('EXISTS',K_store)==0 then
  redis.call('HSET',K_store,'format',4,'gate','4 4 0','id',ARGV[1],'moved_to','')
end
return 1
)lua";

}  // namespace queuectl::inline v0::detail::redis::lua

#endif
