// The storage concept: where jobs live. The contract that no signature can state is the conformance suite
// in queuectl/testing.
#ifndef QUEUECTL_STORAGE_HPP
#define QUEUECTL_STORAGE_HPP

#include <queuectl/lease.hpp>
#include <queuectl/result.hpp>

#include <concepts>
#include <span>
#include <vector>

namespace queuectl::inline v0 {

// A storage knows bytes, order, leases and holds, and nothing else: no clock (time is an argument), no
// randomness (nonces are arguments), no retry limit, no backoff, no handler.
//
// Expression                                Meaning
// s.insert(jobs, statuses, now)             Adds the jobs, all or none; statuses[i] tells of jobs[i]. Waiting from
//                                           max(run_at, …) on: due exactly at run_at. created_at = now.wall.
// s.claim(request, leases, now)             Returns up to limits::reap expired leases of any queue to pending
//                                           (crashes + 1, an attempt record "crashed"), then leases up to
//                                           request.max due jobs and appends them to `leases`. Order: priority
//                                           descending, run_at, insertion, across all queues of the request.
// s.extend(receipts, duration, statuses, now)  Heartbeat: each current lease now ends `duration` from now.
// s.settle(settlements, statuses, now)      Applies each verdict whose token is current. A token that settled
//                                           the job last is `applied` again and changes nothing.
//
// Every call is atomic: what it reports is there after it, as durable as the storage declares; an error means
// that nothing changed, or it is errc::outcome_unknown and the same call may be repeated. A span holds at most
// storage_traits<S>::max_batch elements, and `statuses` is as long as the span it tells of. Within one call an
// id occurs once in settlements and receipts; jobs may repeat an id (the second is a duplicate).
template <class S>
concept storage = requires(S& s, std::span<const job> jobs, std::span<insert_status> inserted,
                           const claim_request& request, std::vector<lease>& leases, std::span<const receipt> receipts,
                           std::span<extend_status> extended, std::span<const settlement> settlements,
                           std::span<settle_status> settled, duration d, const instant& now)
{
    {
        s.insert(jobs, inserted, now)
        } -> std::same_as<result<void>>;
    {
        s.claim(request, leases, now)
        } -> std::same_as<result<claim_info>>;
    {
        s.extend(receipts, d, extended, now)
        } -> std::same_as<result<void>>;
    {
        s.settle(settlements, settled, now)
        } -> std::same_as<result<void>>;
};

// Optional: settle and claim as one atomic step, one sync. Otherwise two steps are taken.
template <class S>
concept fused_storage = storage<S> &&
    requires(S& s, std::span<const settlement> settlements, std::span<settle_status> settled,
             const claim_request& request, std::vector<lease>& leases, const instant& now)
{
    {
        s.settle_and_claim(settlements, settled, request, leases, now)
        } -> std::same_as<result<claim_info>>;
};

// What survives what, as a storage declares it.
enum class durability : std::uint8_t {
    process,   // nothing survives the process
    none,      // survives the process, not power loss
    interval,  // power loss may take the last moments
    full,      // what a call acknowledged survives power loss
};
[[nodiscard]] constexpr std::string_view name(durability d) noexcept
{
    constexpr std::string_view names[] = {"process", "none", "interval", "full"};
    return names[static_cast<std::size_t>(d)];
}

// What a storage declares of itself: specialise, or give the class static members of these names.
template <class S>
struct storage_traits {
    // The most elements of one span of a verb. The queue splits what is longer.
    static constexpr std::size_t max_batch = [] {
        if constexpr (requires { S::max_batch; })
            return std::size_t{S::max_batch};
        else
            return std::size_t{1000};
    }();
    // One thread at a time may use an object: the worker then heartbeats from its own loop.
    static constexpr bool single_thread = [] {
        if constexpr (requires { S::single_thread; })
            return bool{S::single_thread};
        else
            return false;
    }();
    // How long completed jobs are kept when the job does not say.
    static constexpr duration default_retention = [] {
        if constexpr (requires { S::default_retention; })
            return duration{S::default_retention};
        else
            return duration{std::chrono::hours{24 * 30}};
    }();
};

// settle, then claim: in one step where the storage can. After an error neither `statuses` nor `leases` tells
// anything; repeat both (each is idempotent by its tokens and its nonce).
template <storage S>
[[nodiscard]] result<claim_info> settle_and_claim(S& s, std::span<const settlement> settlements,
                                                  std::span<settle_status> statuses, const claim_request& request,
                                                  std::vector<lease>& leases, const instant& now)
{
    if constexpr (fused_storage<S>) {
        return s.settle_and_claim(settlements, statuses, request, leases, now);
    } else {
        if (!settlements.empty())
            if (auto settled = s.settle(settlements, statuses, now); !settled) return fail(settled.error());
        return s.claim(request, leases, now);
    }
}

}  // namespace queuectl::inline v0

#endif
