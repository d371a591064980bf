// What this process knows of the leases it claimed, so that a settle need not look them up.
#ifndef QUEUECTL_SQLITE_LEASE_HINTS_HPP
#define QUEUECTL_SQLITE_LEASE_HINTS_HPP

#include <queuectl/receipt.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace queuectl::inline v0::detail::sqlite {

// Columns that do not change while a token is current.
struct lease_hint {
    std::int64_t sequence = 0;
    std::int64_t runs = 0;
    std::int32_t attempts = 0;
    std::int32_t crashes = 0;
    bool forgotten_when_completed = false;
    std::string queue;
    std::string id;
};

// The leases of the newest claims, at most 4096 in all: bounded memory, and a hint that is missing costs one look-up. A
// hint does not tell whether its lease is still current: whoever uses it compares the token. Under the store's lock.
class lease_hints {
public:
    void start(const uid& nonce, std::string_view worker)
    {
        while (!claims_.empty() && (kept_ > most || claims_.size() == claims_most)) {
            kept_ -= claims_.front().leases.size();
            claims_.pop_front();
        }
        claims_.push_back({nonce, std::string{worker}, {}});
    }
    void add(lease_hint hint)
    {
        claims_.back().leases.push_back(std::move(hint));
        ++kept_;
    }

    // Null when nothing is known. `worker` is the lease's holder.
    [[nodiscard]] const lease_hint* find(const lease_token& token, std::string_view& worker) const
    {
        const auto claim =
            std::find_if(claims_.rbegin(), claims_.rend(), [&](const auto& c) { return c.nonce == token.nonce; });
        if (claim == claims_.rend() || token.ordinal >= claim->leases.size()) return nullptr;
        worker = claim->worker;
        return &claim->leases[token.ordinal];
    }

private:
    static constexpr std::size_t most = 3096;  // and one claim of 1000
    static constexpr std::size_t claims_most = 64;
    struct claimed {
        uid nonce;
        std::string worker;
        std::vector<lease_hint> leases;  // by ordinal
    };
    std::deque<claimed> claims_;
    std::size_t kept_ = 0;
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
