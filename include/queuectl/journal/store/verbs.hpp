// The four verbs of a journal.
#ifndef QUEUECTL_JOURNAL_STORE_VERBS_HPP
#define QUEUECTL_JOURNAL_STORE_VERBS_HPP

#include <queuectl/journal/store/claim.hpp>
#include <queuectl/journal/store/insert.hpp>
#include <queuectl/journal/store/session.hpp>
#include <queuectl/journal/store/settle.hpp>

namespace queuectl::inline v0::journal {

template <class Session>
class verbs {
public:
    static constexpr std::size_t max_batch = 1000;

    [[nodiscard]] result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses, const instant& now)
    {
        QUEUECTL_ASSERT(jobs.size() <= max_batch && statuses.size() >= jobs.size());
        const auto body = [jobs, statuses, wall = now.wall](core& c, turn& t) {
            return insert_call<core>{c, jobs, statuses, wall}.run(t);
        };
        const job* const alone = jobs.size() == 1 ? jobs.data() : nullptr;
        auto done = session_->write("insert", change_of::jobs, durable::as_promised, body, alone);
        if (done) session_->wake().bump_work();
        return done;
    }

    [[nodiscard]] result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        return settle_and_claim_with({}, {}, &request, leases, now);
    }

    [[nodiscard]] result<void> extend(std::span<const receipt> receipts, duration length,
                                      std::span<extend_status> statuses, const instant& now)
    {
        QUEUECTL_ASSERT(receipts.size() <= max_batch && statuses.size() >= receipts.size());
        const auto body = [&](core& c, turn& t) -> result<void> {
            if (auto room = c.index.reserve(0, receipts.size()); !room) return room;
            if (auto place = c.prepare(t, 128 + 10 * receipts.size(), append_room::reserve); !place) return place;
            return extend_leases(c, receipts, length, statuses, now);
        };
        return session_->write("extend", change_of::runs, durable::later, body);
    }

    [[nodiscard]] result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                      const instant& now)
    {
        std::vector<lease> none;
        auto done = settle_and_claim_with(settlements, statuses, nullptr, none, now);
        if (!done) return fail(done.error());
        return {};
    }

    [[nodiscard]] result<claim_info> settle_and_claim(std::span<const settlement> settlements,
                                                      std::span<settle_status> statuses, const claim_request& request,
                                                      std::vector<lease>& leases, const instant& now)
    {
        return settle_and_claim_with(settlements, statuses, &request, leases, now);
    }

protected:
    using core = typename Session::core_type;
    using turn = typename Session::turn_type;
    using change_of = queuectl::detail::change_of;

    explicit verbs(std::unique_ptr<Session> session, bool sync_claims)
        : session_{std::move(session)}, sync_claims_{sync_claims}
    {
    }

    std::unique_ptr<Session> session_;

private:
    result<claim_info> settle_and_claim_with(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                             const claim_request* request, std::vector<lease>& leases,
                                             const instant& now)
    {
        QUEUECTL_ASSERT(settlements.size() <= max_batch && statuses.size() >= settlements.size());
        std::vector<output_number> files;
        if (auto done = write_outputs(settlements, files); !done) return fail(done.error());
        const std::size_t first = leases.size();
        std::vector<output_number> dead_files;
        claim_info info;
        bool any_waits = false;
        const auto room = settlements.empty() ? append_room::normal : append_room::reserve;
        auto done = session_->write(settlements.empty() ? "claim" : "settle", change_of::runs,
                                    settlements.empty() && !sync_claims_ ? durable::later : durable::as_promised,
                                    [&](core& c, turn& t) -> result<void> {
                                        leases.erase(leases.begin() + static_cast<std::ptrdiff_t>(first), leases.end());
                                        settle_call<core> settling{c, settlements, statuses, files, now.wall};
                                        auto bytes = settling.bytes_max();
                                        std::size_t changes = settlements.size();
                                        std::optional<claim_call<core>> claiming;
                                        if (request != nullptr) {
                                            const std::size_t most =
                                                c.is_moving() ? 0 : std::min(request->max, max_batch);
                                            claiming.emplace(c, *request, leases, now, most);
                                            bytes += claiming->bytes_max();
                                            changes += claiming->changes_max();
                                        }
                                        if (auto reserved = c.index.reserve(0, changes); !reserved) return reserved;
                                        if (auto place = c.prepare(t, bytes, room); !place) return place;
                                        if (auto settled = settling.run(); !settled) return settled;
                                        any_waits = settling.any_waits();
                                        dead_files = settling.dead_files();
                                        if (!claiming) return {};
                                        auto claimed = claiming->run();
                                        if (!claimed) return fail(claimed.error());
                                        info = *claimed;
                                        if (c.is_moving()) info.next_at = timestamp_max;
                                        return {};
                                    });
        if (!done) {
            leases.erase(leases.begin() + static_cast<std::ptrdiff_t>(first), leases.end());
            if (done.error().code != errc::outcome_unknown) session_->remove_outputs(files);
            return fail(done.error());
        }
        session_->remove_outputs(dead_files);
        if (any_waits || info.reaped > 0) session_->wake().bump_work();
        return info;
    }

    // Writes the outputs that are too long for the log; files[i] is 0 where there is none. Empty = there are none.
    result<void> write_outputs(std::span<const settlement> settlements, std::vector<output_number>& files)
    {
        for (std::size_t i = 0; i < settlements.size(); ++i) {
            const auto& s = settlements[i];
            if (!s.report || !needs_file(s.report->output)) continue;
            files.resize(settlements.size());
            const auto number = session_->new_output_number();
            auto written = write_output<typename core::guards>(session_->fs(), number, s.report->output);
            if (!written) {
                session_->remove_outputs(files);
                return written;
            }
            files[i] = number;
        }
        if (files.empty() || !core::guards::sync_output_names) return {};
        auto synced = session_->fs().sync_directory();
        if (!synced) session_->remove_outputs(files);
        return synced;
    }

    bool sync_claims_;
};

}  // namespace queuectl::inline v0::journal

#endif
