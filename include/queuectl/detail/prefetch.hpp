// Loading memory before it is needed.
#ifndef QUEUECTL_DETAIL_PREFETCH_HPP
#define QUEUECTL_DETAIL_PREFETCH_HPP

#include <cstddef>

namespace queuectl::inline v0::detail {

// Starts to load `bytes` bytes from `at` on; a hint, also where there is no memory.
inline void prefetch([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t bytes = 1) noexcept
{
#if defined(__GNUC__)
    constexpr std::size_t line = 64;
    for (std::size_t i = 0; i < bytes; i += line) __builtin_prefetch(static_cast<const char*>(at) + i);
#endif
}

}  // namespace queuectl::inline v0::detail

#endif
