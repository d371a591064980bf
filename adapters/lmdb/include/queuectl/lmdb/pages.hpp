// Checks the pages of an LMDB file, which LMDB itself trusts.
#ifndef QUEUECTL_LMDB_PAGES_HPP
#define QUEUECTL_LMDB_PAGES_HPP

#include <queuectl/lmdb/format.hpp>
#include <queuectl/process/owned_fd.hpp>
#include <queuectl/verify_report.hpp>

#include <lmdb.h>

#include <algorithm>

#include <sys/stat.h>

namespace queuectl::inline v0::detail::lmdb {

// The layout of LMDB 0.9's files, data version 1, on a 64-bit machine.
struct page_head {
    std::uint64_t number;
    std::uint16_t pad, flags, lower, upper;  // overflow pages: lower and upper are one u32, how many they are
};
struct node_head {
    std::uint16_t low, high, flags, key_bytes;
};
struct tree_row {
    std::uint32_t pad;
    std::uint16_t flags, depth;
    std::uint64_t branch_pages, leaf_pages, overflow_pages, entries, root;
};
struct meta_row {
    std::uint32_t magic, version;
    std::uint64_t address, map_bytes;
    tree_row free, main;
    std::uint64_t last_page, transaction;
};
static_assert(sizeof(page_head) == 16 && sizeof(node_head) == 8 && sizeof(tree_row) == 48 && sizeof(meta_row) == 136);

// Walks every tree of one state of the file, by reading it, and sees that each page is what its parent takes it for.
class page_check {
public:
    // All pages; or the main database and, of each other tree, the root alone.
    enum class how : bool { whole, roots };

    page_check(int fd, std::string path, verify_report& report, how h = how::whole)
        : fd_{fd}, path_{std::move(path)}, report_{report}, whole_{h == how::whole}
    {
    }

    // Of the state that a read transaction of that number holds fast; false when the file has moved on too far to find
    // its root.
    [[nodiscard]] bool run(std::uint64_t transaction)
    {
        meta_row meta{};
        bool found = false;
        for (const std::uint64_t at : {0u, 1u}) {
            meta_row one{};
            // Both lie in the first page or two: the size of a page is told in them.
            if (!read_meta(at, one)) continue;
            if (one.transaction == transaction) meta = one, found = true;
        }
        if (!found) return false;
        struct stat what {};
        if (::fstat(fd_, &what) == 0) report_.bytes += static_cast<std::uint64_t>(what.st_size);
        last_page_ = meta.last_page;
        if (whole_) seen_.assign(meta.last_page + 1, false);
        walk("the free list", meta.free);
        walk(main_tree, meta.main);
        return true;
    }

private:
    enum page_flag : unsigned { branch = 1, leaf = 2, overflow = 4, leaf2 = 0x20 };
    enum node_flag : unsigned { big = 1, sub = 2 };
    static constexpr std::uint64_t none = ~std::uint64_t{0};
    static constexpr unsigned depth_max = 32;
    static constexpr char main_tree[] = "the main database";

    bool read_meta(std::uint64_t at, meta_row& out)
    {
        for (std::size_t bytes = 4096; bytes <= 65536; bytes *= 2) {
            std::string page(bytes, '\0');
            page_bytes_ = bytes;
            if (!read(at, page) || !read_row(std::string_view{page}.substr(sizeof(page_head)), out)) continue;
            if (out.magic == 0xBEEFC0DE && out.free.pad == bytes) return true;
        }
        return false;
    }
    bool read(std::uint64_t number, std::string& page) const
    {
        const auto n = ::pread(fd_, page.data(), page.size(), static_cast<off_t>(number * page_bytes_));
        return n == static_cast<ssize_t>(page.size());
    }
    bool damage(std::uint64_t number, const char* what)
    {
        report_.add(finding_kind::damage, path_ + ": page " + std::to_string(number) + " of " + tree_ + ' ' + what);
        return false;
    }

    void walk(std::string tree, const tree_row& row)
    {
        const auto outer = std::exchange(tree_, std::move(tree));
        tree_row counted{};
        if (row.root != none && descend(row.root, 1, row, counted)) {
            const bool same = counted.branch_pages == row.branch_pages && counted.leaf_pages == row.leaf_pages &&
                              counted.overflow_pages == row.overflow_pages && counted.entries == row.entries;
            if (whole_ && !same && (row.flags & MDB_DUPSORT) == 0)
                damage(row.root, "has not the pages and rows that its root says");
        }
        tree_ = outer;
    }

    // False when the tree cannot be followed.
    bool descend(std::uint64_t number, unsigned depth, const tree_row& row, tree_row& counted)
    {
        std::string page(page_bytes_, '\0');
        page_head head{};
        if (!take_page(number, 1)) return false;
        if (!read(number, page)) return damage(number, "cannot be read");
        static_cast<void>(read_row(page, head));
        if (head.number != number) return damage(number, "has another number in it");
        const bool is_leaf = (head.flags & leaf) != 0;
        if (is_leaf == ((head.flags & branch) != 0) || (head.flags & overflow) != 0)
            return damage(number, "is neither a branch nor a leaf");
        if (is_leaf != (depth == row.depth)) return damage(number, "is not as deep as its tree");
        ++(is_leaf ? counted.leaf_pages : counted.branch_pages);
        if ((head.flags & leaf2) != 0) return true;
        if (head.lower < sizeof head || head.lower > head.upper || head.upper > page_bytes_)
            return damage(number, "has bounds that are none");
        return each_node(number, page, head, depth, row, counted);
    }

    bool each_node(std::uint64_t number, std::string_view page, const page_head& head, unsigned depth,
                   const tree_row& row, tree_row& counted)
    {
        const bool is_leaf = (head.flags & leaf) != 0;
        const std::size_t nodes = (head.lower - sizeof head) / 2;
        if (nodes < (is_leaf ? 1u : 2u)) return damage(number, "has too few rows");
        std::string_view last;
        for (std::size_t i = 0; i < nodes; ++i) {
            std::uint16_t at = 0;
            node_head node{};
            static_cast<void>(read_row(page.substr(sizeof head + 2 * i), at));
            if (at < head.upper || !read_row(page.substr(std::min<std::size_t>(at, page.size())), node))
                return damage(number, "has a row outside of it");
            std::string_view rest = page.substr(at + sizeof node);
            std::string_view key;
            if (!take(rest, node.key_bytes, key)) return damage(number, "has a key outside of it");
            if (const bool keyed = is_leaf || i > 0; keyed && i > (is_leaf ? 0u : 1u) && !in_order(last, key, row))
                return damage(number, "has its keys out of order");
            last = key;
            const std::uint64_t low = node.low | std::uint64_t{node.high} << 16;
            if (!is_leaf) {
                if (!whole_ && tree_ != main_tree) continue;
                if (depth >= depth_max || !descend(low | std::uint64_t{node.flags} << 32, depth + 1, row, counted))
                    return false;
                continue;
            }
            ++counted.entries;
            if (!value(number, key, rest, low, node.flags, counted)) return false;
        }
        return true;
    }

    static bool in_order(std::string_view a, std::string_view b, const tree_row& row)
    {
        std::uint64_t x = 0;
        std::uint64_t y = 0;
        if ((row.flags & MDB_REVERSEKEY) != 0) return true;
        if ((row.flags & MDB_INTEGERKEY) == 0) return a < b;
        return a.size() != sizeof x || (read_row(a, x) && read_row(b, y) && x < y);
    }

    bool value(std::uint64_t number, std::string_view key, std::string_view rest, std::uint64_t bytes, unsigned flags,
               tree_row& counted)
    {
        if ((flags & big) != 0) {
            std::uint64_t at = 0;
            if (!whole_) return true;
            return read_row(rest, at) ? follow(at, bytes, counted) : damage(number, "has a value outside of it");
        }
        if (rest.size() < bytes) return damage(number, "has a value outside of it");
        tree_row inner{};
        if ((flags & sub) != 0 && read_row(rest, inner)) walk("database " + std::string{key}, inner);
        return true;
    }

    // A value with pages of its own.
    bool follow(std::uint64_t number, std::uint64_t bytes, tree_row& counted)
    {
        const std::uint64_t pages = (sizeof(page_head) + bytes + page_bytes_ - 1) / page_bytes_;
        if (!take_page(number, pages)) return false;
        std::string page(page_bytes_, '\0');
        page_head head{};
        if (!read(number + pages - 1, page) || !read(number, page)) return damage(number, "cannot be read");
        static_cast<void>(read_row(page, head));
        const std::uint64_t told = head.lower | std::uint64_t{head.upper} << 16;
        if (head.number != number || (head.flags & overflow) == 0 || told < pages)
            return damage(number, "is not the value that it should be");
        counted.overflow_pages += told;
        return true;
    }

    bool take_page(std::uint64_t number, std::uint64_t count)
    {
        if (number < 2 || number > last_page_ || count > last_page_ + 1 - number)
            return damage(number, "is not within the file");
        for (std::uint64_t i = number; whole_ && i < number + count; ++i) {
            if (seen_[i]) return damage(i, "is in use twice");
            seen_[i] = true;
        }
        return true;
    }

    int fd_;
    std::string path_;
    verify_report& report_;
    std::size_t page_bytes_ = 4096;
    bool whole_;
    std::uint64_t last_page_ = 0;
    std::string tree_;
    std::vector<bool> seen_;
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
