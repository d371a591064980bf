// The parts that scripts share. Lua 5.1 in Redis: every number is a double; a number given to redis.call is written
// with 17 digits, so integers up to 2^53 stay exact (and dearly: what is given often is text); strings are never
// compared by < (that follows the server's locale). A script runs from its first line at every call, and makes each
// function it passes anew: what most calls can do without is in functions of J, which jobs_aside() and others define.
#ifndef QUEUECTL_REDIS_SCRIPTS_COMMON_HPP
#define QUEUECTL_REDIS_SCRIPTS_COMMON_HPP

namespace queuectl::inline v0::detail::redis::lua {

// What the store allows. WRITES: whether the script changes anything; BEGINS: whether it begins something. The gate is
// "4 4 0" unless something is up.
inline constexpr char begin[] = R"lua(
local R,pack,unp,sub,byte,char=redis.call,struct.pack,struct.unpack,string.sub,string.byte,string.char
local gate=R('HGET',K_store,'gate')
local min_reader,min_writer,state=4,4,0
if gate~='4 4 0' then
  local why
  if gate then
    min_reader,min_writer,state=string.match(gate,'(%d+) (%d+) (%d+)')
    min_reader,min_writer,state=tonumber(min_reader),tonumber(min_writer),tonumber(state)
    if min_reader>4 or (WRITES and min_writer>4) then
      why='wrong_version the store needs a newer version of this program'
    elseif min_reader<4 then
      why='wrong_version the store is of an older version of this program: move it with that'
    elseif WRITES and state==1 then why='read_only the store is read-only'
    elseif WRITES and state==2 then why='moved '..R('HGET',K_store,'moved_to')
    elseif BEGINS and state==3 then why='busy the store is moving to '..R('HGET',K_store,'moved_to') end
  else why='not_found there is no store (any more)' end
  if why then return redis.error_reply('-QUEUECTL '..why) end
end
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

// Counts of the ways that jobs went ("01": from pending to processing), and telling those who wait.
inline constexpr char jobs[] = R"lua(
local J={}
local counted={}
local function count(q,way,by)
  way=way..q
  counted[way]=(counted[way] or 0)+by
end
local work,control=false,false
local function finish()
  for way,by in pairs(counted) do R('HINCRBY',K_counts,way,by==1 and '1' or by) end
  if J.gone then J.unorder() end
  if J.left then J.write_groups() end
  if control then R('PUBLISH',K_store,ARGV[2]..'c') end
  if work then R('PUBLISH',K_store,ARGV[2]..'w') end
end
)lua";

// jobs_aside() defines the functions of J that deal with jobs as tables; they have the members of STATE, and the GROUP
// that tells of them.
inline constexpr char job_tables[] = R"lua(
local Z='\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
local function jobs_aside()
  if J.rd then return end
  local F='>c16i4i4ddc20BBI4I4I4ddI4ddBc0I2c0I2c0I4c0I4c0BI4c8I8'
  J.rd=function(m)
    local t={touched=1}
    t.non,t.ex,t.sg,t.sa,t.en,t.set,t.bf,t.fl,t.at,t.cr,t.ru,t.up,t.le,t.of,t.lk,t.lu,t.lane,t.wk,t.er,t.rs,t.pg,
      t.st,t.ord,t.due,t.seq=unp(F,m)
    return t
  end
  J.wr=function(t)
    return pack(F,t.non,t.ex,t.sg,t.sa,t.en,t.set,t.bf,t.fl,t.at,t.cr,t.ru,t.up,t.le,t.of,t.lk,t.lu,#t.lane,t.lane,
      #t.wk,t.wk,#t.er,t.er,#t.rs,t.rs,#t.pg,t.pg,t.st,t.ord,t.due,t.seq)
  end
  -- Nothing happened to it.
  J.blank=function(lane,due,seq,flags,up)
    return {touched=0,st=0,ord=0,seq=seq,due=due,non=Z,set=Z..'\0\0\0\0',ex=-1,sg=0,sa=0,en=0,bf=0,fl=flags,at=0,
      cr=0,ru=0,up=up,le=0,of=0,lk=0,lu=0,lane=lane,wk='',er='',rs='',pg=''}
  end
  J.fresh=function(d)
    local lane,created,_,seq=byte(d,3),unp('>dc16I8',d,#d-31)
    return J.blank(sub(d,4,3+lane),sub(d,4+lane,11+lane),seq,byte(d,2)%32,created)
  end
  spans_aside()
  J.load=function(id)
    local m=R('HGET',K_state,id)
    if m then return J.rd(m) end
    local d=R('HGET',K_jobs,id)
    return d and J.untold(d)
  end
  J.put=function(id,t)
    R('HSET',K_state,id,J.wr(t))
    if t.group then J.leave_group(t.group,t.k) end
  end
  J.has=function(t,flag) return t.fl%(flag*2)>=flag end
  J.queue_of=function(t) return sub(t.lane,3,2+byte(t.lane,2)) end
  J.kind_of=function(t)
    local q=byte(t.lane,2)
    return sub(t.lane,4+q,3+q+byte(t.lane,3+q))
  end
  J.tag_of=function(d)
    local at=12+byte(d,3)
    return sub(d,at+1,at+byte(d,at))
  end
  J.unique_of=function(d)
    local at=12+byte(d,3)
    at=at+1+byte(d,at)
    return sub(d,at+1,at+byte(d,at))
  end
  J.run_at_bytes=function(us)
    local hi=math.floor(us/4294967296)
    return pack('>I4I4',hi+2097152,us-hi*4294967296)
  end
  J.line_up=function(id,t)
    if J.has(t,16) then return end
    R('ZADD',K_line,'0',t.lane..t.due..pack('>I8B',t.seq,1)..char(#id)..id)
    work=true
  end
  J.leave_line=function(id,t)
    local p=t.lane..t.due..pack('>I8B',t.seq,t.touched)
    if t.touched==1 then return R('ZREM',K_line,p..char(#id)..id) end
    J.part(id,p)
  end
end
)lua";

// J.part: the list in line that an untouched job stands in is parted where it stood.
inline constexpr char parting[] = R"lua(
J.part=function(id,p)
  local m=R('ZREVRANGEBYLEX',K_line,'['..p..'\255','-','LIMIT',0,1)[1]
  if not m or sub(m,1,#p-9)~=sub(p,1,-10) then return end
  local first=unp('>I8',m,#p-8)
  local ids,k=ids_of(m,#p+1),unp('>I8',p,#p-8)-first+1
  if ids[k]~=id then return end
  R('ZREM',K_line,m)
  if k>1 then R('ZADD',K_line,0,sub(m,1,#p)..list_of(ids,1,k-1)) end
  if k<#ids then R('ZADD',K_line,0,sub(m,1,#p-9)..pack('>I8B',first+k,0)..list_of(ids,k+1,#ids)) end
end
)lua";

// runs_aside() does as jobs_aside() too: runs, and a job that is forgotten.
inline constexpr char runs[] = R"lua(
local function runs_aside()
  if J.crash then return end
  jobs_aside()
  J.field=function(id,place) return id..'#'..string.format('%.0f',place) end
  J.each_run=function(all,f)
    local at=1
    while at<=#all do
      local n=unp('>I4',all,at)
      f(at,n)
      at=at+4+n
    end
  end
  -- The place of a run at `at`, and whether its output is kept.
  J.run_head=function(all,at)
    local place=unp('>I4',all,at+4)
    local w=unp('>I2',all,at+12)
    return place,byte(all,at+14+w+45)==1
  end
  J.add_run=function(id,t,number,report,out)
    t.ru=t.ru+1
    local rec=pack('>I4I4I2c0',t.ru,number,#t.wk,t.wk)..report
    local all=R('HGET',K_runs,id) or ''
    local n,first=0,0
    J.each_run(all,function(at,len) n=n+1 if n==1 then first=4+len end end)
    if n>=20 then
      local place,kept=J.run_head(all,1)
      if kept then R('HDEL',K_output,J.field(id,place)) end
      all=sub(all,first+1)
    end
    R('HSET',K_runs,id,all..pack('>I4c0',#rec,rec))
    if #out>0 then R('HSET',K_output,J.field(id,t.ru),out) end
  end
  -- Its claim's share is the caller's.
  J.crash=function(id,t,cause)
    J.add_run(id,t,t.at+t.cr+1,pack('>Bi4i4ddddI4BI2c0',4,-1,0,t.lk,wall,0,0,0,0,#cause,cause),'')
    t.cr,t.er,t.up,t.ord,t.non=t.cr+1,cause,wall,0,Z
    t.st=J.has(t,1) and 5 or 0
    J.put(id,t)
    count(J.queue_of(t),'1'..t.st,1)
    if t.st==5 then R('ZADD',K_cancelled,wall,id) else J.line_up(id,t) end
  end
  -- Forgets a job; its place in the sets of its state is the caller's, its place in the order is left by finish().
  J.forget=function(id,t)
    if t.ru>0 then
      local all=R('HGET',K_runs,id) or ''
      J.each_run(all,function(at)
        local place,kept=J.run_head(all,at)
        if kept then R('HDEL',K_output,J.field(id,place)) end
      end)
      R('HDEL',K_runs,id)
    end
    if J.has(t,4) then
      local key=J.unique_of(R('HGET',K_jobs,id))
      local last=R('HGET',K_unique,key)
      if last and sub(last,9)==id then R('HDEL',K_unique,key) end
    end
    R('HDEL',K_jobs,id)
    R('HDEL',K_state,id)
    J.leave_order(id,t.seq)
  end
  J.leave_order=function(id,seq)
    J.gone=J.gone or {}
    J.gone[#J.gone+1]={id=id,seq=seq}
  end
  -- Leaves holes where jobs were that are gone from the order; a list of holes goes.
  J.unorder=function()
    local gone,i=J.gone,1
    table.sort(gone,function(a,b) return a.seq<b.seq end)
    while i<=#gone do
      local found=R('ZREVRANGEBYSCORE',K_order,gone[i].seq,gone[i].seq-63,'WITHSCORES','LIMIT',0,1)
      local list,first=found[1] or '',found[2] or 0
      local before,at,seq,from=list,1,tonumber(first),i
      while i<=#gone do
        while seq<gone[i].seq and at<=#list do at,seq=at+1+byte(list,at),seq+1 end
        if at>#list then break end
        local id=gone[i].id
        if sub(list,at,at+#id)==char(#id)..id then list=sub(list,1,at-1)..'\0'..sub(list,at+1+#id) end
        i=i+1
      end
      if i==from then i=i+1 end
      if list~=before then
        R('ZREM',K_order,before)
        if string.find(list,'%Z') then R('ZADD',K_order,first,list) end
      end
    end
    J.gone=nil
  end
end
)lua";

inline constexpr char some[] = "jobs_aside()\n";
inline constexpr char all[] = "runs_aside()\n";

}  // namespace queuectl::inline v0::detail::redis::lua

#endif
