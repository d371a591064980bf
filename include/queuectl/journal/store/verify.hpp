// Checks what only the log can tell: that all of it can be read, and that the index says the same.
#ifndef QUEUECTL_JOURNAL_STORE_VERIFY_HPP
#define QUEUECTL_JOURNAL_STORE_VERIFY_HPP

#include <queuectl/journal/log_copy.hpp>
#include <queuectl/journal/store/compare.hpp>
#include <queuectl/journal/store/damage.hpp>
#include <queuectl/journal/store/orphans.hpp>
#include <queuectl/journal/store/replay.hpp>

namespace queuectl::inline v0::journal {

// One check of an open store, which others may use meanwhile. The log is read without the turn, into an index of our
// own; then, under the turn and a thousand jobs at a time, that hears the rest and is compared with the shared one.
template <class Session>
class store_check {
    using core = typename Session::core_type;
    using file_system = std::remove_reference_t<decltype(std::declval<Session&>().fs())>;
    using own_core = store_core<log_copy<file_system>>;

public:
    store_check(Session& s, index_memory memory)
        : session_{s}, copy_{s.fs()}, own_{copy_, std::move(memory)}, sink_{own_, uid{0, 1}}
    {
    }

    [[nodiscard]] result<verify_report> run(std::int64_t now_s)
    {
        for (int look = 0;; ++look) {
            report_ = {};
            auto done = look_once(now_s);
            if (done) break;
            // What was read has been trimmed, or written anew, by others: again.
            if (done.error().code != errc::conflict || look == looks_max) return fail(done.error());
        }
        if (auto done = check_outputs(session_.fs(), now_s, orphans_, report_); !done) return fail(done.error());
        if (auto done = add_bytes(session_.fs(), ".log", report_); !done) return fail(done.error());
        if (auto done = add_bytes(session_.fs(), ".out", report_); !done) return fail(done.error());
        return std::move(report_);
    }

private:
    static constexpr int looks_max = 20;
    static constexpr std::size_t jobs_a_turn = 1000;

    result<void> look_once(std::int64_t now_s)
    {
        auto read = copy_.read_all(sink_);
        if (read && sink_.failure()) read = fail(*sink_.failure());
        if (!read) return moved_on() ? conflict() : damage(read.error());
        auto names = old_outputs(session_.fs(), now_s);
        if (!names) return fail(names.error());
        orphans_ = std::move(*names);
        for (std::uint64_t next = 1, first = 1; next != 0; first = 0) {
            auto done = session_.read("verify", [&](core& c) { return compare(c, next, first != 0); });
            if (!done) return done.error().code == errc::corrupt && !moved_on() ? damage(done.error()) : done;
        }
        for (const auto number : orphans_)
            report_.add(finding_kind::leftover, "output file " + output_name(number) + " belongs to no run");
        return {};
    }

    static result<void> conflict() { return fail(errc::conflict, "read the journal", "it was trimmed meanwhile"); }
    // Whether segments that were there at the begin have been trimmed since.
    bool moved_on()
    {
        const auto found = find_segments(session_.fs());
        return found && found->lowest > copy_.lowest();
    }
    result<void> damage(const error& why)
    {
        if (why.code != errc::corrupt) return fail(why);
        auto told = tell_damage(session_.fs(), report_);
        if (report_.found == 0) report_.add(finding_kind::damage, why.message());
        report_.bytes = 0;
        return told;
    }

    result<void> compare(core& c, std::uint64_t& next, bool first)
    {
        const log_position end = c.index.roots().heard;
        auto heard = copy_.read_on(sink_, end.segment);
        if (heard && sink_.failure()) heard = fail(*sink_.failure());
        if (heard && !copy_.position().reaches(end))
            heard = fail(errc::corrupt, "read " + segment_name(copy_.position().segment),
                         "damage at offset " + std::to_string(copy_.position().offset) + ": frame " +
                             std::to_string(copy_.position().sequence) + " had been written and is gone");
        if (!heard) return heard.error().code == errc::corrupt && moved_on() ? conflict() : heard;
        index_compare both{own_.index, c.index, report_};
        if (first) both.totals();
        const auto from = next;
        next = both.jobs(from, jobs_a_turn);
        return orphans_.empty() || report_.found != 0 ? result<void>{} : drop_named(c, from, next, orphans_);
    }

    Session& session_;
    log_copy<file_system> copy_;
    own_core own_;
    replay<own_core> sink_;
    verify_report report_;
    std::vector<output_number> orphans_;
};

}  // namespace queuectl::inline v0::journal

#endif
