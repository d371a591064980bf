// Trims: frames that say where the log begins, and the removal of what lies before.
#ifndef QUEUECTL_JOURNAL_TRIM_HPP
#define QUEUECTL_JOURNAL_TRIM_HPP

#include <queuectl/journal/log_words.hpp>
#include <queuectl/journal/segment.hpp>

namespace queuectl::inline v0::journal::detail {

// A trim frame's body: the first segment, then the user's bytes.
inline constexpr std::size_t trim_head_bytes = 8;

[[nodiscard]] inline std::string encode_trim(std::uint64_t first_segment, std::string_view user)
{
    std::string body(trim_head_bytes, '\0');
    store_le(body.data(), first_segment);
    return body.append(user);
}

// The first segment that a trim frame's body names; 0 when it is none.
[[nodiscard]] inline std::uint64_t trimmed_to(std::string_view body) noexcept
{
    return body.size() < trim_head_bytes ? 0 : load_le<std::uint64_t>(body.data());
}

// Under the lock: removes the oldest segment if it lies before the newest trim's first one and that trim is durable.
// Returns its number, for dropped(); 0 = there is nothing to do. Before that the next one is not removed.
template <class Guards, file_system FileSystem>
[[nodiscard]] result<std::uint64_t> drop_one(FileSystem& fs, const log_words& words)
{
    const auto end = words.trim_segment.load();
    if (Guards::sync_trim && words.synced.load() < words.trim_sequence.load()) return std::uint64_t{0};
    const auto lowest = words.lowest.load();
    if (lowest >= end) return std::uint64_t{0};
    const auto name = segment_name(Guards::oldest_first ? lowest : end - 1);
    auto held = fs.open(name);  // so that the removal itself takes no time
    if (auto gone = fs.remove(name); !gone && gone.error().code != errc::not_found) return fail(gone.error());
    if (held) let_go(fs, *held);
    return lowest;
}
// At any time after drop_one(): makes the removal durable.
template <class Guards, file_system FileSystem>
[[nodiscard]] result<void> dropped(FileSystem& fs, log_words& words, std::uint64_t number)
{
    if (auto done = fs.sync_directory(); !done) return done;
    if (Guards::oldest_first) words.lowest.compare_exchange_strong(number, number + 1);
    return {};
}

}  // namespace queuectl::inline v0::journal::detail

#endif
