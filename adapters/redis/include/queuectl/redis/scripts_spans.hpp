// Jobs that went the same way together and have no STATE of their own: SPANs and GROUPs. See format.hpp.
#ifndef QUEUECTL_REDIS_SCRIPTS_SPANS_HPP
#define QUEUECTL_REDIS_SCRIPTS_SPANS_HPP

namespace queuectl::inline v0::detail::redis::lua {

// spans_aside() defines the functions of J that deal with them. From FEW jobs on they are worth it.
inline constexpr char spans[] = R"lua(
local FEW=4
local function spans_aside()
  if J.group then return end
  local groups={}
  local function read_group(nonce,m)
    local g={nonce=nonce,spans={},left={},done={},settled=0}
    local n,at
    g.of,g.lk,g.le,g.lu,g.wk,n,at=unp('>I4dddI2c0B',m)
    for i=1,n do
      local s={}
      s.first,s.n,s.seq,s.fl,s.due,s.lane,at=unp('>I4BI8Bc8Bc0',m,at)
      g.spans[i]=s
    end
    g.head,g.held,g.claim=sub(m,1,at-1),sub(m,at),pack('>I2c0',#g.wk,g.wk)..nonce
    return g
  end
  -- The GROUP of a claim, false where it has none.
  J.group=function(nonce)
    local g=groups[nonce]
    if g==nil then
      local m=R('HGET',K_held,nonce)
      g=m and read_group(nonce,m) or false
      groups[nonce]=g
    end
    return g
  end
  -- The same by CLAIM. (Nonces are random; who gives one to claims of two workers has a GROUP for the first.)
  J.group_of=function(c)
    local g=J.group(sub(c,-16))
    return g and g.claim==c and not g.ended and g
  end
  -- Whether the k-th job of its claim is held and has no STATE.
  J.holds=function(g,k) return not g.ended and byte(g.held,k)==1 and not g.left[k] and not g.done[k] end
  -- From now on it has one, or is no longer held.
  J.leave_group=function(g,k) g.left[k],J.left=true,true end
  J.write_groups=function()
    for nonce,g in pairs(groups) do
      if g and not g.ended and next(g.left) then
        local held={byte(g.held,1,-1)}
        for k in pairs(g.left) do held[k]=0 end
        g.held,g.left=char(unpack(held)),{}
        if string.find(g.held,'\1',1,true) then R('HSET',K_held,nonce,g.head..g.held) else J.end_group(g) end
      end
    end
    J.left=false
  end
  J.end_group=function(g)
    local members={}
    for i,s in ipairs(g.spans) do members[i]=pack('>BI4',s.n,s.first)..g.nonce end
    R('ZREM',K_spans,unpack(members))
    R('HDEL',K_held,g.nonce)
    g.ended=true
  end
  -- Its jobs' ids, and where each begins in the list of them.
  J.ids=function(g)
    if not g.ids then
      local list=R('HGET',K_held,g.claim)
      local ids,starts,n,at={},{},0,1
      while at<=#list do
        local last=at+byte(list,at)
        n=n+1
        ids[n],starts[n]=sub(list,at+1,last),at
        at=last+1
      end
      starts[n+1]=at
      g.list,g.ids,g.starts=list,ids,starts
    end
    return g.ids
  end
  -- The k-th job of its claim, which it holds, as a table.
  J.leased=function(g,k)
    for i=1,#g.spans do
      local s=g.spans[i]
      if k>s.first and k<=s.first+s.n then
        local t=J.blank(s.lane,s.due,s.seq+k-1-s.first,s.fl,g.lk)
        t.touched,t.st,t.ord,t.non,t.le,t.of,t.lk,t.lu,t.wk,t.group,t.k=1,1,k-1,g.nonce,g.le,g.of,g.lk,g.lu,g.wk,g,k
        return t
      end
    end
  end
  -- The same by id and token, where they fit.
  J.leased_by=function(id,token)
    local g=J.group(sub(token,1,16))
    local k=g and unp('>I4',token,17)+1
    if g and J.ids(g)[k]==id and J.holds(g,k) then return J.leased(g,k) end
  end
  -- A job of which a SPAN of completed ones tells.
  J.completed=function(d,m,k)
    local t=J.fresh(d)
    local _,up,lk,lu,wk,at=unp('>BdddI2c0',m)
    at=at+44*k
    t.ex,t.sg,t.sa,t.en=unp('>i4i4dd',m,at)
    t.set,t.touched,t.st,t.fl,t.at,t.up,t.lk,t.lu,t.wk=sub(m,at+24,at+43),1,2,t.fl+2,1,up,lk,lu,wk
    return t
  end
  -- The SPAN of completed jobs that has the sequence, and which of it; the last one found is tried first.
  local last,first={},0
  J.span_at=function(seq)
    if not (last[1] and seq>=first and seq<first+byte(last[1])) then
      last=R('ZREVRANGEBYSCORE',K_spans,seq,'(0','WITHSCORES','LIMIT','0','1')
      first=last[1] and tonumber(last[2])
    end
    if last[1] and seq<first+byte(last[1]) then return last[1],seq-first end
  end
  -- The job of JOB d, which has no STATE.
  J.untold=function(d)
    local seq=unp('>I8',d,#d-7)
    local m,k=J.span_at(seq)
    if m then return J.completed(d,m,k) end
    local got=R('ZRANGEBYSCORE',K_spans,-seq,'(0','WITHSCORES','LIMIT','0','1')
    local n,ordinal,nonce
    if got[1] then n,ordinal,nonce=unp('>BI4c16',got[1]) end
    k=n and seq+got[2]
    local g=n and k<n and J.group(nonce)
    if g and J.holds(g,ordinal+k+1) then return J.leased(g,ordinal+k+1) end
    return J.fresh(d)
  end
end
)lua";

}  // namespace queuectl::inline v0::detail::redis::lua

#endif
