// redis_storage: jobs on a Redis server, for workers on many machines.
#ifndef QUEUECTL_REDIS_STORAGE_HPP
#define QUEUECTL_REDIS_STORAGE_HPP

#include <queuectl/redis/facets.hpp>

namespace queuectl::inline v0 {

// A handle to the store at one address; movable. Any number of threads may call it: calls that come together share a
// round trip, over at most redis_options::connections. Any number of processes on any machine may open the same
// address. It must not be used after fork: the child opens its own (calls give errc::unsupported there).
//
// Every call is one script, so it is whole or not at all. Leases, due times and records go by the server's clock.
// A lost connection is made anew and the call repeated, which changes nothing twice: inserts are known by their nonce
// (a job without one is a duplicate then), claims by theirs, settles by their token, changes by a number of the handle.
//
// errc::unreachable: no connection, nothing was sent. outcome_unknown: the answer was lost and the time was over, or
// fewer replicas than asked for have it. busy: loading, or a script of others runs. read_only: a replica. store_full:
// maxmemory, or the server's disk. permission: password or access rules. not_found: the store was removed.
class redis_storage : public detail::redis::facets {
public:
    static constexpr std::size_t max_batch = 1000;

    // Opens the store, making it where the options say so. errc::not_found: there is none. unsupported: a server before
    // version 7, or a cluster and a prefix without braces. wrong_version: the store is of a newer program.
    [[nodiscard]] static result<redis_storage> open(redis_address address, redis_options options = {})
    {
        using namespace detail::redis;
        const std::string where = "open " + address.text();
        if (address.prefix.empty()) return fail(errc::invalid_argument, where, "the prefix must not be empty");
        auto made = std::make_unique<session>(std::move(address), options);
        if (auto opened = made->open(); !opened) return fail(opened.error());
        auto told = made->call(script::info, {});
        if (!told && told.error().code == errc::not_found && options.create && !options.read_only) {
            arguments args;
            args.add(to_hex(made->new_id()));
            told = made->call(script::open, std::move(args));
        }
        if (!told) return fail(told.error().code, where, told.error().detail);
        return redis_storage{std::move(made)};
    }

private:
    using facets::facets;
};

static_assert(fused_storage<redis_storage> && transferable_storage<redis_storage>);
static_assert(configurable_storage<redis_storage> && notifying_storage<redis_storage>);

}  // namespace queuectl::inline v0

#endif
