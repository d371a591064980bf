// When a dead worker is started again.
#ifndef QUEUECTL_PROCESS_RESTART_POLICY_HPP
#define QUEUECTL_PROCESS_RESTART_POLICY_HPP

#include <queuectl/time.hpp>

#include <algorithm>
#include <array>

namespace queuectl::inline v0::process {

// At once, until it died five times within ten seconds; from then on after 100 ms, 200 ms, … 2 s, until it died less
// often than that. Pure but for its memory of deaths; `now` never goes back.
class restart_policy {
public:
    // It died at `now`: how long to wait.
    [[nodiscard]] constexpr duration on_death(duration now) noexcept
    {
        deaths_[next_] = now;
        next_ = (next_ + 1) % deaths_.size();
        const auto fifth_last = deaths_[next_];
        if (now - fifth_last > window) return delay_ = duration::zero();
        delay_ = delay_ == duration::zero() ? shortest : std::min(delay_ * 2, longest);
        return delay_;
    }

private:
    static constexpr duration window = std::chrono::seconds{10};
    static constexpr duration shortest = std::chrono::milliseconds{100};
    static constexpr duration longest = std::chrono::seconds{2};
    static constexpr duration long_ago = -duration_max / 2;

    std::array<duration, 5> deaths_{long_ago, long_ago, long_ago, long_ago, long_ago};
    std::size_t next_ = 0;
    duration delay_{};
};

}  // namespace queuectl::inline v0::process

#endif
