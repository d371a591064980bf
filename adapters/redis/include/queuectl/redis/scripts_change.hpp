// Changes by hand. ARGV[1] is the instant, ARGV[2] the handle, ARGV[3] the number of the change (8 bytes): asked for
// again, it answers as it did. Every answer is a string.
#ifndef QUEUECTL_REDIS_SCRIPTS_CHANGE_HPP
#define QUEUECTL_REDIS_SCRIPTS_CHANGE_HPP

namespace queuectl::inline v0::detail::redis::lua {

inline constexpr char once[] = R"lua(
do
  local last=R('GET',K_reply)
  if last and last:sub(1,8)==ARGV[3] then return last:sub(9) end
end
local function answer(text)
  R('SET',K_reply,ARGV[3]..text,'PX',600000)
  return text
end
)lua";

// Takes a job that goes to another state (or, "-", away) out of the set of its own.
inline constexpr char unlist[] = R"lua(
-- Only these are left of a list of completed jobs; the last takes the SPAN along.
local function relist(list,at,ids)
  R('ZREM',K_completed,list)
  if #ids>0 then return R('ZADD',K_completed,at,sub(list,1,28)..list_of(ids,1,#ids)) end
  local first=unp('>I8',list,21)
  if first>0 then R('ZREMRANGEBYSCORE',K_spans,first,first) end
end
-- The one list of ids that has it is among those of the same microsecond.
local function uncomplete(id,at)
  local lists=R('ZRANGEBYSCORE',K_completed,at,at)
  for i=1,#lists do
    local ids=ids_of(lists[i],29)
    for k=1,#ids do
      if ids[k]==id then
        table.remove(ids,k)
        relist(lists[i],at,ids)
        return
      end
    end
  end
end
local function unlist(id,t,to)
  if t.st==0 or t.st==3 then J.leave_line(id,t)
  elseif t.st==2 then uncomplete(id,t.up)
  elseif t.st==5 then R('ZREM',K_cancelled,id)
  else
    R('ZREM',K_dlq,id)
    R('ZREM',K_dead,id)
  end
  count(J.queue_of(t),t.st..to,1)
end
local told={}
)lua";

inline constexpr char revive[] = R"lua(
for i=4,#ARGV do
  local id=ARGV[i]
  local t=J.load(id)
  if not t then told[#told+1]='2'
  elseif t.st==0 or t.st==1 then told[#told+1]='3'
  else
    unlist(id,t,'0')
    if J.has(t,2) then
      J.add_run(id,t,t.at+t.cr,pack('>Bi4i4ddddI4BI2',0,t.ex,t.sg,t.sa,t.en,0,0,0,0,0),'')
      t.fl=t.fl-2
    end
    if J.has(t,1) then t.fl=t.fl-1 end
    t.st,t.bf,t.at,t.cr,t.up=0,0,0,0,wall
    local seq=R('HINCRBY',K_store,'seq','1')
    J.leave_order(id,t.seq)
    t.seq,t.due=seq,J.run_at_bytes(wall)
    R('ZADD',K_order,seq,list_of({id},1,1))
    R('HSET',K_state,id,J.wr(t))
    J.line_up(id,t)
    told[#told+1]='0'
  end
end
finish()
return answer(table.concat(told))
)lua";

inline constexpr char cancel[] = R"lua(
local T={}
for i=4,#ARGV do
  T[i]=J.load(ARGV[i])
  if state==3 and T[i] and (T[i].st==0 or T[i].st==3) then
    return redis.error_reply('-QUEUECTL busy the store is moving to '..R('HGET',K_store,'moved_to'))
  end
end
for i=4,#ARGV do
  local id=ARGV[i]
  local t=T[i]
  if t then t=J.load(id) end
  if not t then told[#told+1]='2'
  elseif t.st==1 then
    if not J.has(t,1) then t.fl=t.fl+1 end
    J.put(id,t)
    control=true
    told[#told+1]='1'
  elseif t.st==0 or t.st==3 then
    unlist(id,t,'5')
    t.st,t.up=5,wall
    R('HSET',K_state,id,J.wr(t))
    R('ZADD',K_cancelled,wall,id)
    told[#told+1]='0'
  else told[#told+1]='3' end
end
finish()
return answer(table.concat(told))
)lua";

inline constexpr char remove[] = R"lua(
for i=4,#ARGV do
  local id=ARGV[i]
  local t=J.load(id)
  if not t then told[#told+1]='2'
  elseif t.st==1 then told[#told+1]='3'
  else
    unlist(id,t,'-')
    J.forget(id,t)
    told[#told+1]='0'
  end
end
finish()
return answer(table.concat(told))
)lua";

// state, updated before (a score of ZRANGEBYSCORE), queue, kind, tag, most, how many members of the state's set to pass
// over → removed, members kept, "1" when there may be more.
inline constexpr char purge[] = R"lua(
local set=({['2']=K_completed,['4']=K_dead,['5']=K_cancelled})[ARGV[4]]
local most,skip=tonumber(ARGV[9]),tonumber(ARGV[10])
local lists=set==K_completed
local page=lists and 256 or 1000
local got=R('ZRANGEBYSCORE',set,'-inf',ARGV[5],'WITHSCORES','LIMIT',skip,page)
local removed,kept,seen=0,0,0
local function goes(id)
  local t=J.load(id)
  local fits=removed<most and (ARGV[6]=='' or J.queue_of(t)==ARGV[6]) and (ARGV[7]=='' or J.kind_of(t)==ARGV[7])
  if fits and ARGV[8]~='' then
    fits=J.tag_of(R('HGET',K_jobs,id))==ARGV[8]
  end
  seen=seen+1
  if not fits then return false end
  if lists then count(J.queue_of(t),'2-',1) else unlist(id,t,'-') end
  J.forget(id,t)
  removed=removed+1
  return true
end
local more_left=#got==2*page
for i=1,#got,2 do
  if seen>=1000 then
    more_left=true
    break
  end
  local member=got[i]
  if lists then
    local ids,stay=ids_of(member,29),{}
    for k=1,#ids do if not goes(ids[k]) then stay[#stay+1]=ids[k] end end
    if #stay<#ids then relist(member,got[i+1],stay) end
    if #stay>0 then kept=kept+1 end
  elseif not goes(member) then kept=kept+1 end
end
finish()
return answer(removed..' '..kept..' '..(more_left and '1' or '0'))
)lua";

inline constexpr char reprioritise[] = R"lua(
local id=ARGV[4]
local t=J.load(id)
if not t then return answer('2') end
if t.st~=0 and t.st~=3 then return answer('3') end
J.leave_line(id,t)
t.lane=char(127-tonumber(ARGV[5]))..sub(t.lane,2)
t.up=wall
R('HSET',K_state,id,J.wr(t))
J.line_up(id,t)
finish()
return answer('0')
)lua";

inline constexpr char free_worker[] = R"lua(
local holder=pack('>I2c0',#ARGV[4],ARGV[4])
local claims=R('HKEYS',K_held)
local freed,seen=0,0
for i=1,#claims do
  if freed>=1000 or seen>=2000 then break end
  if #claims[i]==#holder+16 and sub(claims[i],1,#holder)==holder then
    local crashed,looked=break_off(claims[i],MAX,1000-freed,ARGV[5])
    freed,seen=freed+crashed,seen+looked
  end
end
finish()
return answer(tostring(freed))
)lua";

// key, value, version that must be there ("any": none must), expires_at → "v" and the version, or "c": a conflict.
inline constexpr char config_put[] = R"lua(
local key=ARGV[4]
local old=R('HGET',K_config,key)
local version=0
if old then
  local v,ends=unp('>dd',old)
  if wall<ends then version=v end
end
if ARGV[6]~='any' and tonumber(ARGV[6])~=version then return answer('c') end
version=R('HINCRBY',K_store,'config_version',1)
local ends=tonumber(ARGV[7])
if ends<MAX then ends=later(ends,skew) end
R('HSET',K_config,key,pack('>dd',version,ends)..ARGV[5])
if ends<MAX then R('ZADD',K_expiry,ends,key) else R('ZREM',K_expiry,key) end
local old_ones=R('ZRANGEBYSCORE',K_expiry,'-inf',wall,'LIMIT',0,100)
for i=1,#old_ones do
  if old_ones[i]~=key then
    R('HDEL',K_config,old_ones[i])
    R('ZREM',K_expiry,old_ones[i])
  end
end
R('PUBLISH',K_store,ARGV[2]..'w')
return answer('v'..string.format('%.0f',version))
)lua";

inline constexpr char config_erase[] = R"lua(
local n=R('HDEL',K_config,ARGV[4])
R('ZREM',K_expiry,ARGV[4])
return answer(tostring(n))
)lua";

// state, moved_to. The one write that every state takes.
inline constexpr char set_state[] = R"lua(
R('HSET',K_store,'gate',min_reader..' '..min_writer..' '..ARGV[4],'moved_to',ARGV[5])
R('PUBLISH',K_store,ARGV[2]..'c')
R('PUBLISH',K_store,ARGV[2]..'w')
return answer('')
)lua";

// Five for each job: id; JOB with its end; STATE, whose sequence is not known yet; its runs; place and bytes (length 4
// each) of the outputs kept. → a digit for each: insert_status. Naturally the same when repeated.
inline constexpr char restore[] = R"lua(
local n=(#ARGV-3)/5
local told={}
for i=1,n do
  local id,d=ARGV[5*i-1],ARGV[5*i]
  local old=R('HGET',K_jobs,id)
  if old and sub(old,-32,-9)==sub(d,-24) then told[i]='0'
  elseif old then told[i]='1'
  else
    told[i]='0'
    local m,runs,outs=ARGV[5*i+1],ARGV[5*i+2],ARGV[5*i+3]
    local seq=R('HINCRBY',K_store,'seq','1')
    m=sub(m,1,-9)..pack('>I8',seq)
    local t=J.rd(m)
    R('HSET',K_jobs,id,d..pack('>I8',seq))
    R('HSET',K_state,id,m)
    R('ZADD',K_order,seq,list_of({id},1,1))
    if runs~='' then R('HSET',K_runs,id,runs) end
    local at=1
    while at<=#outs do
      local place,bytes,next=unp('>I4I4c0',outs,at)
      R('HSET',K_output,J.field(id,place),bytes)
      at=next
    end
    if t.st==2 then R('ZADD',K_completed,t.up,t.set..sub(Z,1,8)..list_of({id},1,1))
    elseif t.st==5 then R('ZADD',K_cancelled,t.up,id)
    elseif t.st==4 then
      R('ZADD',K_dead,t.up,id)
      R('ZADD',K_dlq,seq,id)
    else J.line_up(id,t) end
    count(J.queue_of(t),'-'..t.st,1)
    if J.has(t,4) then
      R('HSET',K_unique,J.unique_of(d),pack('>I8',seq)..id)
    end
  end
end
finish()
return table.concat(told)
)lua";

}  // namespace queuectl::inline v0::detail::redis::lua

#endif
