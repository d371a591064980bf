// What lies where the frames of the last segment end: nothing, a torn tail, or the proof of damage.
#ifndef QUEUECTL_JOURNAL_TAIL_HPP
#define QUEUECTL_JOURNAL_TAIL_HPP

#include <queuectl/journal/segment.hpp>

namespace queuectl::inline v0::journal {

enum class tail_kind : std::uint8_t {
    clean,   // zeros to the end of the file
    torn,    // bytes that were never acknowledged, to be cut
    damage,  // a frame that had been synced is gone
};

struct tail {
    tail_kind kind = tail_kind::clean;
    std::uint64_t used_end = 0;  // behind the last byte that is not zero; only for `torn`
    std::uint64_t proof = 0;     // where the frame is that proves the damage; 0 = the search gave up
};

namespace detail {

// Reads a segment in pieces that overlap by one frame header.
template <file_system FileSystem, class Guards>
class tail_search {
public:
    tail_search(FileSystem& fs, const segment<FileSystem>& s, std::uint64_t begin, std::uint64_t missing)
        : fs_{&fs}, segment_{&s}, begin_{begin}, missing_{missing}, budget_{4 * s.header.bytes + piece_bytes}
    {
    }

    [[nodiscard]] result<tail> run()
    {
        const std::uint64_t end = segment_->header.bytes;
        for (std::uint64_t at = begin_; at < end; at += piece_bytes) {
            const auto count =
                static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes + frame_header_bytes, end - at));
            piece_.resize(count);
            const auto got = fs_->read(segment_->file, at, piece_.data(), count);
            if (!got) return fail(got.error());
            piece_.resize(*got);
            if (zero(piece_)) continue;
            note_used(at);
            if (!Guards::watermark) continue;
            auto found = search_piece(at);
            if (!found) return fail(found.error());
            if (*found) return found_;
        }
        return found_;
    }

private:
    static constexpr std::size_t piece_bytes = std::size_t{256} << 10;

    static bool zero(std::string_view bytes) noexcept { return all_zero(bytes); }

    void note_used(std::uint64_t at)
    {
        const auto last = piece_.find_last_not_of('\0');
        found_.kind = tail_kind::torn;
        found_.used_end = at + last + 1;
    }

    // Whether the damage is proved, or the search too long, in the piece at `at`.
    result<bool> search_piece(std::uint64_t at)
    {
        for (std::size_t i = 0; i + frame_header_bytes <= piece_.size() && i < piece_bytes; i += frame_alignment) {
            if (Guards::file_id && load_le<std::uint64_t>(piece_.data() + i + 24) != segment_->header.file_id) continue;
            const frame_header h = load_frame_header(piece_.data() + i);
            if (h.durable_upto < missing_) continue;
            if (!plausible<Guards>(h, segment_->header.file_id, segment_->header.bytes - at - i)) continue;
            auto valid = check(h, at + i);
            if (!valid || *valid) return valid;
        }
        return false;
    }

    result<bool> check(const frame_header& h, std::uint64_t at)
    {
        const auto bytes = static_cast<std::size_t>(frame_bytes(h.body_bytes));
        found_.kind = tail_kind::damage;
        if (bytes > budget_) return true;
        budget_ -= bytes;
        frame_.resize(bytes);
        const auto got = fs_->read(segment_->file, at, frame_.data(), bytes);
        if (!got) return fail(got.error());
        found_.proof = at;
        if (*got == bytes && intact<Guards>(h, frame_.data(), segment_->header.file_id, at)) return true;
        found_ = {tail_kind::torn, found_.used_end, 0};
        return false;
    }

    FileSystem* fs_;
    const segment<FileSystem>* segment_;
    std::uint64_t begin_;
    std::uint64_t missing_;
    std::uint64_t budget_;
    std::string piece_;
    std::string frame_;
    tail found_;
};

}  // namespace detail

// Classifies what lies from `begin` on (a multiple of 8) in the last segment, where frame `missing` would be next.
// Reads the rest of the file once, and up to 4 × its size again for frames that look like a proof.
template <class Guards = all_guards, file_system FileSystem>
[[nodiscard]] result<tail> inspect_tail(FileSystem& fs, const segment<FileSystem>& s, std::uint64_t begin,
                                        std::uint64_t missing)
{
    return detail::tail_search<FileSystem, Guards>{fs, s, begin, missing}.run();
}

// Overwrites a torn tail with zeros and syncs them.
template <class Guards = all_guards, file_system FileSystem>
[[nodiscard]] result<void> cut_tail(FileSystem& fs, segment<FileSystem>& s, std::uint64_t begin, std::uint64_t end)
{
    if (!Guards::cut_tail) return {};
    if (auto done = fs.fill_zeros(s.file, begin, end - begin); !done) return done;
    return Guards::sync_cut ? fs.sync(s.file) : result<void>{};
}

}  // namespace queuectl::inline v0::journal

#endif
