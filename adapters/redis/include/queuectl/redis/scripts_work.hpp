// insert, extend and settle. ARGV[1] is the instant, ARGV[2] the handle.
#ifndef QUEUECTL_REDIS_SCRIPTS_WORK_HPP
#define QUEUECTL_REDIS_SCRIPTS_WORK_HPP

namespace queuectl::inline v0::detail::redis::lua {

// id, JOB, … → a digit for each: insert_status.
inline constexpr char insert[] = R"lua(
local n=(#ARGV-2)/2
local ids,O,new={},{},{}
local unique=false
local seq=R('HINCRBY',K_store,'seq',n)-n
for i=1,n do
  local id=ARGV[1+2*i]
  ids[i]=id
  O[2*i-1],O[2*i]=string.format('%d',seq+i),id
  new[i]=i
  unique=unique or byte(ARGV[2+2*i],2)%8>=4
end
-- The usual: all are new, which adding them tells.
local told=nil
if unique or R('ZADD',K_order,'NX',unpack(O))<n then
  told,new={},{}
  local known,mine,keys=R('ZMSCORE',K_order,unpack(ids)),{},{}
  for i=1,n do
    local id,d=ids[i],ARGV[2+2*i]
    if mine[id] or (known[i] and tonumber(known[i])~=seq+i) then
      local nonce=sub(d,3,18)
      local old=not mine[id] and nonce~=string.rep('\0',16) and R('HGET',K_jobs,id)
      local same=old and sub(old,3,18)==nonce
      told[i]=same and '0' or '1'
      if same then mine[id]=true end
    else
      local key,taken=nil,false
      if byte(d,2)%8>=4 then
        more()
        key=unique_of(d)
        local last=keys[key] or R('HGET',K_unique,key)
        if keys[key] then taken=true
        elseif last then
          local t=load(last:sub(9))
          taken=t~=nil and (t.st==0 or t.st==3) and t.place:sub(-9,-2)==last:sub(1,8)
        end
      end
      if taken then told[i]='2' else
        told[i]='0'
        mine[id]=true
        new[#new+1]=i
        if key then keys[key]=true end
        if unique then R('ZADD',K_order,seq+i,id) end
      end
    end
  end
  told=table.concat(told)
end
local count_new=#new
if count_new==0 then return told end
local J,L,l={},{},0
-- Jobs of one queue, kind, priority and run_at with sequences in a row stand in line together.
local list,size,stretch,first,last={},0,nil,0,0
local function line_up_list()
  if size>0 then
    stretch=stretch..pack('>I8B',seq+first,0)
    L[l+1],L[l+2]='0',stretch..table.concat(list,'',1,2*size)
    l=l+2
    size=0
  end
end
-- The caller's clock tells when the jobs were made, unless it is a second off.
local created=(skew>1000000 or skew<-1000000) and pack('>d',wall)
for k=1,count_new do
  local i=new[k]
  local id,d=ids[i],ARGV[2+2*i]
  local flags,lane=byte(d,2,2),byte(d,19,19)
  if flags>=32 and skew<0 then more() end
  if flags>=32 and skew<0 and run_at_of(d,20+lane)>wall then
    d=sub(d,1,19+lane)..run_at_bytes(wall)..sub(d,28+lane)
  end
  if created then d=sub(d,1,-9)..created end
  J[2*k-1],J[2*k]=id,d
  if flags%32<16 then
    local due=sub(d,20,27+lane)
    if i~=last+1 or size==64 or stretch~=due then
      line_up_list()
      stretch,first=due,i
    end
    list[2*size+1],list[2*size+2]=char(#id),id
    size=size+1
    last=i
  end
  count(sub(d,22,21+byte(d,21)),'-0',1)
  if flags%8>=4 then R('HSET',K_unique,unique_of(d),pack('>I8',seq+i)..id) end
end
R('HSET',K_jobs,unpack(J))
line_up_list()
if l>0 then R('ZADD',K_line,unpack(L)) work=true end
finish()
return told or string.rep('0',n)
)lua";

// microseconds, then id and token, … → a digit for each: extend_status. The claim of a job is not looked for: it ends
// no earlier than it says.
inline constexpr char extend[] = R"lua(
local told,S={},{}
local by=tonumber(ARGV[3])
local until_wall,until_clock=pack('>d',later(wall,by)),later(clock,by)
local ends=pack('>d',until_clock)
for i=4,#ARGV,2 do
  local id=ARGV[i]
  local m=R('HGET',K_state,id)
  if m and m:byte(1)==1 and m:sub(48,67)==ARGV[i+1] then
    local fl=m:byte(3)
    told[#told+1]=fl%2==1 and '1' or '0'
    S[#S+1]=id
    S[#S+1]=m:sub(1,87)..ends..m:sub(96,107)..until_wall..m:sub(116)
    if until_clock<unp('>d',m,88) then
      local at=117+byte(m,116)
      local worker=sub(m,at,at+1+256*byte(m,at)+byte(m,at+1))
      R('ZADD',K_leases,'XX','LT',until_clock,worker..sub(m,48,63))
    end
  else told[#told+1]='2' end
end
if #S>0 then R('HSET',K_state,unpack(S)) end
return table.concat(told)
)lua";

// From ARGV[4] on ARGV[3] times: id; token (20), verdict, has a report, is plain (1 each), retry_at (8), exit_code,
// signal (4 each), started_at, ended_at (8 each), then nothing or error, result, REPORT, output (length 4 each). Makes
// `told`: a digit for each, settle_status.
inline constexpr char settle[] = R"lua(
local settlements=tonumber(ARGV[3])
local told={}
if settlements>0 then
  local ids={}
  for i=1,settlements do ids[i]=ARGV[2+2*i] end
  local M=R('HMGET',K_state,unpack(ids))
  local S,s,C,c={},0,{},0
  local unleased=pack('>dI4',0,0)
  local claims={}
  local after={[0]={},{}}
  for i=1,settlements do
    local id,fixed,m=ids[i],ARGV[3+2*i],M[i]
    local token=sub(fixed,1,20)
    if not m then
      told[i]=R('ZSCORE',K_order,id) and '1' or '2'
    elseif byte(m)~=1 or sub(m,48,67)~=token then
      told[i]=token~=Z and sub(m,68,87)==token and '0' or '1'
    else
      told[i]='0'
      local verdict,report,plain=byte(fixed,21,23)
      local at=117+byte(m,116)
      local w=256*byte(m,at)+byte(m,at+1)
      local q=sub(m,119,118+byte(m,118))
      local nonce=sub(fixed,1,16)
      local claim=claims[nonce]
      if not claim then
        claim={name=sub(m,at,at+1+w)..nonce,jobs=unp('>I4',m,96),gone=0}
        claims[nonce]=claim
      end
      claim.gone=claim.gone+1
      if verdict==0 and #fixed==55 and (plain==1 or report==0) and #m==at+11+w and byte(m,3)%16<8 then
        local before=sub(m,2,15)
        local known=after[report][before]
        if not known then
          local bf,fl,a,cr,ru=unp('>BBI4I4I4',before)
          known=pack('>BBBI4I4I4d',2,bf,fl+2*report,a+report,cr,ru,wall)
          after[report][before]=known
        end
        S[s+1]=id
        S[s+2]=known..(report==1 and sub(fixed,32,55) or sub(m,24,47))..Z..token..unleased..sub(m,100)
        s=s+2
        c=c+1
        C[c]=id
        count(q,'12',1)
      else
        more_runs()
        local t=rd(m)
        local cancel=has(t,1)
        local err,res,body,out='','','',''
        if #fixed>55 then err,res,body,out=unp('>I4c0I4c0I4c0I4c0',fixed,56) end
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
        t.set,t.tok,t.up,t.st,t.le,t.of=token,Z,wall,to,0,0
        if to==2 and has(t,8) then
          forget(id,t)
          count(q,'1-',1)
        else
          if verdict==1 and to==3 then
            local r=unp('>d',fixed,24)
            if r<MAX then r=later(r,skew) end
            t.place=t.place:sub(1,-18)..run_at_bytes(r)..t.place:sub(-9)
          end
          S[s+1],S[s+2]=id,wr(t)
          s=s+2
          count(q,'1'..to,1)
          if to==2 then
            c=c+1
            C[c]=id
          elseif to==4 then
            R('ZADD',K_dlq,unp('>I8',t.place,#t.place-8),id)
            R('ZADD',K_dead,wall,id)
          elseif to==5 then R('ZADD',K_cancelled,wall,id)
          else line_up(id,t) end
        end
      end
    end
  end
  for _,claim in pairs(claims) do let_go(claim.name,claim.jobs,claim.gone) end
  if s>0 then R('HSET',K_state,unpack(S)) end
  for from=1,c,64 do
    local to=from+63
    if to>c then to=c end
    R('ZADD',K_completed,wall,ARGV[3+2*settlements]:sub(1,16)..pack('>I4',from)..list_of(C,from,to))
  end
end
told=table.concat(told)
)lua";

// The end of settle where nothing is claimed.
inline constexpr char settled[] = R"lua(
finish()
return told
)lua";

}  // namespace queuectl::inline v0::detail::redis::lua

#endif
