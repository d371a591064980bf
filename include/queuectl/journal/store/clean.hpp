// Compaction: the log is cleaned from its oldest segment on, a little at a time.
#ifndef QUEUECTL_JOURNAL_STORE_CLEAN_HPP
#define QUEUECTL_JOURNAL_STORE_CLEAN_HPP

#include <queuectl/journal/store/inspect.hpp>

namespace queuectl::inline v0::journal {

// For each byte that is appended so many are looked at, at least Guards::clean_bytes_min a turn: cleaning keeps ahead
// even when half of what it looks at is alive.
inline constexpr std::uint64_t clean_ahead = 4;
inline constexpr std::uint64_t clean_bytes_max = std::uint64_t{256} << 10;
// A record that is read at another place, because it says what became of a job, counts as so many.
inline constexpr std::uint64_t clean_bytes_elsewhere = 128;

// `waits`: whether the call that would clean waits for the disk anyway. Others do so only where those leave much
// undone.
template <class Guards>
[[nodiscard]] bool needs_cleaning(const index_roots& roots, bool waits) noexcept
{
    return roots.log_bytes > (waits ? 2 : 3) * roots.live_bytes + (waits ? 1 : 2) * Guards::clean_slack_bytes;
}

// Looks at the next records of the oldest segment. What is alive is written again, at the log's end; what was looked
// at is not needed any more then. Requires: no change is under way.
template <class Core>
class clean_step {
public:
    clean_step(Core& core, std::uint64_t lowest, std::uint64_t newest) : core_{core}, newest_{newest}
    {
        const auto& roots = core.index.roots();
        at_ = {roots.clean_segment, roots.clean_frame, roots.clean_record};
        if (at_.number < lowest) at_ = {lowest, frames_begin, 0};
    }

    // Puts into core.body what of the next `budget` bytes is alive; the index follows in apply().
    [[nodiscard]] result<void> look(std::uint64_t budget)
    {
        std::uint64_t looked = 0;
        while (looked < budget && core_.body.size() < budget && !segment_done_ && at_.number < newest_) {
            auto bytes = look_at_frame(budget - looked);
            if (!bytes) return fail(bytes.error());
            looked += *bytes;
        }
        return {};
    }

    // After core.prepare for core.body. Requires: index room for moved() changes.
    void apply()
    {
        for (const auto& m : moves_) {
            if (m.job != 0)
                core_.index.set_image(m.job, core_.at(m.offset), m.bytes, m.bytes_before, m.has_error);
            else
                core_.config.move(m.entry, core_.at(m.offset));
        }
        auto& roots = core_.index.roots();
        auto& space = core_.index.space();
        space.touch(roots.clean_segment) = at_.number;
        space.touch(roots.clean_frame) = at_.frame;
        space.touch(roots.clean_record) = at_.record;
    }
    [[nodiscard]] std::size_t moved() const noexcept { return moves_.size(); }

    // The segment that is not needed any more once what was moved is durable; 0 = none.
    [[nodiscard]] std::uint64_t done_segment() const noexcept { return segment_done_ ? at_.number : 0; }

private:
    struct cursor {
        std::uint64_t number = 0;  // of the segment
        std::uint64_t frame = 0;   // offset in the file
        std::uint64_t record = 0;  // offset in the frame's body
    };
    struct move {
        ref job = 0;  // or
        ref entry = 0;
        std::size_t offset = 0;  // in core.body
        std::uint32_t bytes = 0;
        std::uint32_t bytes_before = 0;
        bool has_error = false;
    };

    // Returns how many bytes were looked at.
    result<std::uint64_t> look_at_frame(std::uint64_t budget)
    {
        auto head = core_.log().read(at_.number, at_.frame, frame_header_bytes);
        const bool none = !head || load_frame_header(head->data()).sequence == 0;
        if (none) {
            segment_done_ = true;
            return std::uint64_t{0};
        }
        const frame_header h = load_frame_header(head->data());
        const std::uint64_t end = h.type == frame_type::transaction ? h.body_bytes : 0;
        std::uint64_t looked = frame_header_bytes;
        for (; at_.record < end && looked < budget;) {
            const location where = locate(at_.number, at_.frame + frame_header_bytes + at_.record);
            auto record = core_.read(where);
            if (!record) return fail(record.error());
            const auto bytes = record->bytes;
            if (auto done = look_at(where, *record); !done) return fail(done.error());
            at_.record += bytes;
            looked += bytes + std::exchange(elsewhere_, 0) * clean_bytes_elsewhere;
        }
        if (at_.record < end) return looked;
        at_.frame += frame_bytes(h.body_bytes);
        at_.record = 0;
        return looked;
    }

    result<void> look_at(location where, const record_view& record)
    {
        if (record.type == record_type::job) return look_at_job(where, record.content);
        if (record.type == record_type::config) return look_at_entry(where, record.content);
        return {};
    }

    result<void> look_at_job(location where, std::string_view content)
    {
        auto head = read_head(content);
        if (!head) return fail(head.error());
        const ref job = core_.index.by_sequence(head->sequence);
        if (job == 0) return {};
        auto image_at = core_.for_each_end(core_.index.last_of(job), [&](location, const end_view&) {
            ++elsewhere_;
            return true;
        });
        if (!image_at) return fail(image_at.error());
        if (*image_at != where) return {};
        if (!Core::guards::move_images) return {};
        auto known = sequence_and_bytes(core_, job);
        if (!known) return fail(known.error());
        auto image = core_.load(job);
        if (!image) return fail(image.error());
        move m;
        m.job = job;
        m.offset = core_.body.size();
        append_job(core_.body, *image);
        m.bytes = static_cast<std::uint32_t>(core_.body.size() - m.offset);
        m.bytes_before = known->second;
        m.has_error = !image->record.error.empty();
        moves_.push_back(m);
        return {};
    }

    result<void> look_at_entry(location where, std::string_view content)
    {
        auto entry = read_config(content);
        if (!entry) return fail(entry.error());
        const ref at = core_.config.find(entry->key);
        if (at == 0 || core_.config.get(at).at != where) return {};
        move m;
        m.entry = at;
        m.offset = core_.body.size();
        append_config(core_.body, *entry);
        moves_.push_back(m);
        return {};
    }

    Core& core_;
    std::uint64_t newest_;
    cursor at_;
    bool segment_done_ = false;
    std::uint64_t elsewhere_ = 0;  // records that were read for the one that is looked at
    std::vector<move> moves_;
};

// What a trim says beside the first segment: what is remembered though no record of it is left.
template <class Core>
void append_remembered(Core& core, std::string& out)
{
    auto& space = core.index.space();
    const auto& roots = core.index.roots();
    std::vector<std::string_view> names;
    core.index.all_lanes().for_each_queue([&](ref queue) {
        names.push_back(read_text(space, space.template get<queue_slot>(queue)->name));
        return true;
    });
    append_queues(out, names);
    const std::uint64_t last[1] = {roots.last_sequence};
    if (last[0] != 0 && core.index.by_sequence(last[0]) == 0) append_remove(out, last);
    append_unconfig(out, {}, roots.config_version);
    header_record header;
    header.created_at = timestamp{duration{roots.created_at}};
    header.state = static_cast<std::uint8_t>(roots.store_state);
    if (roots.moved_to != 0) header.moved_to = read_text(space, roots.moved_to);
    append_header(out, header);
}

}  // namespace queuectl::inline v0::journal

#endif
