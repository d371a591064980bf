// All that a store tells, in one number.
#ifndef QUEUECTL_TESTS_JOURNAL_STORE_STORE_DIGEST_HPP
#define QUEUECTL_TESTS_JOURNAL_STORE_STORE_DIGEST_HPP

#include <queuectl/facets.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <vector>

namespace queuectl::journal_testing {

// FNV-1a over 64-bit words.
class digest {
public:
    digest& operator<<(std::uint64_t n) noexcept
    {
        value_ = (value_ ^ n) * 0x9fb21c651e98df25U;
        value_ ^= value_ >> 32;
        return *this;
    }
    digest& operator<<(std::string_view text) noexcept
    {
        for (std::size_t at = 0; at < text.size(); at += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, text.data() + at, std::min<std::size_t>(8, text.size() - at));
            *this << word;
        }
        return *this << text.size();
    }
    digest& operator<<(const uid& u) noexcept { return *this << u.high << u.low; }
    digest& operator<<(const lease_token& t) noexcept { return *this << t.nonce << t.ordinal; }
    digest& operator<<(timestamp t) noexcept
    {
        return *this << static_cast<std::uint64_t>(t.time_since_epoch().count());
    }
    template <class Number>
    requires std::integral<Number> || std::is_enum_v<Number> digest& operator<<(Number n) noexcept
    {
        return *this << static_cast<std::uint64_t>(n);
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

private:
    std::uint64_t value_ = 0xcbf29ce484222325U;
};

inline digest& operator<<(digest& d, const job_record& r)
{
    d << r.job.id << r.job.queue << r.job.kind << r.job.payload << r.job.run_at << r.job.priority << r.job.nonce;
    d << r.state << r.attempts << r.crashes << r.created_at << r.updated_at << r.sequence << r.token << r.settled_token;
    d << r.locked_by << r.exit_code << r.signal << r.error << r.result;
    return r.state == state::processing ? d << r.locked_at << r.lease_until << r.cancel_requested : d;
}

// All that a store tells of its jobs and settings. errc::corrupt when its counts are not those of its jobs.
template <class Store>
[[nodiscard]] result<std::uint64_t> digest_of(Store& store)
{
    digest d;
    std::vector<job_record> records;
    for (page_request page;;) {
        auto next = store.list({}, page, records);
        if (!next) return fail(next.error());
        if (*next == 0) break;
        page.after = *next;
    }
    std::array<std::uint64_t, state_count> states{};
    std::vector<attempt> runs;
    for (const auto& r : records) {
        d << r;
        ++states[static_cast<std::size_t>(r.state)];
        if (auto done = store.attempts(r.job.id, runs); !done) return fail(done.error());
    }
    for (const auto& run : runs)
        d << run.number << run.status << run.exit_code << run.ended_at << run.error << run.worker << run.output_bytes;
    std::vector<queue_counts> queues;
    if (auto done = store.counts(queues); !done) return fail(done.error());
    std::uint64_t names = 0;  // in any order
    for (const auto& q : queues) names += (digest{} << q.queue).value();
    d << names;
    for (const auto& q : queues)
        for (std::size_t i = 0; i < state_count; ++i) states[i] -= q.by_state[i];
    for (const auto left : states)
        if (left != 0) return fail(errc::corrupt, "counts", "they are not those of a recount");
    std::vector<config_entry> entries;
    if (auto done = store.config_list("", entries, {}); !done) return fail(done.error());
    for (const auto& e : entries) d << e.key << e.value << e.version;
    return d.value();
}

}  // namespace queuectl::journal_testing

#endif
