// What scripts keep of several jobs at once: lists of ids, and claims. See format.hpp.
#ifndef QUEUECTL_REDIS_SCRIPTS_LISTS_HPP
#define QUEUECTL_REDIS_SCRIPTS_LISTS_HPP

namespace queuectl::inline v0::detail::redis::lua {

// IDS: several ids as one string, and back, from byte `at` on.
inline constexpr char lists[] = R"lua(
local function ids_of(list,at)
  local ids,n,size={},0,#list
  while at<=size do
    local last=at+byte(list,at)
    n=n+1
    ids[n]=sub(list,at+1,last)
    at=last+1
  end
  return ids
end
local function list_of(ids,from,to)
  local parts,n={},0
  for i=from,to do
    local id=ids[i]
    parts[n+1],parts[n+2]=char(#id),id
    n=n+2
  end
  return table.concat(parts)
end
local function ids_of_claim(c)
  local held=R('HGET',K_held,c)
  return held and ids_of(held,1) or {}
end
)lua";

// Leases of another boot of the caller's clock have ended. (Only tests have such a clock: it looks at every lease.)
inline constexpr char boot[] = R"lua(
if #ARGV[1]==32 then
  local b,last=ARGV[1]:sub(17),R('HGET',K_store,'boot')
  if last~=b then
    local claims=R('ZRANGE',K_leases,0,-1)
    for i=1,#claims do
      local ids=ids_of_claim(claims[i])
      for k=1,#ids do
        local m=R('HGET',K_state,ids[k])
        if m and byte(m,-21)==1 then R('HSET',K_state,ids[k],sub(m,1,82)..pack('>d',0)..sub(m,91)) end
      end
      local nonce=sub(claims[i],-16)
      local g=R('HGET',K_held,nonce)
      if g then R('HSET',K_held,nonce,sub(g,1,12)..pack('>d',0)..sub(g,21)) end
      R('ZADD',K_leases,0,claims[i])
    end
    R('HSET',K_store,'boot',b)
  end
end
)lua";

// CLAIMs: what the jobs of one claim have in common.
inline constexpr char claims[] = R"lua(
local function end_claim(c,of)
  R('ZREM',K_leases,c)
  R('HDEL',K_held,c)
  if of<FEW then return end
  spans_aside()
  local g=J.group_of(c)
  if g then J.end_group(g) end
end
-- So many more of the `of` jobs of a claim are no longer held.
local function let_go(c,of,n)
  if n<of then
    if R('HINCRBY',K_ended,c,n)<of then return end
    R('HDEL',K_ended,c)
  end
  end_claim(c,of)
end
-- Crashes the jobs of a claim whose leases have ended by then, at most so many. How many, and how many were looked at.
local function break_off(c,by,most,cause)
  runs_aside()
  local ids,nonce=ids_of_claim(c),sub(c,-16)
  local M=#ids>0 and R('HMGET',K_state,unpack(ids))
  local g=#ids>=FEW and J.group_of(c)
  local crashed,first=0,nil
  for i=1,#ids do
    local m=M[i]
    local grouped=not m and g and J.holds(g,i)
    if grouped or (m and byte(m,-21)==1 and sub(m,1,16)==nonce) then
      local ends=grouped and g.le or unp('>d',m,83)
      if ends<=by and crashed<most then
        J.crash(ids[i],grouped and J.leased(g,i) or J.rd(m),cause)
        crashed=crashed+1
      elseif not first or ends<first then first=ends end
    end
  end
  if first then
    R('ZADD',K_leases,first,c)
    if crashed>0 then R('HINCRBY',K_ended,c,crashed) end
  else
    R('HDEL',K_ended,c)
    end_claim(c,#ids)
  end
  return crashed,#ids
end
)lua";

}  // namespace queuectl::inline v0::detail::redis::lua

#endif
