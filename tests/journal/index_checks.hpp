// What is always true of the containers of an index, checked without their help. Each check returns "" or what is
// wrong.
#ifndef QUEUECTL_TESTS_JOURNAL_INDEX_CHECKS_HPP
#define QUEUECTL_TESTS_JOURNAL_INDEX_CHECKS_HPP

#include <queuectl/journal/index/order.hpp>
#include <queuectl/journal/index/pages.hpp>
#include <queuectl/journal/index/table.hpp>

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

template <std::size_t Offset>
class table_check {
public:
    table_check(journal::index_space& space, const journal::table_roots& roots)
    {
        const auto* const buckets =
            reinterpret_cast<const journal::ref*>(space.memory().base(journal::index_range::buckets));
        for (std::uint32_t i = 0; i < roots.bucket_count; ++i) {
            std::size_t length = 0;
            for (journal::ref at = buckets[i]; at != 0 && wrong_.empty(); ++length) {
                const auto& entry = *reinterpret_cast<const journal::table_entry*>(space.get<char>(at) + Offset);
                if (home(entry.hash, roots.bucket_count) != i) wrong_ += " home";
                if (members_.size() > roots.size) wrong_ += " shape";
                members_.push_back(at);
                at = entry.next;
            }
            longest_ = std::max(longest_, length);
        }
        if (members_.size() != roots.size) wrong_ += " size";
        if (roots.bucket_count != 0 && roots.size > roots.bucket_count) wrong_ += " load";
    }
    [[nodiscard]] const std::string& wrong() const { return wrong_; }
    [[nodiscard]] const std::vector<journal::ref>& members() const { return members_; }
    [[nodiscard]] std::size_t longest() const { return longest_; }

private:
    // The definition of linear hashing.
    [[nodiscard]] static std::uint32_t home(std::uint32_t hash, std::uint32_t count)
    {
        std::uint64_t whole = 1;
        while (whole * 2 <= count) whole *= 2;
        const auto at = static_cast<std::uint32_t>(hash % (whole * 2));
        return at < count ? at : static_cast<std::uint32_t>(hash % whole);
    }

    std::vector<journal::ref> members_;
    std::string wrong_;
    std::size_t longest_ = 0;
};

// All that is set, by sequence, through the directory alone.
class pages_check {
public:
    pages_check(journal::index_space& space, const journal::pages_roots& roots)
    {
        const auto* const directory =
            reinterpret_cast<const journal::ref*>(space.memory().base(journal::index_range::pages));
        if (roots.first > roots.count) wrong_ += " first";
        for (std::uint64_t number = 0; number < roots.count; ++number) {
            if (number < roots.first) continue;
            if (directory[number] == 0) continue;
            ++pages_;
            const auto* const words = space.get<std::uint32_t>(directory[number]);
            std::uint32_t set = 0;
            for (std::uint64_t i = 0; i < 256; ++i) {
                if (words[4 + i] == 0) continue;
                ++set;
                members_.emplace_back(number * 256 + i, words[4 + i]);
            }
            if (set != words[0] || set == 0) wrong_ += " set";
        }
    }
    [[nodiscard]] const std::string& wrong() const { return wrong_; }
    [[nodiscard]] const std::vector<std::pair<std::uint64_t, journal::ref>>& members() const { return members_; }
    [[nodiscard]] std::size_t pages() const { return pages_; }

private:
    std::vector<std::pair<std::uint64_t, journal::ref>> members_;
    std::string wrong_;
    std::size_t pages_ = 0;
};

}  // namespace queuectl::journal_testing

#endif
