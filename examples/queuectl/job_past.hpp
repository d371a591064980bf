// A job with all its past, read from one store for another.
#ifndef QUEUECTL_COMMAND_JOB_PAST_HPP
#define QUEUECTL_COMMAND_JOB_PAST_HPP

#include "any_storage.hpp"

namespace queuectl::command {

// The record with its runs and what they wrote. What of it is gone since the record was read is left out.
[[nodiscard]] result<stored_job> past_of(any_storage& store, job_record record);

// Bytes that it takes in memory, about.
[[nodiscard]] std::size_t bytes_of(const stored_job& j) noexcept;

// Every job of a store in insertion order, in pages of a bounded number of jobs and, where their sizes are alike,
// bytes.
class job_pages {
public:
    static constexpr std::size_t page_bytes = 16u << 20;

    // From page_request::after on.
    job_pages(any_storage& store, std::size_t jobs_max, std::uint64_t after = 0)
        : store_{store}, most_{jobs_max}, after_{after}
    {
    }

    // Replaces `out`. False at the end: out is empty.
    [[nodiscard]] result<bool> next(std::vector<stored_job>& out);
    // Where the next page begins; 0 = there is none.
    [[nodiscard]] std::uint64_t after() const noexcept { return after_; }

private:
    any_storage& store_;
    std::size_t most_;
    std::size_t limit_ = 64;
    std::uint64_t after_;
    bool ended_ = false;
};

}  // namespace queuectl::command

#endif
