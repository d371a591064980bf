// What a queue takes its time, randomness and ids from, and whom it tells.
#ifndef QUEUECTL_TRAITS_HPP
#define QUEUECTL_TRAITS_HPP

#include <queuectl/executor.hpp>
#include <queuectl/id_source.hpp>
#include <queuectl/random.hpp>
#include <queuectl/time_source.hpp>

namespace queuectl::inline v0 {

// Hears what a worker does. All calls come from the worker's loop thread, except `trouble`, which may also
// come from its heartbeat thread. Derive and hide what you need.
struct no_observer {
    // A job is about to start.
    void started(const lease&) {}
    // A run ended, and the storage has taken (applied) or refused (lease_lost, gone) its settlement.
    void settled(const lease&, const settlement&, settle_status) {}
    // A job was dead-lettered without a run: it had crashed too often.
    void buried(const lease&, std::string_view /*why*/) {}
    // The storage failed; the worker goes on, and repeats what did not happen, unless run() returns it.
    void trouble(const error&) {}
};

// The defaults. Derive and replace the types you need; the queue holds one object of each, given to its
// constructor in a `traits_values` or default-constructed.
struct queue_traits {
    using time_source = system_time_source;  // instant now() const
    using random_source = queuectl::random_source;
    using id_source = queuectl::id_source;
    using observer = no_observer;
    // false: no thread is ever started; heartbeats come from the worker's loop.
    static constexpr bool threads = QUEUECTL_HAS_THREADS != 0;
};

// One object of each of the traits' types, for a queue whose time, randomness or observer are not the defaults.
template <class Traits>
struct traits_values {
    typename Traits::time_source time{};
    typename Traits::random_source random{};
    typename Traits::id_source ids{};
    typename Traits::observer observer{};
};

}  // namespace queuectl::inline v0

#endif
