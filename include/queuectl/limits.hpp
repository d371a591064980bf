// The limits of every field, in one place. All storages share them; the queue checks them before a storage
// is called, and a storage may rely on that.
#ifndef QUEUECTL_LIMITS_HPP
#define QUEUECTL_LIMITS_HPP

#include <queuectl/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace queuectl::inline v0::limits {

inline constexpr std::size_t id_bytes = 128;
inline constexpr std::size_t name_bytes = 64;  // queue, kind, tag
inline constexpr std::size_t key_bytes = 255;  // unique_key, key
inline constexpr std::size_t payload_bytes = 16u << 20;
inline constexpr std::size_t environment_bytes = 1u << 20;  // cwd and env together
inline constexpr std::size_t result_bytes = 64u << 10;
inline constexpr std::size_t config_value_bytes = 64u << 10;
inline constexpr std::size_t error_bytes = 4u << 10;
inline constexpr std::size_t inline_output_bytes = 4u << 10;  // more goes beside the store
inline constexpr std::size_t dependencies = 10'000;
inline constexpr int priority_min = -128;
inline constexpr int priority_max = 127;
inline constexpr std::int32_t retries_max = 1'000'000;
inline constexpr double backoff_base_max = 1'000'000.0;
// No call touches more records than this beyond its arguments.
inline constexpr std::size_t sweep = 1'000;
// The newest runs of a job that are kept; older attempt records are forgotten.
inline constexpr std::size_t attempts_kept = 20;
// A claim returns at most this many expired leases to waiting.
inline constexpr std::size_t reap = 256;

// [A-Za-z0-9][A-Za-z0-9._:-]*, 1…bytes_max bytes: ids, queues, kinds and tags.
[[nodiscard]] constexpr bool is_name(std::string_view text, std::size_t bytes_max) noexcept
{
    const auto alnum = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    if (text.empty() || text.size() > bytes_max || !alnum(text.front())) return false;
    for (const char c : text)
        if (!alnum(c) && c != '.' && c != '_' && c != ':' && c != '-') return false;
    return true;
}

}  // namespace queuectl::inline v0::limits

#endif
