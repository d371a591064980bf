// Names of queues and kinds, and their numbers, as far as a transaction, or a handle, has met them.
#ifndef QUEUECTL_LMDB_NAMES_HPP
#define QUEUECTL_LMDB_NAMES_HPP

#include <queuectl/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace queuectl::inline v0::detail::lmdb {

enum class name_kind : std::uint8_t { queue, kind };

// The newest few of them; the one asked for last is found first.
class name_memo {
public:
    [[nodiscard]] bool find(std::string_view name, std::uint32_t& number)
    {
        return find_if([&](const named& n) { return n.name == name; }) && (number = known_[last_].number, true);
    }
    [[nodiscard]] bool find(std::uint32_t number, std::string_view& name)
    {
        return find_if([&](const named& n) { return n.number == number; }) && (name = known_[last_].name, true);
    }
    void add(std::uint32_t number, std::string_view name)
    {
        if (known_.size() < most)
            last_ = known_.size(), known_.push_back({number, std::string{name}});
        else
            known_[last_ = next_++ % most] = {number, std::string{name}};
    }

private:
    static constexpr std::size_t most = 32;
    struct named {
        std::uint32_t number;
        std::string name;
    };

    template <class Same>
    bool find_if(Same same)
    {
        if (last_ < known_.size() && same(known_[last_])) return true;
        for (std::size_t i = 0; i < known_.size(); ++i)
            if (same(known_[i])) {
                last_ = i;
                return true;
            }
        return false;
    }

    std::vector<named> known_;
    std::size_t last_ = 0;
    std::size_t next_ = 0;
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
