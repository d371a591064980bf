// An executor that runs nothing: for programs that only enqueue.
#ifndef QUEUECTL_EXECUTOR_NONE_HPP
#define QUEUECTL_EXECUTOR_NONE_HPP

#include <queuectl/executor.hpp>
#include <queuectl/fwd.hpp>

namespace queuectl::inline v0 {

class no_executor {
public:
    [[nodiscard]] static constexpr std::size_t capacity() noexcept { return 0; }
    [[nodiscard]] result<void> start(const lease&, const instant&)
    {
        return fail(errc::unsupported, "start", "a queue without an executor runs no jobs");
    }
    void collect(std::vector<finished_run>&, duration) noexcept {}
    void stop(lease_token, stop_reason) noexcept {}
    void wake() noexcept {}
};

static_assert(executor<no_executor>);

}  // namespace queuectl::inline v0

#endif
