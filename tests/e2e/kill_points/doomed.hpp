// A storage for a command whose worker kills itself at a named point of a job's life. KILL_AT names the point; the
// process that can remove the file KILL_ONCE dies, and where KILL_SUPERVISOR is set, its supervisor just before it.
#ifndef QUEUECTL_TESTS_E2E_DOOMED_HPP
#define QUEUECTL_TESTS_E2E_DOOMED_HPP

#include <queuectl/facets.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace queuectl::e2e {

void reach(std::string_view point);

// Of the thread that claims and settles: the worker's loop.
inline thread_local bool holds_unstarted = false;
inline thread_local bool in_settle = false;

// Reaches "claimed" (the claim is stored), "exited" (a run is about to be settled) and "settled" (that is stored).
// "started" comes with the worker's next wait, and "settling" from within the transaction, while in_settle.
template <class Storage>
class doomed : public Storage {
public:
    explicit doomed(Storage s) : Storage{std::move(s)} {}

    result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        auto claimed = Storage::claim(request, leases, now);
        after_claim(leases);
        return claimed;
    }
    result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses, const instant& now)
    {
        before_settle(settlements);
        auto settled = Storage::settle(settlements, statuses, now);
        after_settle();
        return settled;
    }
    result<claim_info> settle_and_claim(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                        const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        before_settle(settlements);
        auto done = Storage::settle_and_claim(settlements, statuses, request, leases, now);
        after_settle();
        after_claim(leases);
        return done;
    }

private:
    static void before_settle(std::span<const settlement> settlements)
    {
        const auto tells_of_a_run = [](const settlement& s) { return s.report.has_value(); };
        in_settle = std::any_of(settlements.begin(), settlements.end(), tells_of_a_run);
        if (in_settle) reach("exited");
    }
    static void after_settle()
    {
        if (std::exchange(in_settle, false)) reach("settled");
    }
    static void after_claim(const std::vector<lease>& leases)
    {
        holds_unstarted = !leases.empty();
        if (holds_unstarted) reach("claimed");
    }
};

}  // namespace queuectl::e2e

#endif
