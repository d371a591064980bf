// What this process knows of the leases it claimed, so that a settle need not look up their ids.
#ifndef QUEUECTL_LMDB_LEASE_HINTS_HPP
#define QUEUECTL_LMDB_LEASE_HINTS_HPP

#include <queuectl/receipt.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace queuectl::inline v0::detail::lmdb {

// Sequences of the newest claims' jobs, some thousands in all: bounded memory, and one that is missing costs a look-up.
// None tells whether its lease is still current, nor whether its claim was ever committed: whoever uses it compares the
// token with that of the job. Under the store's lock.
class lease_hints {
public:
    void start(const uid& nonce)
    {
        while (!claims_.empty() && (kept_ > most || claims_.size() == claims_most)) {
            kept_ -= claims_.front().leases.size();
            claims_.erase(claims_.begin());
        }
        claims_.push_back({nonce, {}});
    }
    void add(std::uint64_t sequence, std::string_view id)
    {
        claims_.back().leases.push_back({sequence, hash(id)});
        ++kept_;
    }

    // 0 when nothing is known.
    [[nodiscard]] std::uint64_t find(const lease_token& token, std::string_view id) const
    {
        const auto claim =
            std::find_if(claims_.rbegin(), claims_.rend(), [&](const auto& c) { return c.nonce == token.nonce; });
        if (claim == claims_.rend() || token.ordinal >= claim->leases.size()) return 0;
        const auto& known = claim->leases[token.ordinal];
        return known.id_hash == hash(id) ? known.sequence : 0;
    }

private:
    static constexpr std::size_t most = 3096;  // and one claim of 1000
    static constexpr std::size_t claims_most = 64;
    struct leased {
        std::uint64_t sequence;
        std::size_t id_hash;
    };
    struct claimed {
        uid nonce;
        std::vector<leased> leases;  // by ordinal
    };
    static std::size_t hash(std::string_view id) { return std::hash<std::string_view>{}(id); }

    std::vector<claimed> claims_;
    std::size_t kept_ = 0;
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
