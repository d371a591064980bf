// Delta debugging: the short core of a long failing sequence.
#ifndef QUEUECTL_TESTING_SHRINK_HPP
#define QUEUECTL_TESTING_SHRINK_HPP

#include <queuectl/config.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace queuectl::inline v0 {

// A subsequence for which `fails` still holds, and from which no single element can be taken away (unless `tries` runs
// out first). Requires fails(all). Removes chunks of half the length, then a quarter, … then single elements.
template <class T, class Fails>
[[nodiscard]] std::vector<T> shrink(std::vector<T> all, Fails fails, std::size_t tries = 2000)
{
    for (std::size_t chunk = std::max<std::size_t>(all.size() / 2, 1);;) {
        bool removed = false;
        for (std::size_t at = 0; at < all.size() && tries > 0;) {
            const auto first = all.begin() + static_cast<std::ptrdiff_t>(at);
            const auto last = all.begin() + static_cast<std::ptrdiff_t>(std::min(at + chunk, all.size()));
            std::vector<T> rest(all.begin(), first);
            rest.insert(rest.end(), last, all.end());
            --tries;
            if (fails(rest)) {
                all = std::move(rest);
                removed = true;
            } else {
                at += chunk;
            }
        }
        if (tries == 0 || (chunk == 1 && !removed)) return all;
        if (!removed) chunk = std::max<std::size_t>(chunk / 2, 1);
    }
}

}  // namespace queuectl::inline v0

#endif
