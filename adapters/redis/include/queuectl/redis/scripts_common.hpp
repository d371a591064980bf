// The parts that scripts share. Lua 5.1 in Redis: every number is a double; a number given to redis.call is written
// with 17 digits, so integers up to 2^53 stay exact (and dearly: what is given often is made text once); strings are
// never compared by < (that follows the server's locale).
#ifndef QUEUECTL_REDIS_SCRIPTS_COMMON_HPP
#define QUEUECTL_REDIS_SCRIPTS_COMMON_HPP

namespace queuectl::inline v0::detail::redis::lua {

// The gate of the store, which every script reads first: anything but "2 2 0" is looked at closely.
inline constexpr char begin[] = R"lua(
local R,pack,unp,sub,byte,char=redis.call,struct.pack,struct.unpack,string.sub,string.byte,string.char
local function bad(code,text) return redis.error_reply('-QUEUECTL '..code..' '..text) end
local gate=R('HGET',K_store,'gate')
if not gate then return bad('not_found','there is no store (any more)') end
local min_reader,min_writer,state=2,2,0
if gate~='2 2 0' then
  min_reader,min_writer,state=string.match(gate,'(%d+) (%d+) (%d+)')
  min_reader,min_writer,state=tonumber(min_reader),tonumber(min_writer),tonumber(state)
end
if min_reader>2 then return bad('wrong_version','the store needs a newer version of this program') end
if min_reader<2 then return bad('wrong_version','the store is of an older version of this program: move it with that') end
)lua";

// Refuses what the state of the store does not allow. BEGINS: whether the script begins something.
inline constexpr char writes[] = R"lua(
if min_writer>2 then return bad('wrong_version','the store needs a newer version of this program') end
local function moved_to() return R('HGET',K_store,'moved_to') end
if state==1 then return bad('read_only','the store is read-only') end
if state==2 then return bad('moved',moved_to()) end
local moving=state==3
if BEGINS and moving then return bad('busy','the store is moving to '..moved_to()) end
)lua";

// wall: now; clock: what leases are measured on; skew: how far the caller's clock is behind. An instant of 32 bytes is
// of a handle whose clock is the caller's.
inline constexpr char time[] = R"lua(
local wall,clock=unp('>dd',ARGV[1])
local skew=0
if #ARGV[1]==16 then
  local t=R('TIME')
  clock=t[1]*1000000+t[2]
  skew=clock-wall
  wall=clock
end
local MAX=9007199254740991
local function later(t,by)
  t=t+by
  if t>MAX then return MAX end
  return t
end
)lua";

// Counts of the ways that jobs went ("01": from pending to processing), and telling those who wait. more() defines the
// functions after it, of jobs as tables: what most calls can do without is not made for each.
inline constexpr char jobs[] = R"lua(
local Z=string.rep('\0',20)
local MF='>BBBI4I4I4di4i4dd'
local TF='>dI4ddBc0I2c0I2c0I4c0I4c0'
local function has(t,flag) return t.fl%(flag*2)>=flag end
local counted={}
local function count(q,way,by)
  local c=counted[way]
  if not c then
    c={}
    counted[way]=c
  end
  c[q]=(c[q] or 0)+by
end
local work,control=false,false
local function finish()
  for way,c in pairs(counted) do
    for q,by in pairs(c) do R('HINCRBY',K_counts,way..q,by) end
  end
  if control then R('PUBLISH',K_store,ARGV[2]..'c') end
  if work then R('PUBLISH',K_store,ARGV[2]..'w') end
end

local rd,wr,fresh,load,queue_of,kind_of,tag_of,unique_of,run_at_bytes,run_at_of,line_up,leave_line
local function more()
  if rd then return end
  rd=function(m)
    local t={}
    t.st,t.bf,t.fl,t.at,t.cr,t.ru,t.up,t.ex,t.sg,t.sa,t.en=unp(MF,m)
    t.tok,t.set=m:sub(48,67),m:sub(68,87)
    t.le,t.of,t.lk,t.lu,t.place,t.wk,t.er,t.rs,t.pg=unp(TF,m,88)
    return t
  end
  wr=function(t)
    return pack(MF,t.st,t.bf,t.fl,t.at,t.cr,t.ru,t.up,t.ex,t.sg,t.sa,t.en)..t.tok..t.set..
      pack(TF,t.le,t.of,t.lk,t.lu,#t.place,t.place,#t.wk,t.wk,#t.er,t.er,#t.rs,t.rs,#t.pg,t.pg)
  end
  fresh=function(d,seq)
    local created=unp('>d',d,#d-7)
    return {st=0,bf=0,fl=d:byte(2)%32,at=0,cr=0,ru=0,up=created,lk=0,lu=0,ex=-1,sg=0,sa=0,en=0,tok=Z,set=Z,le=0,of=0,
      place=sub(d,20,27+byte(d,19))..pack('>I8B',seq,0),wk='',er='',rs='',pg=''}
  end
  load=function(id)
    local m=R('HGET',K_state,id)
    if m then return rd(m) end
    local s=R('ZSCORE',K_order,id)
    if not s then return nil end
    return fresh(R('HGET',K_jobs,id),tonumber(s))
  end
  queue_of=function(p) return sub(p,3,2+byte(p,2)) end
  kind_of=function(p)
    local q=byte(p,2)
    return sub(p,4+q,3+q+byte(p,3+q))
  end
  tag_of=function(d)
    local at=28+byte(d,19)
    return sub(d,at+1,at+byte(d,at))
  end
  unique_of=function(d)
    local at=28+byte(d,19)
    at=at+1+byte(d,at)
    return sub(d,at+1,at+byte(d,at))
  end
  run_at_bytes=function(us)
    local hi=math.floor(us/4294967296)
    return pack('>I4I4',hi+2097152,us-hi*4294967296)
  end
  run_at_of=function(p,at)
    local hi,lo=unp('>I4I4',p,at)
    return (hi-2097152)*4294967296+lo
  end
  line_up=function(id,t)
    if has(t,16) then return end
    R('ZADD',K_line,0,t.place..char(#id)..id)
    work=true
  end
  -- A job without a STATE may stand in one list with those inserted with it, which parts where it stood.
  leave_line=function(id,t)
    local p=t.place
    if byte(p,#p)==1 then
      R('ZREM',K_line,p..char(#id)..id)
      return
    end
    local m=R('ZREVRANGEBYLEX',K_line,'['..p..'\255','-','LIMIT',0,1)[1]
    if not m or sub(m,1,#p-9)~=sub(p,1,-10) then return end
    local first=unp('>I8',m,#p-8)
    local ids,k=ids_of(m,#p+1),unp('>I8',p,#p-8)-first+1
    if ids[k]~=id then return end
    R('ZREM',K_line,m)
    if k>1 then R('ZADD',K_line,0,sub(m,1,#p)..list_of(ids,1,k-1)) end
    if k<#ids then R('ZADD',K_line,0,sub(m,1,#p-9)..pack('>I8B',first+k,0)..list_of(ids,k+1,#ids)) end
  end
end
)lua";

// Runs, and a lease whose holder is gone; defined by more_runs(), which does as more() too.
inline constexpr char runs[] = R"lua(
local field,each_run,run_head,add_run,crash,forget
local function more_runs()
  if crash then return end
  more()
  field=function(id,place) return id..'#'..string.format('%.0f',place) end
  each_run=function(all,f)
    local at=1
    while at<=#all do
      local n=unp('>I4',all,at)
      if f(at,n)==false then return end
      at=at+4+n
    end
  end
  -- The place of a run at `at`, and whether its output is kept.
  run_head=function(all,at)
    local place=unp('>I4',all,at+4)
    local w=unp('>I2',all,at+12)
    return place,all:byte(at+14+w+45)==1
  end
  add_run=function(id,t,number,report,out)
    t.ru=t.ru+1
    local rec=pack('>I4I4I2c0',t.ru,number,#t.wk,t.wk)..report
    local all=R('HGET',K_runs,id) or ''
    local n,first=0,0
    each_run(all,function(at,len) n=n+1 if n==1 then first=4+len end end)
    if n>=20 then
      local place,kept=run_head(all,1)
      if kept then R('HDEL',K_output,field(id,place)) end
      all=all:sub(first+1)
    end
    R('HSET',K_runs,id,all..pack('>I4c0',#rec,rec))
    if #out>0 then R('HSET',K_output,field(id,t.ru),out) end
  end
  -- `m`: its STATE. Its claim's share is the caller's.
  crash=function(id,m,cause)
    local t=rd(m)
    add_run(id,t,t.at+t.cr+1,pack('>Bi4i4ddddI4BI2c0',4,-1,0,t.lk,wall,0,0,0,0,#cause,cause),'')
    t.cr=t.cr+1
    t.er=cause
    t.up=wall
    t.tok=Z
    t.st=has(t,1) and 5 or 0
    R('HSET',K_state,id,wr(t))
    count(queue_of(t.place),'1'..t.st,1)
    if t.st==5 then R('ZADD',K_cancelled,wall,id) else line_up(id,t) end
  end
  -- Forgets a job; its place in the sets of its state is the caller's.
  forget=function(id,t)
    if t.ru>0 then
      local all=R('HGET',K_runs,id) or ''
      each_run(all,function(at)
        local place,kept=run_head(all,at)
        if kept then R('HDEL',K_output,field(id,place)) end
      end)
      R('HDEL',K_runs,id)
    end
    if has(t,4) then
      local key=unique_of(R('HGET',K_jobs,id))
      local last=R('HGET',K_unique,key)
      if last and last:sub(9)==id then R('HDEL',K_unique,key) end
    end
    R('HDEL',K_jobs,id)
    R('HDEL',K_state,id)
    R('ZREM',K_order,id)
  end
end
)lua";

inline constexpr char some[] = "more()\n";
inline constexpr char all[] = "more_runs()\n";

}  // namespace queuectl::inline v0::detail::redis::lua

#endif
