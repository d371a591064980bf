// A small store in an index: all containers with the same members, under random operations.
#ifndef QUEUECTL_TESTS_JOURNAL_INDEX_WORLD_HPP
#define QUEUECTL_TESTS_JOURNAL_INDEX_WORLD_HPP

#include "index_checks.hpp"
#include "index_testing.hpp"

#include <queuectl/testing/seeded_random.hpp>

#include <map>
#include <optional>

namespace queuectl::journal_testing {

class index_world {
public:
    static constexpr std::size_t sets = 3;

    struct member {
        journal::table_entry entry;
        std::uint64_t sequence = 0;
        std::uint64_t id = 0;
        std::uint32_t set = 0;
        std::uint32_t changes = 0;
        journal::order_node node;
    };
    struct roots_type {
        std::uint64_t next_sequence = 0;
        std::uint64_t count = 0;    // of members, counted apart
        std::uint64_t changes = 0;  // the sum of the members', counted apart
        journal::table_roots table;
        journal::pages_roots pages;
        journal::order_set by_time[sets];
    };

    explicit index_world(journal::index_space& space)
        : space_{space}, table_{space, roots().table}, pages_{space, roots().pages}, order_{space}
    {
    }

    // One change of all that is to change with it.
    void step(seeded_random& random)
    {
        const std::uint64_t id = random.below(400);
        const journal::ref found = find(id);
        if (found == 0) return add(id, random);
        if (random.one_in(3)) return remove(found);
        if (random.one_in(3)) return replace(found);
        move(found, random);
    }

    [[nodiscard]] journal::ref find(std::uint64_t id) const
    {
        return table_.find(hash(id), [&](journal::ref at) { return at_(at).id == id; });
    }

    // "" or what does not fit together.
    [[nodiscard]] std::string wrong()
    {
        const table_check<offsetof(member, entry)> table{space_, roots().table};
        const pages_check pages{space_, roots().pages};
        std::string all = table.wrong() + pages.wrong();
        std::map<std::uint64_t, journal::ref> by_sequence(pages.members().begin(), pages.members().end());
        std::uint64_t ordered = 0;
        std::uint64_t changes = 0;
        for (std::uint32_t i = 0; i < sets; ++i) {
            const order_check<offsetof(member, node)> order{space_, roots().by_time[i]};
            all += order.wrong();
            ordered += order.members().size();
            for (const journal::ref at : order.members()) {
                const member& m = at_(at);
                changes += m.changes;
                if (m.set != i || find(m.id) != at || by_sequence[m.sequence] != at) all += " member";
            }
        }
        const std::uint64_t count = roots().count;
        if (ordered != count || table.members().size() != count || by_sequence.size() != count) all += " count";
        if (changes != roots().changes) all += " changes";
        if (space_.block_bytes() != count * rounded + pages.pages() * 1040) all += " block_bytes";
        return all;
    }

    // All bytes that mean something.
    [[nodiscard]] std::string image()
    {
        namespace detail = journal::detail;
        const char* const base = space_.memory().base(journal::index_range::blocks);
        const auto& header = *reinterpret_cast<const detail::space_header*>(base + detail::space_header_at);
        const std::size_t end = std::size_t{header.heap.end} * 16;
        std::string bytes(base + detail::space_header_at, end - detail::space_header_at);
        for (std::size_t units = 1; units < std::size(header.free); ++units)
            for (journal::ref at = header.free[units]; at != 0; at = *space_.get<journal::ref>(at))
                bytes.replace(std::size_t{at} * 16 - detail::space_header_at + 4, units * 16 - 4, units * 16 - 4, '-');
        bytes.append(space_.memory().base(journal::index_range::buckets), roots().table.bucket_count * 4);
        return bytes.append(space_.memory().base(journal::index_range::pages), roots().pages.count * 4);
    }

    [[nodiscard]] roots_type& roots() { return space_.roots<roots_type>(); }
    // id → sequence, set and changes of all members.
    [[nodiscard]] std::map<std::uint64_t, std::tuple<std::uint64_t, std::uint32_t, std::uint32_t>> members()
    {
        std::map<std::uint64_t, std::tuple<std::uint64_t, std::uint32_t, std::uint32_t>> all;
        for (const auto& set : roots().by_time)
            for (journal::ref at = order_.first(set); at != 0; at = order_.next(set, at))
                all[at_(at).id] = {at_(at).sequence, at_(at).set, at_(at).changes};
        return all;
    }

private:
    static constexpr std::size_t rounded = (sizeof(member) + 15) / 16 * 16;

    [[nodiscard]] member& at_(journal::ref at) const { return *space_.get<member>(at); }
    [[nodiscard]] std::uint32_t hash(std::uint64_t id) const
    {
        return journal::id_hash({reinterpret_cast<const char*>(&id), sizeof id}, space_.seed());
    }
    void change(journal::ref at)
    {
        ++space_.touch(at_(at).changes);
        ++space_.touch(roots().changes);
    }

    void add(std::uint64_t id, seeded_random& random)
    {
        const journal::ref at = space_.allocate(sizeof(member));
        std::memset(space_.get<char>(at), 0, sizeof(member));
        member& m = at_(at);
        m.id = id;
        m.sequence = ++space_.touch(roots().next_sequence);
        m.set = static_cast<std::uint32_t>(random.below(sets));
        m.node.time = static_cast<std::int64_t>(random.below(100));
        m.node.sequence = m.sequence;
        table_.add(at, hash(id));
        pages_.set(m.sequence, at);
        order_.put(roots().by_time[m.set], at);
        ++space_.touch(roots().count);
    }
    void remove(journal::ref at)
    {
        const member& m = at_(at);
        order_.take(roots().by_time[m.set], at);
        pages_.set(m.sequence, 0);
        table_.drop(at);
        space_.touch(roots().changes) -= m.changes;
        space_.touch(roots().count) -= 1;
        space_.release(at, sizeof(member));
    }
    void replace(journal::ref at)
    {
        const journal::ref with = space_.allocate(sizeof(member));
        order_.take(roots().by_time[at_(at).set], at);
        at_(with) = at_(at);
        order_.put(roots().by_time[at_(with).set], with);
        table_.replace(at, with);
        pages_.set(at_(with).sequence, with);
        space_.release(at, sizeof(member));
        change(with);
    }
    void move(journal::ref at, seeded_random& random)
    {
        member& m = at_(at);
        order_.take(roots().by_time[m.set], at);
        space_.touch(m).set = static_cast<std::uint32_t>(random.below(sets));
        m.node.time = static_cast<std::int64_t>(random.below(100));
        order_.put(roots().by_time[m.set], at);
        change(at);
    }

    journal::index_space& space_;
    journal::id_table<offsetof(member, entry)> table_;
    journal::sequence_pages pages_;
    journal::order<offsetof(member, node)> order_;
};

}  // namespace queuectl::journal_testing

#endif
