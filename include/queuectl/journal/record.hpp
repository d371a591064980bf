// One record: its header, written and checked. What records carry: journal/records.hpp.
#ifndef QUEUECTL_JOURNAL_RECORD_HPP
#define QUEUECTL_JOURNAL_RECORD_HPP

#include <queuectl/journal/wire.hpp>
#include <queuectl/result.hpp>

#include <string>

namespace queuectl::inline v0::journal {

enum class record_type : std::uint8_t { job = 1, claim, extend, end, change, remove, config, unconfig, queues, header };
inline constexpr record_type last_record_type = record_type::header;

inline constexpr std::size_t record_header_bytes = 12;

// `content` points into what was read. A type beyond last_record_type is one to skip.
struct record_view {
    record_type type{};
    std::uint8_t flags = 0;
    std::string_view content;
    std::size_t bytes = 0;  // of the whole record, with its header
};

// The length of the whole record whose header lies at the begin of `at` (≥ record_header_bytes); not checked.
[[nodiscard]] inline std::size_t record_bytes(std::string_view at) noexcept
{
    QUEUECTL_ASSERT(at.size() >= record_header_bytes);
    return record_header_bytes + std::size_t{detail::load_le<std::uint32_t>(at.data() + 4)};
}

namespace detail {

[[nodiscard, gnu::noinline, gnu::cold]] inline failure_value bad_record(const char* why, errc code = errc::corrupt)
{
    return fail(code, "read a record", why);
}

// Appends a record to `out`, whose content is what is written to it until finish(), at most `content_bytes_max`.
class record_writer : public wire_writer {
public:
    record_writer(std::string& out, record_type type, std::size_t content_bytes_max)
        : wire_writer{nullptr}, out_{&out}, begin_{out.size()}
    {
        out.resize(begin_ + record_header_bytes + content_bytes_max);
        static_cast<wire_writer&>(*this) = wire_writer{out.data() + begin_ + record_header_bytes};
        char* const head = out.data() + begin_;
        head[8] = static_cast<char>(type);
    }
    void finish()
    {
        char* const head = out_->data() + begin_;
        const auto bytes = static_cast<std::size_t>(position() - head);
        QUEUECTL_ASSERT(begin_ + bytes <= out_->size());
        QUEUECTL_ASSERT(bytes - record_header_bytes <= body_bytes_max);
        store_le(head + 4, static_cast<std::uint32_t>(bytes - record_header_bytes));
        store_le(head, crc32c({head + 4, bytes - 4}));
        out_->resize(begin_ + bytes);
    }

private:
    std::string* out_;
    std::size_t begin_;
};

}  // namespace detail

// Reads the record at the begin of `at`. errc::corrupt when it is cut off or its CRC is wrong; errc::wrong_version
// when it is of an unknown type that must not be skipped. O(its bytes).
[[nodiscard]] inline result<record_view> read_record(std::string_view at)
{
    if (at.size() < record_header_bytes) return detail::bad_record("its header is cut off");
    const std::size_t bytes = record_bytes(at);
    if (bytes > at.size()) return detail::bad_record("it is cut off");
    if (crc32c({at.data() + 4, bytes - 4}) != detail::load_le<std::uint32_t>(at.data()))
        return detail::bad_record("its checksum is wrong");
    const auto type = static_cast<record_type>(at[8]);
    const auto flags = static_cast<std::uint8_t>(at[9]);
    const bool known = type != record_type{} && type <= last_record_type;
    if (!known && (flags & flag_skippable) == 0)
        return detail::bad_record("its type is newer than this program", errc::wrong_version);
    return record_view{type, flags, at.substr(record_header_bytes, bytes - record_header_bytes), bytes};
}

}  // namespace queuectl::inline v0::journal

#endif
