// What the reference model keeps: plain vectors.
#ifndef QUEUECTL_TESTING_MODEL_STORE_HPP
#define QUEUECTL_TESTING_MODEL_STORE_HPP

#include <queuectl/facets.hpp>
#include <queuectl/limits.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace queuectl::inline v0 {

struct model_row {
    job_record record;
    state before = state::pending;  // what the current claim took it from
    duration lease_end{};           // on the boot clock of lease_boot
    uid lease_boot{};
    std::vector<attempt> runs;
};

// One store; handles share it. Rows are in order of `sequence`.
struct model_store {
    std::mutex mutex;
    std::condition_variable changed;
    change_counts changes;
    std::uint64_t interrupts = 0;

    store_info info;
    std::vector<model_row> rows;
    std::vector<std::string> queues;  // every queue that ever held a job
    std::uint64_t next_sequence = 1;

    std::vector<config_entry> config;
    std::uint64_t next_version = 1;

    model_store()
    {
        static std::uint64_t stores = 0;
        info.format = info.min_reader = info.min_writer = 1;
        info.id = uid{0x6d6f64656cu, ++stores};
        info.location = "model";
        info.durability = durability::process;
    }

    [[nodiscard]] model_row* find(std::string_view id)
    {
        for (auto& r : rows)
            if (r.record.job.id == id) return &r;
        return nullptr;
    }
    void erase(std::string_view id)
    {
        rows.erase(std::remove_if(rows.begin(), rows.end(), [&](const model_row& r) { return r.record.job.id == id; }),
                   rows.end());
    }
    void tell_work()
    {
        ++changes.work;
        changed.notify_all();
    }
    void tell_control()
    {
        ++changes.control;
        changed.notify_all();
    }
};

[[nodiscard]] inline bool model_matches(const job_filter& filter, const job_record& r)
{
    return (!filter.state || *filter.state == r.state) && (filter.queue.empty() || filter.queue == r.job.queue) &&
           (filter.kind.empty() || filter.kind == r.job.kind) && (filter.tag.empty() || filter.tag == r.job.tag) &&
           (filter.updated_before == timestamp_max || r.updated_at < filter.updated_before);
}

}  // namespace queuectl::inline v0

#endif
