// Which changes a store takes in which state.
#ifndef QUEUECTL_DETAIL_STORE_GATE_HPP
#define QUEUECTL_DETAIL_STORE_GATE_HPP

#include <queuectl/facets.hpp>

#include <string>
#include <string_view>

namespace queuectl::inline v0::detail {

// What a call is for.
enum class change_of : std::uint8_t {
    jobs,       // anything that begins or changes what waits or has ended
    runs,       // the end of what runs, and settings: also while the store is moving
    the_state,  // set_state
};

// Whether a store in that state takes the change; the error says why not, and where the store is. A state that is not
// known is as read_only.
[[nodiscard]] inline result<void> admit(store_state state, std::string_view moved_to, change_of what,
                                        std::string_view verb)
{
    if (what == change_of::the_state || state == store_state::open) return {};
    if (state == store_state::moved) return fail(errc::moved, std::string{verb}, std::string{moved_to});
    if (state != store_state::moving) return fail(errc::read_only, std::string{verb}, "the store is read-only");
    if (what == change_of::runs) return {};
    return fail(errc::busy, std::string{verb}, "the store is moving to " + std::string{moved_to});
}

}  // namespace queuectl::inline v0::detail

#endif
