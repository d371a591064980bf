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

// Under the lock: removes, the oldest first and each durably before the next, the segments before the newest trim's
// first one, if that trim is durable. A failure leaves a log that is whole; it may be called again.
template <class Guards, file_system FileSystem>
[[nodiscard]] result<void> drop_trimmed(FileSystem& fs, log_words& words)
{
    const auto end = words.trim_segment.load();
    if (Guards::sync_trim && words.synced.load() < words.trim_sequence.load()) return {};
    auto begin = words.lowest.load();
    while (begin < end) {
        const auto number = Guards::oldest_first ? begin : end - 1;
        if (auto gone = fs.remove(segment_name(number)); !gone && gone.error().code != errc::not_found) return gone;
        if (auto done = fs.sync_directory(); !done) return done;
        if (!Guards::oldest_first) return {};
        words.lowest = ++begin;
    }
    return {};
}

}  // namespace queuectl::inline v0::journal::detail

#endif
