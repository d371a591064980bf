// One file of the log: its name, its header, how it comes to be.
#ifndef QUEUECTL_JOURNAL_SEGMENT_HPP
#define QUEUECTL_JOURNAL_SEGMENT_HPP

#include <queuectl/journal/file_system.hpp>
#include <queuectl/journal/frame.hpp>
#include <queuectl/uid.hpp>

namespace queuectl::inline v0::journal {

struct segment_header {
    std::uint32_t version = format_version;
    std::uint32_t oldest_reader = min_reader;
    std::uint32_t oldest_writer = min_writer;
    uid store{};
    std::uint64_t number = 0;
    std::uint64_t file_id = 0;
    std::uint64_t first_sequence = 0;
    std::uint64_t bytes = 0;  // of the file
    // Where the frames of the segment before begin that are void: they stand here now, in the same order from
    // frames_begin on. 0 = none are.
    std::uint64_t replaces = 0;
};

// Sizes of segments. Others than these are for tests.
struct segment_sizes {
    std::uint64_t least = segment_bytes_min;
    std::uint64_t most = segment_bytes_max;

    // Of the segment behind one of `bytes`.
    [[nodiscard]] constexpr std::uint64_t next(std::uint64_t bytes) const noexcept
    {
        return bytes < most / 2 ? 2 * bytes : most;
    }
};

[[nodiscard]] inline std::string segment_name(std::uint64_t number, std::string_view suffix = ".log")
{
    std::string name(16, '0');
    for (std::size_t i = 16; i-- > 0; number >>= 4) name[i] = "0123456789abcdef"[number & 15];
    return name.append(suffix);
}

// The number in the name of a segment; 0 when it is not one.
[[nodiscard]] constexpr std::uint64_t segment_number(std::string_view name, std::string_view suffix = ".log") noexcept
{
    if (name.size() != 16 + suffix.size() || name.substr(16) != suffix) return 0;
    std::uint64_t number = 0;
    for (const char c : name.substr(0, 16)) {
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) return 0;
        number = number << 4 | static_cast<std::uint64_t>(digit);
    }
    return number;
}

namespace detail {

[[nodiscard]] inline std::uint32_t segment_header_crc(const char* at) noexcept
{
    return crc32c({at + 24, segment_header_bytes - 24}, crc32c({at, 20}));
}

}  // namespace detail

// The first frames_begin bytes of a segment.
[[nodiscard]] inline std::string encode(const segment_header& h)
{
    std::string bytes(frames_begin, '\0');
    char* const at = bytes.data();
    std::memcpy(at, segment_magic, 8);
    detail::store_le(at + 8, h.version);
    detail::store_le(at + 12, h.oldest_reader);
    detail::store_le(at + 16, h.oldest_writer);
    detail::store_le(at + 24, h.store.high);
    detail::store_le(at + 32, h.store.low);
    detail::store_le(at + 40, h.number);
    detail::store_le(at + 48, h.file_id);
    detail::store_le(at + 56, h.first_sequence);
    detail::store_le(at + 64, h.bytes);
    detail::store_le(at + 72, h.replaces);
    detail::store_le(at + 20, detail::segment_header_crc(at));
    return bytes;
}

// Reads the header at `at` (segment_header_bytes of them). Null when it is one; else what is wrong.
[[nodiscard]] inline const char* decode(const char* at, segment_header& h) noexcept
{
    if (std::memcmp(at, segment_magic, 8) != 0) return "it does not begin as a segment of a journal";
    if (detail::load_le<std::uint32_t>(at + 20) != detail::segment_header_crc(at)) return "its header is damaged";
    h.version = detail::load_le<std::uint32_t>(at + 8);
    h.oldest_reader = detail::load_le<std::uint32_t>(at + 12);
    h.oldest_writer = detail::load_le<std::uint32_t>(at + 16);
    h.store = {detail::load_le<std::uint64_t>(at + 24), detail::load_le<std::uint64_t>(at + 32)};
    h.number = detail::load_le<std::uint64_t>(at + 40);
    h.file_id = detail::load_le<std::uint64_t>(at + 48);
    h.first_sequence = detail::load_le<std::uint64_t>(at + 56);
    h.bytes = detail::load_le<std::uint64_t>(at + 64);
    h.replaces = detail::load_le<std::uint64_t>(at + 72);
    if (h.oldest_reader > format_version) return nullptr;
    if (h.file_id == 0 || h.first_sequence == 0 || h.bytes < frames_begin) return "its header is damaged";
    return nullptr;
}

// An open segment.
template <class FileSystem>
struct segment {
    segment_header header;
    typename FileSystem::file file;
};

// Opens segment `number`. errc::not_found; errc::corrupt when it is damaged, short or another's; errc::wrong_version
// when it is too new to be read.
template <file_system FileSystem>
[[nodiscard]] result<segment<FileSystem>> open_segment(FileSystem& fs, std::uint64_t number)
{
    const std::string name = segment_name(number);
    const auto corrupt = [&](const char* why) { return fail(errc::corrupt, "open " + name, why); };
    auto file = fs.open(name);
    if (!file) return fail(file.error());
    segment<FileSystem> s{{}, std::move(*file)};
    char bytes[segment_header_bytes];
    const auto got = fs.read(s.file, 0, bytes, sizeof bytes);
    if (!got) return fail(got.error());
    if (*got < sizeof bytes) return corrupt("it is cut off in its header");
    if (const char* why = decode(bytes, s.header)) return corrupt(why);
    if (s.header.oldest_reader > format_version)
        return fail(errc::wrong_version, "open " + name, "its format is newer than this program");
    if (s.header.number != number) return corrupt("it is another segment under this name");
    const auto size = fs.size(s.file);
    if (!size) return fail(size.error());
    if (*size < s.header.bytes) return corrupt("it is shorter than its header says: it was cut off");
    return s;
}

// Writes the segment of header `h` with `frames` at its begin as NUMBER.new, whole and synced; replaces a left-over
// one. An error leaves no trace but that.
template <class Guards = all_guards, file_system FileSystem>
[[nodiscard]] result<segment<FileSystem>> prepare_segment(FileSystem& fs, const segment_header& h,
                                                          std::string_view frames)
{
    const std::string name = segment_name(h.number, ".new");
    if (auto gone = fs.remove(name); !gone && gone.error().code != errc::not_found) return fail(gone.error());
    auto file = fs.create(name);
    if (!file) return fail(file.error());
    const auto written = [&]() -> result<void> {
        const std::string head = encode(h).append(frames);
        if (auto done = fs.write(*file, 0, head); !done) return done;
        if (auto done = fs.fill_zeros(*file, head.size(), h.bytes - head.size()); !done) return done;
        return Guards::sync_new_segment ? fs.sync(*file) : result<void>{};
    }();
    if (!written) {
        static_cast<void>(fs.remove(name));
        return fail(written.error());
    }
    return segment<FileSystem>{h, std::move(*file)};
}

// Gives a prepared segment its name, durably. After an error it may or may not have it, also after a power loss.
template <class Guards = all_guards, file_system FileSystem>
[[nodiscard]] result<void> publish_segment(FileSystem& fs, std::uint64_t number)
{
    if (auto done = fs.rename(segment_name(number, ".new"), segment_name(number)); !done) return done;
    return Guards::sync_directory ? fs.sync_directory() : result<void>{};
}

struct segment_bounds {
    std::uint64_t lowest = 0;  // 0 = there is none
    std::uint64_t newest = 0;
};

// The numbers of the segments in the folder.
template <file_system FileSystem>
[[nodiscard]] result<segment_bounds> find_segments(FileSystem& fs)
{
    const auto names = fs.list();
    if (!names) return fail(names.error());
    segment_bounds found;
    for (const auto& name : *names) {
        const auto number = segment_number(name);
        found.newest = std::max(found.newest, number);
        if (number != 0 && (found.lowest == 0 || number < found.lowest)) found.lowest = number;
    }
    return found;
}

}  // namespace queuectl::inline v0::journal

#endif
