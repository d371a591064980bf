// The settings of a queue and of its worker.
#ifndef QUEUECTL_OPTIONS_HPP
#define QUEUECTL_OPTIONS_HPP

#include <queuectl/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace queuectl::inline v0 {

struct queue_options {
    // For jobs that do not say; resolved at enqueue.
    std::string default_queue = "default";
    std::int32_t max_retries = 3;
    duration timeout{};                   // 0 = none
    double backoff_base = 0;              // 0 = the queue's Backoff decides when the job fails
    std::optional<duration> retention{};  // of completed jobs; unset = storage_traits::default_retention

    // For the worker.
    std::vector<std::string> queues{};          // empty = all
    std::vector<std::string> kinds{};           // empty = all
    std::string worker = "worker";              // its name in leases and attempt records
    duration lease = std::chrono::seconds{30};  // extended every third of it
    std::int32_t max_crashes = 3;               // a job cut off this often is dead-lettered
    std::size_t batch = 1000;                   // the most jobs claimed in one step
    duration check = std::chrono::seconds{5};   // look for work this often even when nothing tells of any
};

}  // namespace queuectl::inline v0

#endif
