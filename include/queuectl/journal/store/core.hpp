// One change of a store under way: what is read, what is written, and the index that follows.
#ifndef QUEUECTL_JOURNAL_STORE_CORE_HPP
#define QUEUECTL_JOURNAL_STORE_CORE_HPP

#include <queuectl/detail/store_gate.hpp>
#include <queuectl/journal/index/job_index.hpp>
#include <queuectl/journal/index/settings.hpp>
#include <queuectl/journal/store/ahead.hpp>
#include <queuectl/journal/store/guards.hpp>
#include <queuectl/journal/log_options.hpp>
#include <queuectl/limits.hpp>

namespace queuectl::inline v0::journal {

// Somebody else has written into the memory that processes share, or the disk has changed it.
[[nodiscard]] inline failure_value garbage_in_index()
{
    return fail(errc::corrupt, "use the index",
                "there is garbage in it: it is made anew from the log by the next call");
}

// What a job is after one of its leases has ended so.
inline void apply_end(job_image& image, const end_view& end)
{
    auto& r = image.record;
    r.state = end.state;
    r.updated_at = end.now;
    r.job.run_at = end.run_at;
    r.attempts = end.attempts;
    r.crashes = end.crashes;
    r.settled_token = end.token;
    r.token = {};
    r.cancel_requested = false;
    r.locked_by.clear();
    if (end.set_error) r.error = end.error;
    if (end.set_result) r.result = end.result;
    if (!end.has_run) return;
    auto& run = image.attempts.emplace_back(to_attempt(end));
    if (run.run.status != run_status::crashed) {
        r.exit_code = run.run.exit_code;
        r.signal = run.run.signal;
    }
    if (image.attempts.size() > limits::attempts_kept) image.attempts.erase(image.attempts.begin());
}

// Used by whoever holds the log's turn. Log: journal::log, or what reads like one.
template <class Log, class Guards = store_guards>
class store_core {
public:
    using guards = Guards;

    store_core(Log& log, index_memory memory) : index{std::move(memory)}, config{index.space()}, log_{&log} {}

    [[nodiscard]] Log& log() noexcept { return *log_; }

    // The index has followed the log up to there.
    void heard(const log_position& position) noexcept
    {
        auto& roots = index.roots();
        const bool same = roots.any_heard != 0 && roots.heard.segment == position.segment;
        index.space().touch(roots.log_bytes) += position.offset - (same ? roots.heard.offset : frames_begin);
        index.space().touch(roots.heard) = position;
        index.space().touch(roots.any_heard) = 1;
    }
    void set_header(const header_record& h) noexcept
    {
        auto& roots = index.roots();
        auto& space = index.space();
        space.touch(roots.created_at) = h.created_at.time_since_epoch().count();
        space.touch(roots.store_state) = h.state;
        if (roots.moved_to != 0) drop_text(space, roots.moved_to);
        space.touch(roots.moved_to) = h.moved_to.empty() ? 0 : make_text(space, h.moved_to);
    }

    [[nodiscard]] bool is_moving() noexcept
    {
        return static_cast<store_state>(index.roots().store_state) == store_state::moving;
    }
    // Whether the store takes such a change.
    [[nodiscard]] result<void> admits(queuectl::detail::change_of what, std::string_view verb)
    {
        const auto& roots = index.roots();
        if (roots.store_state == 0) return {};
        const auto place = roots.moved_to == 0 ? std::string_view{} : read_text(index.space(), roots.moved_to);
        return queuectl::detail::admit(static_cast<store_state>(roots.store_state), place, what, verb);
    }

    // Whether the job is leased by this token.
    [[nodiscard]] bool holds(ref job, const lease_token& token) const noexcept
    {
        if (!Guards::compare_tokens) return job != 0 && index.state_of(job) == state::processing;
        return index.holds(job, token);
    }

    // ── What is written ──

    // Makes place in the log for the records of this call, of at most so many bytes; those that are in `body` stay.
    template <class Turn>
    [[nodiscard]] result<void> prepare(Turn& turn, std::uint64_t bytes_max, append_room room)
    {
        const std::uint64_t bytes = call_begin_ + bytes_max;
        if (bytes <= prepared_) return {};
        crowded_ = call_begin_ != 0 && !turn.fits(bytes, room);
        if (crowded_) return fail(errc::busy, "append", "there is no room beside the records of other calls");
        prepared_ = turn.fits(bytes + more_bytes, append_room::normal) ? bytes + more_bytes : 0;
        auto place = turn.prepare(std::max(bytes, prepared_), room);
        if (!place) return fail(place.error());
        segment_ = place->segment;
        offset_ = place->offset;
        return {};
    }
    // Nothing is under way any more.
    void forget() noexcept
    {
        body.clear();
        ahead.clear();
        segment_ = 0;
        prepared_ = 0;
        call_begin_ = 0;
    }
    // A call begins, behind others whose records and changes go with its own.
    [[nodiscard]] index_space::savepoint begin_call() noexcept
    {
        call_begin_ = body.size();
        crowded_ = put_off_ = false;
        return index.space().save();
    }
    // As if it had not begun.
    void undo_call(index_space::savepoint begin) noexcept
    {
        body.resize(call_begin_);
        if (Guards::roll_back_failed) index.space().rollback(begin);
    }
    // The call failed because its records must be in another frame than those before it.
    [[nodiscard]] bool crowded() const noexcept { return crowded_; }

    // Whether a call that may put jobs into `ahead` does so: all that the frame has so far is there too.
    [[nodiscard]] bool leads(bool may) noexcept
    {
        leads_ = may && (body.empty() || ahead.any()) && !ahead.full();
        return leads_;
    }
    [[nodiscard]] bool leads() const noexcept { return leads_; }
    // The call fails: it begins again when the index knows of what is ahead.
    [[nodiscard]] failure_value put_off()
    {
        put_off_ = true;
        return fail(errc::busy, "use the index", "new jobs are ahead of it");
    }
    [[nodiscard]] bool was_put_off() const noexcept { return put_off_; }
    // Bytes of records that the call has put into `body`.
    [[nodiscard]] std::size_t call_bytes() const noexcept { return body.size() - call_begin_; }
    // Where `body` will be, or is. Requires: prepare.
    [[nodiscard]] frame_place place() const noexcept { return {segment_, offset_, frame_type::transaction}; }
    // Where the next record of this change will be. Requires: prepare.
    [[nodiscard]] location here() const noexcept { return at(body.size()); }
    [[nodiscard]] location at(std::size_t offset_in_body) const noexcept
    {
        return locate(segment_, offset_ + offset_in_body + (Guards::places ? 0 : frame_header_bytes));
    }

    // ── What is read ──

    // The record at a place; its content is valid until the next read or append.
    [[nodiscard]] result<record_view> read(location where)
    {
        auto head = bytes(where, record_header_bytes);
        if (!head) return fail(head.error());
        const auto size = record_bytes(*head);
        auto whole = bytes(where, size);
        if (!whole) return fail(whole.error());
        auto record = read_record(*whole);
        if (!record) return damaged(where, record.error().detail);
        return record;
    }
    // The same for a record that must be of this type.
    [[nodiscard]] result<std::string_view> read(location where, record_type type)
    {
        auto record = read(where);
        if (!record) return fail(record.error());
        if (record->type != type) return wrong(where);
        return record->content;
    }

    // The newest records of a job back to its image, which is not among them: visit(location, end_view); false stops.
    // Returns where its image is, or where it was stopped.
    template <class Visit>
    [[nodiscard]] result<location> for_each_end(location last, Visit&& visit)
    {
        for (location at = last;;) {
            auto record = read(at);
            if (!record) return fail(record.error());
            if (record->type == record_type::job) return at;
            if (record->type != record_type::end) return wrong(at);
            auto end = read_end(record->content);
            if (!end) return fail(end.error());
            const location previous = end->previous;
            if (!visit(at, *end)) return at;
            if (previous >= at) return wrong(at);
            at = previous;
        }
    }

    // All that is known of a job.
    [[nodiscard]] result<job_image> load(ref job)
    {
        std::vector<location> ends;
        auto image_at = for_each_end(index.last_of(job), [&](location at, const end_view&) {
            ends.push_back(at);
            return true;
        });
        if (!image_at) return fail(image_at.error());
        auto content = read(*image_at, record_type::job);
        if (!content) return fail(content.error());
        auto image = read_image(*content);
        if (!image) return image;
        while (!ends.empty()) {
            auto record = read(ends.back(), record_type::end);
            if (!record) return fail(record.error());
            auto end = read_end(*record);
            if (!end) return fail(end.error());
            apply_end(*image, *end);
            ends.pop_back();
        }
        if (index.is_live(job)) overlay(*image, index.live(job));
        return image;
    }

    // Why the last run failed or was cut off.
    [[nodiscard]] result<void> load_error(location last, std::string& error)
    {
        bool found = false;
        auto image = for_each_end(last, [&](location, const end_view& end) {
            if (end.set_error) error.assign(end.error);
            return !(found = end.set_error);
        });
        if (!image) return fail(image.error());
        if (found) return {};
        auto content = read(*image, record_type::job);
        if (!content) return fail(content.error());
        auto loaded = read_image(*content);
        if (!loaded) return fail(loaded.error());
        error = std::move(loaded->record.error);
        return {};
    }

    // The lease that settled the job last.
    [[nodiscard]] result<lease_token> settled_token(location last)
    {
        auto record = read(last);
        if (!record) return fail(record.error());
        if (record->type == record_type::end) {
            auto end = read_end(record->content);
            if (!end) return fail(end.error());
            return end->token;
        }
        auto image = read_image(record->content);
        if (!image) return fail(image.error());
        return image->record.settled_token;
    }

    std::string body;  // the records of this change, of one call or several
    jobs_ahead ahead;  // those that the index does not know yet
    job_index index;
    settings config;

private:
    // Room is made for so many bytes more than a call wants, if there is some: others may follow.
    static constexpr std::uint64_t more_bytes = std::uint64_t{16} << 10;

    failure_value damaged(location at, std::string_view why) const
    {
        return fail(errc::corrupt, "read " + segment_name(segment_of(at)),
                    "damage at offset " + std::to_string(offset_of(at)) + ": " + std::string{why});
    }
    failure_value wrong(location at) const { return damaged(at, "another record is expected there"); }

    [[nodiscard]] result<std::string_view> bytes(location where, std::size_t count)
    {
        if (segment_of(where) == segment_ && offset_of(where) >= offset_) {
            const auto at = offset_of(where) - offset_;
            if (at + count > body.size()) return wrong(where);
            return std::string_view{body}.substr(at, count);
        }
        return log_->read(segment_of(where), offset_of(where), count);
    }

    void overlay(job_image& image, const live_slot& slot)
    {
        const auto time = [](std::int64_t us) { return timestamp{duration{us}}; };
        auto& r = image.record;
        r.state = slot.head.state();
        r.attempts = slot.attempts;
        r.crashes = slot.crashes;
        r.updated_at = time(slot.updated_at);
        r.cancel_requested = slot.cancel_requested;
        image.was_failed = slot.was_failed;
        r.job.run_at = time(slot.node.time);
        r.token = {};
        r.locked_by.clear();
        if (r.state != state::processing) return;
        const auto& l = index.all_leases().of(slot);
        r.token = index.all_leases().token_of(slot);
        r.locked_by = index.all_leases().holder(slot);
        r.locked_at = time(l.locked_at);
        r.lease_until = time(l.until);
        image.lease_end = duration{l.node.time};
        image.boot_id = index.space().template get<boot_slot>(l.boot)->id;
    }

    Log* log_;
    std::uint64_t segment_ = 0;  // where `body` will be
    std::uint64_t offset_ = 0;
    std::uint64_t prepared_ = 0;  // so many bytes of `body` have normal room there
    std::size_t call_begin_ = 0;  // in `body`
    bool crowded_ = false;
    bool put_off_ = false;
    bool leads_ = false;
};

}  // namespace queuectl::inline v0::journal

#endif
