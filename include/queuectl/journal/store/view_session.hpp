// A journal that is only looked at: an index of our own over what of the log can be read.
#ifndef QUEUECTL_JOURNAL_STORE_VIEW_SESSION_HPP
#define QUEUECTL_JOURNAL_STORE_VIEW_SESSION_HPP

#include <queuectl/journal/log_copy.hpp>
#include <queuectl/journal/salvage.hpp>
#include <queuectl/journal/store/replay.hpp>
#include <queuectl/journal/store/session.hpp>

namespace queuectl::inline v0::journal {

// The same as session, for what reads; every write is refused with the reason why there is only a view. Any number of
// threads. Shares nothing with others, and follows nothing that they append.
template <file_system FileSystem>
class view_session {
public:
    using log_type = log_copy<FileSystem>;
    using core_type = store_core<log_type>;
    struct turn_type {
        [[nodiscard]] bool fits(std::uint64_t, append_room) { return true; }
        [[nodiscard]] result<frame_place> prepare(std::uint64_t, append_room) { return fail(errc::read_only, "write"); }
    };

    // `why`: what writes are refused with, until damage is found.
    view_session(FileSystem fs, index_memory memory, std::string where, error why)
        : fs_{std::move(fs)},
          log_{fs_},
          core_{log_, std::move(memory)},
          wake_{words_},
          location_{std::move(where)},
          why_{std::move(why)}
    {
    }
    view_session(const view_session&) = delete;
    view_session& operator=(const view_session&) = delete;

    // Reads all that comes before the first damage. After errc::corrupt it can be used nevertheless.
    [[nodiscard]] result<void> load()
    {
        replay<core_type> sink{core_, uid{0, 1}};
        auto done = log_.read_all(sink);
        if (done && sink.failure()) done = fail(*sink.failure());
        if (done)
            if (const auto lost =
                    remembered_loss(fs_, log_.store(), log_.position().sequence, queuectl::detail::read_boot_id()))
                done = fail(errc::corrupt, "read the journal", lost->text());
        if (!done && done.error().code == errc::corrupt) why_ = done.error();
        return done;
    }
    [[nodiscard]] const error& why() const noexcept { return why_; }

    [[nodiscard]] FileSystem& fs() noexcept { return fs_; }
    [[nodiscard]] wake_word& wake() noexcept { return wake_; }
    change_counts wait(change_counts seen, duration max) { return wake_.wait(seen, max); }
    [[nodiscard]] const std::string& where() const noexcept { return location_; }
    [[nodiscard]] queuectl::durability mode() const noexcept { return durability::full; }
    [[nodiscard]] uid store() noexcept { return log_.store(); }
    [[nodiscard]] output_number new_output_number() noexcept { return 0; }
    void remove_outputs(const std::vector<output_number>&) noexcept {}

    template <class Body>
    [[nodiscard]] result<void> write(const char* verb, bool, Body&&)
    {
        return refuse(verb);
    }
    template <class Body>
    [[nodiscard]] result<void> write(const char* verb, queuectl::detail::change_of, durable, Body&&, bool = false)
    {
        return refuse(verb);
    }
    [[nodiscard]] result<void> set_header(const char* verb, const header_record&) { return refuse(verb); }

    template <class Body>
    [[nodiscard]] result<void> read(const char* verb, Body&& body)
    {
        const std::scoped_lock one{mutex_};
        core_.forget();
        auto done = body(core_);
        if (done) return {};
        error e = done.error();
        e.operation = std::string{verb} + ' ' + location_ + (e.operation.empty() ? "" : ": " + e.operation);
        return fail(std::move(e));
    }

private:
    failure_value refuse(const char* verb) const
    {
        error e = why_;
        e.operation = std::string{verb} + ' ' + location_ + ": " + e.operation;
        return fail(std::move(e));
    }

    FileSystem fs_;
    log_type log_;
    core_type core_;
    control_words words_{};
    wake_word wake_;
    std::string location_;
    error why_;
    std::mutex mutex_;
};

}  // namespace queuectl::inline v0::journal

#endif
