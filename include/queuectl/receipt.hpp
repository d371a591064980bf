// The right to settle: a receipt is a job's id and the token of one lease on it.
#ifndef QUEUECTL_RECEIPT_HPP
#define QUEUECTL_RECEIPT_HPP

#include <queuectl/uid.hpp>

#include <compare>
#include <cstdint>
#include <string>

namespace queuectl::inline v0 {

// Fences a lease: the claim's nonce and the job's place in that claim. All zero = none. A token that is no
// longer a job's current one is refused everywhere, whatever the clock says.
struct lease_token {
    uid nonce{};
    std::uint32_t ordinal = 0;

    [[nodiscard]] explicit constexpr operator bool() const noexcept { return static_cast<bool>(nonce); }
    friend constexpr auto operator<=>(const lease_token&, const lease_token&) = default;
};

struct receipt {
    std::string id;
    lease_token token{};
    friend auto operator<=>(const receipt&, const receipt&) = default;
};

}  // namespace queuectl::inline v0

#endif
