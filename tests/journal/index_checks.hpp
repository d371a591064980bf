// What is always true of the containers of an index, checked without their help. Each check returns "" or what is
// wrong.
#ifndef QUEUECTL_TESTS_JOURNAL_INDEX_CHECKS_HPP
#define QUEUECTL_TESTS_JOURNAL_INDEX_CHECKS_HPP

#include <queuectl/journal/index/order.hpp>

#include <string>
#include <tuple>
#include <vector>

namespace queuectl::journal_testing {

template <std::size_t Offset>
class order_check {
public:
    order_check(journal::index_space& space, const journal::order_set& set) : space_{space}, set_{set}
    {
        visit(set.root, 0, 1);
        if (members_.size() != set.size) say("size");
        if ((members_.empty() ? 0 : members_.front()) != set.first) say("first");
        if ((members_.empty() ? 0 : members_.back()) != set.last) say("last");
        for (std::size_t i = 1; i < members_.size(); ++i)
            if (key(members_[i - 1]) >= key(members_[i])) say("order");
    }
    [[nodiscard]] const std::string& wrong() const { return wrong_; }
    [[nodiscard]] const std::vector<journal::ref>& members() const { return members_; }
    [[nodiscard]] std::size_t depth() const { return depth_; }

private:
    [[nodiscard]] const journal::order_node& node(journal::ref block) const
    {
        return *reinterpret_cast<const journal::order_node*>(space_.get<char>(block) + Offset);
    }
    [[nodiscard]] std::tuple<std::int64_t, std::uint64_t> key(journal::ref block) const
    {
        return {node(block).time, node(block).sequence};
    }
    void say(const char* what) { wrong_ += std::string{" "} + what; }
    void visit(journal::ref block, journal::ref above, std::size_t depth)
    {
        if (block == 0 || !wrong_.empty()) return;
        if (depth > 1000 || members_.size() > set_.size) return say("shape");
        if (node(block).above != above) say("above");
        if (above != 0 && node(above).place < node(block).place) say("place");
        depth_ = std::max(depth_, depth);
        visit(node(block).before, block, depth + 1);
        members_.push_back(block);
        visit(node(block).after, block, depth + 1);
    }

    journal::index_space& space_;
    const journal::order_set& set_;
    std::vector<journal::ref> members_;
    std::string wrong_;
    std::size_t depth_ = 0;
};

}  // namespace queuectl::journal_testing

#endif
