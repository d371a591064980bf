// The jobs leased last, by token: a settlement mostly comes soon, and needs no search by id then.
#ifndef QUEUECTL_DETAIL_MEMORY_RECENT_HPP
#define QUEUECTL_DETAIL_MEMORY_RECENT_HPP

#include <queuectl/detail/memory_slot.hpp>

#include <array>

namespace queuectl::inline v0::detail {

// The last 1024 leases of some of the last claims. A hint only: what it names is current when the slot says so.
class memory_recent {
public:
    // A claim begins; its leases follow, by ordinal from 0.
    void begin(const uid& nonce) noexcept { claims_[index(nonce)] = {nonce, next_}; }
    void add(memory_slot& slot) noexcept { leases_[next_++ % leases_.size()] = &slot; }

    // The job that holds this token, or null when it was not found here.
    [[nodiscard]] QUEUECTL_MEMORY_INLINE memory_slot* find(const lease_token& token) const noexcept
    {
        const claim& c = claims_[index(token.nonce)];
        if (c.nonce != token.nonce) return nullptr;
        memory_slot* const slot = leases_[(c.first + token.ordinal) % leases_.size()];
        return slot && slot->state == state::processing && slot->token == token ? slot : nullptr;
    }

private:
    struct claim {
        uid nonce{};
        std::uint32_t first = 0;
    };
    [[nodiscard]] static std::size_t index(const uid& nonce) noexcept { return nonce.low % claim_count; }

    static constexpr std::size_t claim_count = 16;
    std::array<claim, claim_count> claims_{};
    std::array<memory_slot*, 1024> leases_{};
    std::uint32_t next_ = 0;
};

}  // namespace queuectl::inline v0::detail

#endif
