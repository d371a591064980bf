// insert, extend and settle. ARGV[1] is the instant, ARGV[2] the handle.
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
return table.concat(told)
)lua";

// From ARGV[4] on ARGV[3] times: id; SAID. Makes `told`: a digit for each, settle_status.
//
// SAID  exit_code, signal (4 each), started_at, ended_at (8 each), token (20); then nothing where the job is completed
//       by a run with nothing to say, else verdict, has a report, is plain (1 each), retry_at (8), then
//       nothing or error, result, REPORT, output (length 4 each)
inline constexpr char settle[] = R"lua(
local settlements=tonumber(ARGV[3])
local told={}
if settlements>0 then
  local ids={}
  for i=1,settlements do ids[i]=ARGV[2+2*i] end
  local M=R('HMGET',K_state,unpack(ids))
  local S,s,C,c={},0,{},0
  local claims,kinds={},{}
  for i=1,settlements do
    local id,said,m=ids[i],ARGV[3+2*i],M[i]
    if not m then
      told[i]=R('HEXISTS',K_jobs,id)==1 and '1' or '2'
    elseif byte(m,-21)~=1 or sub(m,-20,-17)~=sub(said,41,44) or sub(m,1,16)~=sub(said,25,40) then
      local token=sub(said,25,44)
      told[i]=sub(m,41,60)==token and string.find(token,'%Z') and '0' or '1'
    else
      told[i]='0'
      -- What a job has in common with others of its claim, and what becomes of that when its run has nothing to say.
      local common=sub(m,1,-22)
      local kind=kinds[common]
      if not kind then
        local at=112+byte(m,111)
        local w=256*byte(m,at)+byte(m,at+1)
        local nonce=sub(m,1,16)
        local claim=claims[nonce]
        if not claim then
          claim={name=sub(m,at,at+1+w)..nonce,jobs=unp('>I4',m,91),gone=0}
          claims[nonce]=claim
        end
        kind={claim=claim,queue=sub(m,114,113+byte(m,113)),plain=0}
        kinds[common]=kind
        local flags=byte(m,62)
        if #m==at+32+w and flags%16<8 then
          local attempts,crashes,runs=unp('>I4I4I4',m,63)
          kind.after=pack('>BBI4I4I4ddI4',byte(m,61),flags+2,attempts+1,crashes,runs,wall,0,0)..
            sub(m,95,-22)..'\2\0\0\0\0'
        end
      end
      kind.claim.gone=kind.claim.gone+1
      if #said==44 and kind.after then
        S[s+1]=id
        S[s+2]=Z..said..kind.after..sub(m,-16)
        s=s+2
        C[c+1],C[c+2]=char(#id),id
        c=c+2
        kind.plain=kind.plain+1
      else
        runs_aside()
        local t=J.rd(m)
        local cancel=J.has(t,1)
        local verdict,report,plain,retry_at=0,1,1,0
        local err,res,body,out='','','',''
        if #said>44 then verdict,report,plain,retry_at=unp('>BBBd',said,45) end
        if #said>55 then err,res,body,out=unp('>I4c0I4c0I4c0I4c0',said,56) end
        local to=t.bf
        if verdict==0 then to=2
        elseif verdict==1 then to=cancel and 5 or 3
        elseif verdict==2 then to=4
        elseif verdict==3 then to=5
        elseif cancel then to=5 end
        local forgets=to==2 and J.has(t,8)
        if report==1 then
          local ex,sg,sa,en=unp('>i4i4dd',said)
          if plain==1 and to==2 then
            t.fl=t.fl+2
            t.sa,t.en=sa,en
          elseif not forgets then J.add_run(id,t,t.at+t.cr+1,body,out) end
          t.at=t.at+1
          t.ex,t.sg,t.er=ex,sg,err
        elseif err~='' then t.er=err end
        if to==2 then t.er='' end
        if to==2 or res~='' then t.rs=res end
        t.set,t.ord,t.non,t.up,t.st,t.le,t.of=sub(said,25,44),0,Z,wall,to,0,0
        if forgets then
          J.forget(id,t)
          count(kind.queue,'1-',1)
        else
          if verdict==1 and to==3 then
            if retry_at<MAX then retry_at=later(retry_at,skew) end
            t.due=J.run_at_bytes(retry_at)
          end
          S[s+1],S[s+2]=id,J.wr(t)
          s=s+2
          count(kind.queue,'1'..to,1)
          if to==2 then
            C[c+1],C[c+2]=char(#id),id
            c=c+2
          elseif to==4 then
            R('ZADD',K_dlq,t.seq,id)
            R('ZADD',K_dead,wall,id)
          elseif to==5 then R('ZADD',K_cancelled,wall,id)
          else J.line_up(id,t) end
        end
      end
    end
  end
  for _,kind in pairs(kinds) do
    if kind.plain>0 then count(kind.queue,'12',kind.plain) end
  end
  for _,claim in pairs(claims) do let_go(claim.name,claim.jobs,claim.gone) end
  if s>0 then R('HSET',K_state,unpack(S)) end
  for from=1,c,128 do
    local to=from+127
    if to>c then to=c end
    R('ZADD',K_completed,wall,sub(ARGV[5],25,44)..table.concat(C,'',from,to))
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
