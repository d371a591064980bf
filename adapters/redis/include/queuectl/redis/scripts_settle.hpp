// settle. ARGV[1] is the instant, ARGV[2] the handle.
#ifndef QUEUECTL_REDIS_SCRIPTS_SETTLE_HPP
#define QUEUECTL_REDIS_SCRIPTS_SETTLE_HPP

namespace queuectl::inline v0::detail::redis::lua {

// From ARGV[4] on ARGV[3] times: id; SAID. Makes `told`: a digit for each, settle_status.
//
// SAID  exit_code, signal (4 each), started_at, ended_at (8 each), token (20); then nothing where the job is completed
//       by a run with nothing to say, else verdict, has a report, is plain (1 each), retry_at (8), then
//       nothing or error, result, REPORT, output (length 4 each)
//
// settle_together() settles those whose runs have nothing to say and that have no STATE, and returns the numbers of
// the others.
inline constexpr char settle_together[] = R"lua(
local settlements=tonumber(ARGV[3])
local told={}
local S,s,C,c={},0,{},0
local claims={}
local lists,entries={},{}
local function settle_together()
  spans_aside()
  -- The jobs `from` to `to` of a GROUP, whose sequences are in a row: a SPAN tells of them, or a STATE of each.
  local function complete(g,span,from,to)
    local many,first=to-from+1,span.seq+from-1-span.first
    count(sub(span.lane,3,2+byte(span.lane,2)),'12',many)
    if many>=FEW then
      lists[#lists+1]=string.format('%.0f',wall)
      lists[#lists+1]=sub(g.done[from],25)..pack('>I8',first)..sub(g.list,g.starts[from],g.starts[to+1]-1)
      entries[#entries+1]=string.format('%.0f',first)
      entries[#entries+1]=pack('>BdddI2c0',many,wall,g.lk,g.lu,#g.wk,g.wk)..table.concat(g.done,'',from,to)
      return
    end
    jobs_aside()
    for k=from,to do
      local t,said,id=J.leased(g,k),g.done[k],g.ids[k]
      t.ex,t.sg,t.sa,t.en=unp('>i4i4dd',said)
      t.set,t.st,t.fl,t.at,t.up,t.ord,t.non,t.le,t.of=sub(said,25),2,t.fl+2,1,wall,0,Z,0,0
      S[s+1],S[s+2],C[c+1],C[c+2]=id,J.wr(t),char(#id),id
      s,c=s+2,c+2
    end
  end
  local function complete_group(g)
    for i=1,#g.spans do
      local span,from=g.spans[i],nil
      for k=span.first+1,span.first+span.n do
        if g.done[k] then from=from or k
        elseif from then
          complete(g,span,from,k-1)
          from=nil
        end
      end
      if from then complete(g,span,from,span.first+span.n) end
    end
    claims[g.nonce]={name=g.claim,jobs=g.of,gone=g.settled}
    if g.settled==g.of then return end
    for k in pairs(g.done) do J.leave_group(g,k) end
  end
  local others,seen,nonce,g,ids={},{},nil,nil,nil
  for i=1,settlements do
    local said=ARGV[3+2*i]
    local its,k=unp('>c16I4',said,25)
    if its~=nonce then
      nonce,g=its,J.group(its)
      if g then ids,seen[g]=J.ids(g),true end
    end
    k=k+1
    if g and #said==44 and ids[k]==ARGV[2+2*i] and byte(g.held,k)==1 then
      if not g.done[k] then g.settled=g.settled+1 end
      g.done[k],told[i]=said,'0'
    else others[#others+1]=i end
  end
  for group in pairs(seen) do
    if group.settled>0 then complete_group(group) end
  end
  return others
end
)lua";

// settle_aside() defines the functions of J for what the others may be.
inline constexpr char settle_aside[] = R"lua(
local function settle_aside()
  if J.settle then return end
  runs_aside()
  -- A job that is held, by a run that may have something to say.
  J.settle=function(id,t,said)
    local cancel,queue=J.has(t,1),J.queue_of(t)
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
    if t.group then J.leave_group(t.group,t.k) end
    if forgets then
      J.forget(id,t)
      return count(queue,'1-',1)
    end
    if verdict==1 and to==3 then
      if retry_at<MAX then retry_at=later(retry_at,skew) end
      t.due=J.run_at_bytes(retry_at)
    end
    S[s+1],S[s+2]=id,J.wr(t)
    s=s+2
    count(queue,'1'..to,1)
    if to==2 then
      C[c+1],C[c+2]=char(#id),id
      c=c+2
    elseif to==4 then
      R('ZADD',K_dlq,t.seq,id)
      R('ZADD',K_dead,wall,id)
    elseif to==5 then R('ZADD',K_cancelled,wall,id)
    else J.line_up(id,t) end
  end
  -- A job without a STATE: a GROUP holds it, or it was completed by the same token, or the token is of no use any more.
  J.settle_untold=function(id,said)
    local token=sub(said,25,44)
    local t=J.leased_by(id,token)
    if t then
      local nonce,g=t.non,t.group
      claims[nonce]=claims[nonce] or {name=g.claim,jobs=g.of,gone=0}
      claims[nonce].gone=claims[nonce].gone+1
      J.settle(id,t,said)
      return '0'
    end
    t=J.load(id)
    if not t then return '2' end
    return t.st==2 and t.set==token and '0' or '1'
  end
end
)lua";

inline constexpr char settle[] = R"lua(
local others=settlements>=FEW and settle_together()
local left=others and #others or settlements
if left>0 then
  local ids={}
  for x=1,left do ids[x]=ARGV[2+2*(others and others[x] or x)] end
  local M=R('HMGET',K_state,unpack(ids))
  local kinds={}
  for x=1,left do
    local i=others and others[x] or x
    local id,said,m=ids[x],ARGV[3+2*i],M[x]
    if not m then
      settle_aside()
      told[i]=J.settle_untold(id,said)
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
        S[s+1],S[s+2]=id,Z..said..kind.after..sub(m,-16)
        s=s+2
        C[c+1],C[c+2]=char(#id),id
        c=c+2
        kind.plain=kind.plain+1
      else
        settle_aside()
        J.settle(id,J.rd(m),said)
      end
    end
  end
  for _,kind in pairs(kinds) do
    if kind.plain>0 then count(kind.queue,'12',kind.plain) end
  end
end
for _,claim in pairs(claims) do let_go(claim.name,claim.jobs,claim.gone) end
if s>0 then R('HSET',K_state,unpack(S)) end
for from=1,c,128 do
  local to=from+127
  if to>c then to=c end
  R('ZADD',K_completed,wall,sub(ARGV[5],25,44)..'\0\0\0\0\0\0\0\0'..table.concat(C,'',from,to))
end
if #lists>0 then
  R('ZADD',K_completed,unpack(lists))
  R('ZADD',K_spans,unpack(entries))
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
