// What a run of a worker did.
#ifndef QUEUECTL_RUN_SUMMARY_HPP
#define QUEUECTL_RUN_SUMMARY_HPP

#include <queuectl/lease.hpp>

#include <cstdint>

namespace queuectl::inline v0 {

// How often each verdict was settled.
struct run_summary {
    std::uint64_t completed = 0;
    std::uint64_t retried = 0;  // failed, will be retried
    std::uint64_t buried = 0;   // into the dead letter queue
    std::uint64_t cancelled = 0;
    std::uint64_t released = 0;
    std::uint64_t lost = 0;  // the lease was lost: the result was thrown away

    void count(verdict_kind kind, settle_status status) noexcept
    {
        if (status != settle_status::applied)
            ++lost;
        else
            ++of(kind);
    }

private:
    [[nodiscard]] std::uint64_t& of(verdict_kind kind) noexcept
    {
        switch (kind) {
            case verdict_kind::complete: return completed;
            case verdict_kind::retry: return retried;
            case verdict_kind::bury: return buried;
            case verdict_kind::cancel: return cancelled;
            case verdict_kind::release: break;
        }
        return released;
    }
};

}  // namespace queuectl::inline v0

#endif
