// The records of what people and programs change: `change`, `remove`, `config`, `unconfig`, `queues`, `header`.
// Their bytes: journal/records.hpp.
#ifndef QUEUECTL_JOURNAL_RECORDS_STORE_HPP
#define QUEUECTL_JOURNAL_RECORDS_STORE_HPP

#include <queuectl/facets.hpp>
#include <queuectl/journal/records_lease.hpp>

namespace queuectl::inline v0::journal {

// What was done to a job from outside. The numbers are stored.
enum class change_kind : std::uint8_t {
    revived = 1,           // pending again, attempts and crashes 0
    cancelled = 2,         // while it waited
    cancel_requested = 3,  // of its holder
    reprioritised = 4,
    replaced = 5,  // by a later job of the same unique_key
};

struct change_record {
    std::uint64_t sequence = 0;
    change_kind kind = change_kind::revived;
    queuectl::state state = queuectl::state::pending;
    timestamp now{};
    timestamp run_at{};
    std::int8_t priority = 0;
};

// The state of a store: see store_info.
struct header_record {
    timestamp created_at{};
    std::uint8_t state = 0;     // of store_state
    std::string_view moved_to;  // the URL
};

struct unconfig_record {
    std::string_view key;
    std::uint64_t version = 0;  // of the erasure: above every earlier one of the store
};

inline void append_change(std::string& out, const change_record& c)
{
    detail::record_writer w{out, record_type::change, 8 + 8 + 3 + varint_bytes_max};
    w.fixed(c.sequence);
    w.time(c.now);
    w.byte(static_cast<unsigned>(c.kind));
    w.byte(static_cast<unsigned>(c.state));
    w.byte(static_cast<std::uint8_t>(c.priority));
    w.difference(c.run_at, c.now);
    w.finish();
}
[[nodiscard]] inline result<change_record> read_change(std::string_view content)
{
    wire_reader r{content};
    change_record c;
    c.sequence = r.fixed<std::uint64_t>();
    c.now = r.time();
    c.kind = r.choice(change_kind::replaced);
    c.state = r.choice(state::cancelled);
    c.priority = static_cast<std::int8_t>(r.byte());
    c.run_at = r.difference(c.now);
    if (!r.done() || c.kind == change_kind{}) return detail::bad_record("it is no change of a job");
    return c;
}

inline void append_remove(std::string& out, std::span<const std::uint64_t> sequences)
{
    detail::record_writer w{out, record_type::remove, detail::sequences_bytes_max(sequences.size())};
    detail::write_sequences(w, sequences);
    w.finish();
}
// Replaces `sequences`.
[[nodiscard]] inline result<void> read_remove(std::string_view content, std::vector<std::uint64_t>& sequences)
{
    wire_reader r{content};
    detail::read_sequences(r, sequences);
    if (!r.done()) return detail::bad_record("it is no removal");
    return {};
}

inline void append_config(std::string& out, const config_entry& entry)
{
    detail::record_writer w{out, record_type::config, 16 + text_bytes_max(entry.key) + text_bytes_max(entry.value)};
    w.fixed(entry.version);
    w.time(entry.expires_at);
    w.text(entry.key);
    w.text(entry.value);
    w.finish();
}
[[nodiscard]] inline result<config_entry> read_config(std::string_view content)
{
    wire_reader r{content};
    config_entry entry;
    entry.version = r.fixed<std::uint64_t>();
    entry.expires_at = r.time();
    entry.key = r.text();
    entry.value = r.text();
    if (!r.done()) return detail::bad_record("it is no setting");
    return entry;
}

inline void append_unconfig(std::string& out, std::string_view key, std::uint64_t version)
{
    detail::record_writer w{out, record_type::unconfig, 8 + text_bytes_max(key)};
    w.fixed(version);
    w.text(key);
    w.finish();
}
[[nodiscard]] inline result<unconfig_record> read_unconfig(std::string_view content)
{
    wire_reader r{content};
    unconfig_record erased;
    erased.version = r.fixed<std::uint64_t>();
    erased.key = r.text();
    if (!r.done()) return detail::bad_record("it is no erased setting");
    return erased;
}

inline void append_queues(std::string& out, std::span<const std::string_view> names)
{
    std::size_t bytes_max = 0;
    for (const auto name : names) bytes_max += text_bytes_max(name);
    detail::record_writer w{out, record_type::queues, bytes_max};
    for (const auto name : names) w.text(name);
    w.finish();
}
// Replaces `names`, which point into the content.
[[nodiscard]] inline result<void> read_queues(std::string_view content, std::vector<std::string_view>& names)
{
    names.clear();
    wire_reader r{content};
    while (r.left() > 0) names.push_back(r.text());
    if (!r.done()) return detail::bad_record("it is no list of queues");
    return {};
}

inline void append_header(std::string& out, const header_record& h)
{
    detail::record_writer w{out, record_type::header, 8 + 1 + text_bytes_max(h.moved_to)};
    w.time(h.created_at);
    w.byte(h.state);
    w.text(h.moved_to);
    w.finish();
}
[[nodiscard]] inline result<header_record> read_header(std::string_view content)
{
    wire_reader r{content};
    header_record h;
    h.created_at = r.time();
    h.state = r.byte();
    h.moved_to = r.text();
    if (!r.done()) return detail::bad_record("it is no header of a store");
    return h;
}

}  // namespace queuectl::inline v0::journal

#endif
