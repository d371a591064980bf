// Jobs and tokens as rows.
#ifndef QUEUECTL_SQLITE_ROW_HPP
#define QUEUECTL_SQLITE_ROW_HPP

#include <queuectl/job.hpp>
#include <queuectl/sqlite/statement.hpp>

#include <array>

namespace queuectl::inline v0::detail::sqlite {

// Big-endian bytes, so that hex() in SQL shows them as to_hex() does.
template <std::size_t Bytes>
struct packed {
    std::array<char, Bytes> bytes{};
    void put(std::size_t at, std::uint64_t value, std::size_t count)
    {
        for (std::size_t i = 0; i < count; ++i) bytes[at + i] = static_cast<char>(value >> (8 * (count - 1 - i)) & 255);
    }
    [[nodiscard]] std::string_view view() const { return {bytes.data(), Bytes}; }
};

[[nodiscard]] inline packed<16> pack(const uid& u)
{
    packed<16> out;
    out.put(0, u.high, 8);
    out.put(8, u.low, 8);
    return out;
}
[[nodiscard]] inline packed<20> pack(const lease_token& token)
{
    packed<20> out;
    out.put(0, token.nonce.high, 8);
    out.put(8, token.nonce.low, 8);
    out.put(16, token.ordinal, 4);
    return out;
}
// NULL for none.
template <std::size_t Bytes, class T>
[[nodiscard]] blob or_null(const packed<Bytes>& bytes, const T& value)
{
    return value ? blob{bytes.view()} : blob{};
}

[[nodiscard]] inline std::uint64_t unpack(std::string_view bytes, std::size_t at, std::size_t count)
{
    std::uint64_t value = 0;
    if (bytes.size() < at + count) return 0;
    for (std::size_t i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
}
[[nodiscard]] inline uid unpack_uid(std::string_view b) { return {unpack(b, 0, 8), unpack(b, 8, 8)}; }
[[nodiscard]] inline lease_token unpack_token(std::string_view b)
{
    return {unpack_uid(b), static_cast<std::uint32_t>(unpack(b, 16, 4))};
}

// Of 32 hexadecimal digits, as to_hex() gives them.
[[nodiscard]] inline uid uid_from_hex(std::string_view digits)
{
    uid out;
    for (std::size_t i = 0; i < digits.size() && i < 32; ++i) {
        const char c = digits[i];
        const auto digit = static_cast<std::uint64_t>(c >= 'a' ? c - 'a' + 10 : c - '0');
        auto& half = i < 16 ? out.high : out.low;
        half = half << 4 | (digit & 15);
    }
    return out;
}

[[nodiscard]] inline std::string join_lines(const std::vector<std::string>& words)
{
    std::string out;
    for (const auto& word : words) (out += word) += '\n';
    return out;
}
[[nodiscard]] inline std::vector<std::string> split_lines(std::string_view text)
{
    std::vector<std::string> out;
    for (std::size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1))
        out.emplace_back(text.substr(0, end));
    return out;
}

// Readers of sql::jobs_taken and sql::find, …: the first columns are a job's, and three of its record.
inline constexpr int column_state = 20;
inline constexpr int column_runs = 24;
inline constexpr int column_rest = 25;

[[nodiscard]] inline job read_job(const statement& row)
{
    job j;
    j.id = row.bytes(1);
    j.queue = row.bytes(2);
    j.kind = row.bytes(3);
    j.priority = static_cast<std::int8_t>(row.int32(4));
    j.run_at = row.time(5);
    j.hold = static_cast<std::uint32_t>(row.integer(6));
    j.max_retries = row.int32(7);
    j.timeout = duration{row.integer(8)};
    j.retention = duration{row.integer(9)};
    j.backoff_base = row.real(10);
    j.nonce = unpack_uid(row.bytes(11));
    j.tag = row.bytes(12);
    j.key = row.bytes(13);
    j.unique_key = row.bytes(14);
    j.batch = row.bytes(15);
    j.depends_on = split_lines(row.bytes(16));
    j.cwd = row.bytes(17);
    j.env = row.bytes(18);
    j.payload = row.bytes(19);
    return j;
}

[[nodiscard]] inline job_record read_record(const statement& row)
{
    job_record r;
    r.job = read_job(row);
    r.sequence = static_cast<std::uint64_t>(row.integer(0));
    r.state = static_cast<queuectl::state>(row.int32(column_state));
    r.attempts = row.int32(column_state + 1);
    r.crashes = row.int32(column_state + 2);
    r.error = row.bytes(column_state + 3);
    int at = column_rest;
    r.created_at = row.time(at++);
    r.updated_at = row.time(at++);
    r.cancel_requested = row.int32(at++) != 0;
    r.exit_code = row.int32(at++);
    r.signal = row.int32(at++);
    r.settled_token = unpack_token(row.bytes(at++));
    r.result = row.bytes(at++);
    r.progress = row.bytes(at++);
    r.token = unpack_token(row.bytes(at++));
    r.locked_by = row.bytes(at++);
    r.locked_at = row.time(at++);
    r.lease_until = row.time(at);
    return r;
}

}  // namespace queuectl::inline v0::detail::sqlite

#endif
