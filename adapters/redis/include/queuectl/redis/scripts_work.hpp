// insert, extend, settle and claim. ARGV[1] is the instant, ARGV[2] the handle.
#ifndef QUEUECTL_REDIS_SCRIPTS_WORK_HPP
#define QUEUECTL_REDIS_SCRIPTS_WORK_HPP

namespace queuectl::inline v0::detail::redis::lua {

// id, JOB without its end, … → a digit for each: insert_status.
inline constexpr char insert[] = R"lua(
local n=(#ARGV-2)/2
local ids={}
for i=1,n do ids[i]=ARGV[1+2*i] end
local known=R('ZMSCORE',K_order,unpack(ids))
local told,mine,new,keys={},{},{},{}
for i=1,n do
  local id,d=ids[i],ARGV[2+2*i]
  if known[i] or mine[id] then
    local nonce=d:sub(11,26)
    local same=known[i] and not mine[id] and nonce~=string.rep('\0',16) and R('HGET',K_jobs,id):sub(11,26)==nonce
    told[i]=same and '0' or '1'
    if same then mine[id]=true end
  else
    local key,taken=nil,false
    if d:byte(2)%8>=4 then
      local at=28+d:byte(27)
      at=at+1+d:byte(at)
      key=d:sub(at+1,at+d:byte(at))
      local last=keys[key] or R('HGET',K_unique,key)
      if keys[key] then taken=true
      elseif last then
        local t=load(last:sub(9))
        taken=t~=nil and (t.st==0 or t.st==3) and t.place:sub(-8)==last:sub(1,8)
      end
    end
    if taken then told[i]='2' else
      told[i]='0'
      mine[id]=true
      new[#new+1]=i
      if key then keys[key]=true end
    end
  end
end
if #new==0 then return table.concat(told) end
local seq=R('HINCRBY',K_store,'seq',#new)-#new
local J,O,L={},{},{}
local created=pack('>d',wall)
for k=1,#new do
  local i=new[k]
  local id,d=ids[i],ARGV[2+2*i]
  local flags=d:byte(2)
  if flags>=32 and skew<0 and run_at_of(d,3)>wall then d=d:sub(1,2)..run_at_bytes(wall)..d:sub(11) end
  seq=seq+1
  local lane=d:byte(27)
  local place=d:sub(28,27+lane)..d:sub(3,10)..pack('>I8',seq)
  J[2*k-1],J[2*k]=id,d..created
  O[2*k-1],O[2*k]=seq,id
  if flags%32<16 then L[#L+1]=0 L[#L+1]=place..id end
  count(d:sub(30,29+d:byte(29)),0,1)
  if flags%8>=4 then
    local at=28+lane
    at=at+1+d:byte(at)
    R('HSET',K_unique,d:sub(at+1,at+d:byte(at)),pack('>I8',seq)..id)
  end
end
R('HSET',K_jobs,unpack(J))
R('ZADD',K_order,unpack(O))
if #L>0 then R('ZADD',K_line,unpack(L)) work=true end
finish()
return table.concat(told)
)lua";

// microseconds, then id and token, … → a digit for each: extend_status.
inline constexpr char extend[] = R"lua(
local told,S,L={},{},{}
local by=tonumber(ARGV[3])
for i=4,#ARGV,2 do
  local id=ARGV[i]
  local m=R('HGET',K_state,id)
  if m and m:byte(1)==1 and m:sub(64,83)==ARGV[i+1] then
    local fl=m:byte(3)
    told[#told+1]=fl%2==1 and '1' or '0'
    S[#S+1]=id
    S[#S+1]=m:sub(1,31)..pack('>d',later(wall,by))..m:sub(40)
    L[#L+1]=later(clock,by)
    L[#L+1]=id
  else told[#told+1]='2' end
end
if #S>0 then
  R('HSET',K_state,unpack(S))
  R('ZADD',K_leases,unpack(L))
end
return table.concat(told)
)lua";

// From ARGV[4] on ARGV[3] times: id; token (20), verdict, has a report, is plain (1 each), retry_at (8), exit_code,
// signal (4 each), started_at, ended_at (8 each); "" or error, result, REPORT, output (length 4 each). Makes `told`: a
// digit for each, settle_status.
inline constexpr char settle[] = R"lua(
local settlements=tonumber(ARGV[3])
local told={}
if settlements>0 then
  local ids={}
  for i=1,settlements do ids[i]=ARGV[1+3*i] end
  local M=R('HMGET',K_state,unpack(ids))
  local S,L,B,C={},{},{},{}
  for i=1,settlements do
    local id,fixed,extra,m=ids[i],ARGV[2+3*i],ARGV[3+3*i],M[i]
    local token=fixed:sub(1,20)
    if not m then
      told[i]=R('ZSCORE',K_order,id) and '1' or '2'
    elseif m:byte(1)~=1 or m:sub(64,83)~=token then
      told[i]=token~=Z and m:sub(84,103)==token and '0' or '1'
    else
      told[i]='0'
      local verdict,report,plain=fixed:byte(21,23)
      local place=m:sub(105,104+m:byte(104))
      local at=105+#place
      local w=unp('>I2',m,at)
      local q=queue_of(place)
      L[#L+1]=id
      B[#B+1]=m:sub(at,at+1+w)..token..id
      count(q,1,-1)
      if verdict==0 and extra=='' and (plain==1 or report==0) and #m==at+11+w and m:byte(3)%16<8 then
        local st,bf,fl,a,cr,ru,up,lk,lu,ex,sg,sa,en=unp(MF,m)
        if report==1 then
          a=a+1
          fl=fl+2
          ex,sg,sa,en=unp('>i4i4dd',fixed,32)
        end
        S[#S+1]=id
        S[#S+1]=pack(MF,2,bf,fl,a,cr,ru,wall,lk,lu,ex,sg,sa,en)..Z..token..m:sub(104)
        C[#C+1]=wall
        C[#C+1]=id
        count(q,2,1)
      else
        local t=rd(m)
        local cancel=has(t,1)
        local err,res,body,out='','','',''
        if extra~='' then err,res,body,out=unp('>I4c0I4c0I4c0I4c0',extra) end
        local to=t.bf
        if verdict==0 then to=2
        elseif verdict==1 then to=cancel and 5 or 3
        elseif verdict==2 then to=4
        elseif verdict==3 then to=5
        elseif cancel then to=5 end
        if report==1 then
          local ex,sg,sa,en=unp('>i4i4dd',fixed,32)
          if plain==1 and to==2 then
            t.fl=t.fl+2
            t.sa,t.en=sa,en
          elseif to~=2 or not has(t,8) then add_run(id,t,t.at+t.cr+1,body,out) end
          t.at=t.at+1
          t.ex,t.sg,t.er=ex,sg,err
        elseif err~='' then t.er=err end
        if to==2 then t.er='' end
        if to==2 or res~='' then t.rs=res end
        t.set,t.tok,t.up,t.st=token,Z,wall,to
        if to==2 and has(t,8) then forget(id,t) else
          if verdict==1 and to==3 then
            local r=unp('>d',fixed,24)
            if r<MAX then r=later(r,skew) end
            t.place=place:sub(1,-17)..run_at_bytes(r)..place:sub(-8)
          end
          S[#S+1]=id
          S[#S+1]=wr(t)
          count(q,to,1)
          if to==2 then C[#C+1]=wall C[#C+1]=id
          elseif to==4 then
            R('ZADD',K_dlq,unp('>I8',t.place,#t.place-7),id)
            R('ZADD',K_dead,wall,id)
          elseif to==5 then R('ZADD',K_cancelled,wall,id)
          else line_up(id,t) end
        end
      end
    end
  end
  if #L>0 then
    R('ZREM',K_leases,unpack(L))
    R('ZREM',K_held,unpack(B))
  end
  if #S>0 then R('HSET',K_state,unpack(S)) end
  if #C>0 then R('ZADD',K_completed,unpack(C)) end
end
told=table.concat(told)
)lua";

// The end of settle where nothing is claimed.
inline constexpr char settled[] = R"lua(
finish()
return told
)lua";

// The last arguments: most, lease in microseconds, whether it is repeated, worker, nonce, number of queues, their
// names, kinds. Before them, as for settle. → told, next_at, reaped, then id, JOB, STATE (or "") and ordinal of each lease.
inline constexpr char claim[] = R"lua(
local at=4+3*settlements
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
local ended=R('ZRANGEBYSCORE',K_leases,'-inf',clock,'LIMIT',0,256)
for i=1,#ended do crash(ended[i],'lease expired') end
local next_at=MAX
local reply={told,0,#ended}
local holder=pack('>I2c0',#worker,worker)
if again=='1' then
  local held=R('ZRANGEBYLEX',K_held,'['..holder..nonce,'('..holder..nonce..string.rep('\255',5))
  for i=1,#held do
    local id=held[i]:sub(#holder+21)
    local k=#reply
    reply[k+1],reply[k+2],reply[k+3],reply[k+4]=id,R('HGET',K_jobs,id),R('HGET',K_state,id),held[i]:sub(#holder+17,#holder+20)
  end
  if #held>0 then
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
local due=run_at_bytes(later(wall,1))
if wall>=MAX then due='\255' end
local function group_of(m)
  local q=m:byte(2)
  return m:sub(1,3+q+m:byte(3+q))
end
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
      if m then next_at=math.min(next_at,run_at_of(m,#g.name+1)) end
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
        local r,s=run_at_of(m,#g.name+1),unp('>I8',m,#g.name+9)
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
      if m then next_at=math.min(next_at,run_at_of(m,#g.name+1)) end
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
  if (not queues or queues[queue_of(g)]) and (not kinds or kinds[kind_of(g)]) then
    local r=run_at_of(m,#g+1)
    if r<=wall then groups[#groups+1]={name=g,first=m} else next_at=math.min(next_at,r) end
  end
end
if n==most then reply[2]=wall-skew
elseif next_at<MAX then reply[2]=next_at-skew
else reply[2]=MAX end
if n>0 then
  local ids,places={},{}
  for i=1,n do
    local m=G[i]
    local g=#group_of(m)+16
    places[i]=m:sub(1,g)
    ids[i]=m:sub(g+1)
  end
  local D=R('HMGET',K_jobs,unpack(ids))
  local M=R('HMGET',K_state,unpack(ids))
  local S,L,B={},{},{}
  local until_wall,until_clock=later(wall,length),later(clock,length)
  local tail=holder..string.rep('\0',10)
  for i=1,n do
    local id,m=ids[i],M[i]
    local ordinal=pack('>I4',i-1)
    local token=nonce..ordinal
    if m then
      local t=rd(m)
      t.bf,t.st,t.tok,t.wk,t.up,t.lk,t.lu=t.st,1,token,worker,wall,wall,until_wall
      if has(t,1) then t.fl=t.fl-1 end
      S[2*i]=wr(t)
    else
      S[2*i]=pack(MF,1,0,D[i]:byte(2)%16,0,0,0,wall,wall,until_wall,-1,0,0,0)..token..Z..
        string.char(#places[i])..places[i]..tail
    end
    S[2*i-1]=id
    L[2*i-1],L[2*i]=until_clock,id
    B[2*i-1],B[2*i]=0,holder..token..id
    local q=queue_of(places[i])
    count(q,m and m:byte(1) or 0,-1)
    count(q,1,1)
    local k=4*i
    reply[k],reply[k+1],reply[k+2],reply[k+3]=id,D[i],m or '',ordinal
  end
  R('HSET',K_state,unpack(S))
  R('ZADD',K_leases,unpack(L))
  R('ZADD',K_held,unpack(B))
end
finish()
return reply
)lua";

}  // namespace queuectl::inline v0::detail::redis::lua

#endif
