// The segment behind the newest one, filled with zeros ahead, so that no append waits for all of them.
#ifndef QUEUECTL_JOURNAL_NEXT_SEGMENT_HPP
#define QUEUECTL_JOURNAL_NEXT_SEGMENT_HPP

#include <queuectl/journal/log_words.hpp>
#include <queuectl/journal/segment.hpp>

namespace queuectl::inline v0::journal::detail {

// NUMBER.new grows in pieces, by whichever process appends; the words say how far it holds zeros. They are believed for
// one boot; a file that they say nothing of is made anew. All of it needs the lock.
template <file_system FileSystem, class Guards>
class next_segment {
public:
    explicit next_segment(log_words& words) : words_{&words} {}

    // What is filled at once after an append, for which others wait; by who has time, as each time costs calls of the
    // system; and at most, which is also when an append does not leave it to who may have time.
    static constexpr std::uint64_t piece_bytes = std::uint64_t{64} << 10;
    static constexpr std::uint64_t large_piece_bytes = std::uint64_t{256} << 10;
    static constexpr std::uint64_t pieces_bytes_max = std::uint64_t{1} << 20;

    // When the log ends at `offset` of segment `s`: fills what is due, at least `least` bytes or the rest, so that the
    // file is ready long before the segment is full. Writes at most 1 MiB. A failure is left to finish().
    void fill_ahead(FileSystem& fs, const segment_header& s, std::uint64_t offset, const segment_sizes& sizes,
                    std::uint64_t least)
    {
        if (offset <= s.bytes / 4 || words_->ahead_failed.load() == s.number + 1) return;
        const auto whole = sizes.next(s.bytes);
        // From a quarter of the segment to three quarters: all of the file.
        const auto due = std::min(whole, (offset - s.bytes / 4) * 2 * ((whole + s.bytes - 1) / s.bytes));
        const auto have = words_->ahead_number.load() == s.number + 1 ? words_->ahead_bytes.load() : 0;
        if (due < have + least && (due < whole || have >= whole)) return;
        if (open(fs, s.number + 1) && fill(fs, std::min(due, have + pieces_bytes_max))) return;
        give_up(fs, s.number + 1);
        words_->ahead_failed = s.number + 1;
    }

    // Whether all of the file behind segment `s` is filled.
    [[nodiscard]] bool ready(const segment_header& s, const segment_sizes& sizes) const noexcept
    {
        return words_->ahead_number.load() == s.number + 1 && words_->ahead_bytes.load() >= sizes.next(s.bytes);
    }

    // The file whole and synced, with header `h`, as prepare_segment() would make it.
    [[nodiscard]] result<segment<FileSystem>> finish(FileSystem& fs, const segment_header& h)
    {
        if (words_->ahead_number.load() != h.number || words_->ahead_bytes.load() > h.bytes) {
            forget();
            return prepare_segment<Guards>(fs, h, {});
        }
        const auto done = [&]() -> result<void> {
            if (auto opened = open(fs, h.number); !opened) return opened;
            if (auto filled = fill(fs, h.bytes); !filled) return filled;
            if (auto written = fs.write(file_, 0, encode(h)); !written) return written;
            words_->ahead_number = 0;  // who is killed in the sync leaves a file of unknown state: it is made anew
            return Guards::sync_new_segment ? fs.sync(file_) : result<void>{};
        }();
        if (!done) {
            give_up(fs, h.number);
            return fail(done.error());
        }
        segment<FileSystem> made{h, std::move(file_)};
        forget();
        return made;
    }

    // What is there is not to be used: somebody else makes the file.
    void forget() noexcept
    {
        words_->ahead_number = words_->ahead_bytes = words_->ahead_failed = 0;
        mine_ = 0;
        file_ = {};
    }

    // After another boot: what was prepared then is removed.
    static result<void> clean(FileSystem& fs)
    {
        const auto names = fs.list();
        if (!names) return fail(names.error());
        for (const auto& name : *names)
            if (segment_number(name, ".new") != 0)
                if (auto gone = fs.remove(name); !gone) return gone;
        return {};
    }

private:
    // NUMBER.new, with what the words say of it; or a new one.
    result<void> open(FileSystem& fs, std::uint64_t number)
    {
        const std::string name = segment_name(number, ".new");
        const bool known = words_->ahead_number.load() == number;
        if (known && mine_ == words_->ahead_id.load()) return {};
        if (!known) {
            words_->ahead_number = words_->ahead_bytes = words_->ahead_failed = 0;
            if (auto gone = fs.remove(name); !gone && gone.error().code != errc::not_found) return gone;
        }
        auto file = known ? fs.open(name) : fs.create(name);
        if (!file) return fail(file.error());
        file_ = std::move(*file);
        if (!known) {
            words_->ahead_id.fetch_add(1);
            words_->ahead_number = number;
        }
        mine_ = words_->ahead_id.load();
        return {};
    }

    // Zeros up to `end`, which the disk begins to write at once.
    result<void> fill(FileSystem& fs, std::uint64_t end)
    {
        const auto begin = words_->ahead_bytes.load();
        if (begin >= end) return {};
        if (auto done = fs.fill_zeros(file_, begin, end - begin); !done) return done;
        if constexpr (requires { fs.write_soon(file_, begin, end - begin); }) fs.write_soon(file_, begin, end - begin);
        words_->ahead_bytes = end;
        return {};
    }

    void give_up(FileSystem& fs, std::uint64_t number)
    {
        forget();
        static_cast<void>(fs.remove(segment_name(number, ".new")));
    }

    log_words* words_;
    typename FileSystem::file file_{};
    std::uint64_t mine_ = 0;  // ahead_id of the file that is open
};

}  // namespace queuectl::inline v0::journal::detail

#endif
