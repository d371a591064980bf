// Forward declarations; the only place for template defaults and aliases.
#ifndef QUEUECTL_FWD_HPP
#define QUEUECTL_FWD_HPP

#include <queuectl/config.hpp>

namespace queuectl::inline v0 {

struct queue_traits;
struct exponential;
class no_executor;

struct steady_time;
template <class Handler, class Clock = steady_time>
class inline_executor;
template <class Handler, class Clock = steady_time>
class thread_pool_executor;

template <class Storage, class Executor, class Backoff = exponential, class Traits = queue_traits>
class basic_queue;

// Only enqueues and inspects: for programs whose workers are elsewhere.
template <class Storage>
using producer = basic_queue<Storage, no_executor>;

}  // namespace queuectl::inline v0

#endif
