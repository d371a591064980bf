// insert, extend and settle. ARGV[1] is the instant, ARGV[2] the handle.
#ifndef QUEUECTL_REDIS_SCRIPTS_WORK_HPP
#define QUEUECTL_REDIS_SCRIPTS_WORK_HPP

namespace queuectl::inline v0::detail::redis::lua {

// id, JOB, … → a digit for each: insert_status.
inline constexpr char insert[] = R"lua(
local n=(#ARGV-2)/2
local ids={}
for i=1,n do ids[i]=ARGV[1+2*i] end
local known
if n==1 then known={R('HEXISTS',K_jobs,ids[1])==1} else known=R('ZMSCORE',K_order,unpack(ids)) end
local told,mine,new,keys={},{},{},{}
for i=1,n do
  local id,d=ids[i],ARGV[2+2*i]
  if known[i] or mine[id] then
    local nonce=sub(d,3,18)
    local same=known[i] and not mine[id] and nonce~=string.rep('\0',16) and sub(R('HGET',K_jobs,id),3,18)==nonce
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
local count_new=#new
if count_new==0 then return table.concat(told) end
local seq=R('HINCRBY',K_store,'seq',count_new)-count_new
local J,O,L,l={},{},{},0
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
  seq=seq+1
  local place=pack('>I8',seq)
  J[2*k-1],J[2*k]=id,d
  O[2*k-1],O[2*k]=string.format('%d',seq),id
  if flags%32<16 then
    L[l+1],L[l+2]='0',sub(d,20,27+lane)..place..id
    l=l+2
  end
  count(sub(d,22,21+byte(d,21)),0,1)
  if flags%8>=4 then R('HSET',K_unique,unique_of(d),place..id) end
end
R('HSET',K_jobs,unpack(J))
R('ZADD',K_order,unpack(O))
if l>0 then R('ZADD',K_line,unpack(L)) work=true end
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
  local wall_text=string.format('%.0f',wall)
  local after={[0]={},{}}
  for i=1,settlements do
    local id,fixed,extra,m=ids[i],ARGV[2+3*i],ARGV[3+3*i],M[i]
    local token=sub(fixed,1,20)
    if not m then
      told[i]=R('ZSCORE',K_order,id) and '1' or '2'
    elseif byte(m)~=1 or sub(m,64,83)~=token then
      told[i]=token~=Z and sub(m,84,103)==token and '0' or '1'
    else
      told[i]='0'
      local verdict,report,plain=byte(fixed,21,23)
      local at=105+byte(m,104)
      local w=256*byte(m,at)+byte(m,at+1)
      local q=sub(m,107,106+byte(m,106))
      L[#L+1]=id
      B[#B+1]=sub(m,at,at+1+w)..token..id
      count(q,1,-1)
      if verdict==0 and extra=='' and (plain==1 or report==0) and #m==at+11+w and byte(m,3)%16<8 then
        local before=sub(m,2,15)
        local known=after[report][before]
        if not known then
          local bf,fl,a,cr,ru=unp('>BBI4I4I4',before)
          known=pack('>BBBI4I4I4d',2,bf,fl+2*report,a+report,cr,ru,wall)
          after[report][before]=known
        end
        S[#S+1]=id
        S[#S+1]=known..sub(m,24,39)..(report==1 and sub(fixed,32,55) or sub(m,40,63))..Z..token..sub(m,104)
        C[#C+1]=wall_text
        C[#C+1]=id
        count(q,2,1)
      else
        more_runs()
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
            t.place=t.place:sub(1,-17)..run_at_bytes(r)..t.place:sub(-8)
          end
          S[#S+1]=id
          S[#S+1]=wr(t)
          count(q,to,1)
          if to==2 then C[#C+1]=wall_text C[#C+1]=id
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

}  // namespace queuectl::inline v0::detail::redis::lua

#endif
