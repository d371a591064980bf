// How hard tests try.
#ifndef QUEUECTL_TESTING_EFFORT_HPP
#define QUEUECTL_TESTING_EFFORT_HPP

#include <queuectl/config.hpp>

#include <cstddef>
#include <cstdlib>
#include <string_view>

namespace queuectl::inline v0 {

// `normal`, or `soak` when the environment says QUEUECTL_SOAK=1.
[[nodiscard]] inline std::size_t effort(std::size_t normal, std::size_t soak)
{
    const char* asked = std::getenv("QUEUECTL_SOAK");
    return asked != nullptr && std::string_view{asked} == "1" ? soak : normal;
}

}  // namespace queuectl::inline v0

#endif
