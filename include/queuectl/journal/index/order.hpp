// Ordered sets of blocks: by time, then sequence.
#ifndef QUEUECTL_JOURNAL_INDEX_ORDER_HPP
#define QUEUECTL_JOURNAL_INDEX_ORDER_HPP

#include <queuectl/journal/index/space.hpp>

namespace queuectl::inline v0::journal {

// What a block keeps for the set it is in. Only time and sequence are the user's: set before put and, unless the block
// is newly allocated, touched before that.
struct order_node {
    std::int64_t time = 0;
    std::uint64_t sequence = 0;
    ref before = 0;           // the members below it in the tree that come before it
    ref after = 0;            // … and behind it
    ref above = 0;            // 0 = it is the root
    std::uint32_t place = 0;  // never lower than that of a member below it
};
static_assert(sizeof(order_node) == 32);

// The order of members.
[[nodiscard]] inline bool comes_before(const order_node& a, const order_node& b) noexcept
{
    return a.time != b.time ? a.time < b.time : a.sequence < b.sequence;
}

// A set, in a block or in the roots. All zero = empty.
struct order_set {
    ref first = 0;
    ref last = 0;
    ref root = 0;
    std::uint32_t size = 0;
};

// The operations of all sets whose members have their node at Offset: a treap, whose shape comes from hashes of the
// sequences with the space's secret seed, so that no order of keys is a bad one; entered at its ends where that is
// shorter. A block is in one set at a time for each Offset. What changes is touched.
template <std::size_t Offset>
class order {
public:
    // What reserve may count for a put or a take; rarely is more needed.
    static constexpr std::size_t undo_bytes = 512;

    explicit order(index_space& space) noexcept : space_{&space} {}

    // Requires a block in no set, with a sequence that no other member has. O(1) expected when it comes first or last,
    // else O(log n) expected.
    void put(order_set& set, ref block) noexcept
    {
        order_node& n = touched(block);
        n.place = place_of(n.sequence);
        n.before = n.after = n.above = 0;
        space_->touch(set);
        if (set.size++ == 0)
            set.root = set.first = set.last = block;
        else if (comes_before(node(set.last), n))
            put_at_end<&order_node::before, &order_node::after>(set, set.last, block);
        else if (comes_before(n, node(set.first)))
            put_at_end<&order_node::after, &order_node::before>(set, set.first, block);
        else
            put_between(set, block);
    }

    // Requires a member. What its node's links say afterwards means nothing. O(1) expected.
    void take(order_set& set, ref block) noexcept
    {
        const order_node& n = node(block);
        space_->touch(set);
        --set.size;
        if (set.first == block) set.first = neighbour<&order_node::before, &order_node::after>(block);
        if (set.last == block) set.last = neighbour<&order_node::after, &order_node::before>(block);
        ref owner = n.above;
        link side = owner != 0 && node(owner).before == block ? &order_node::before : &order_node::after;
        ref low = n.before;
        ref high = n.after;
        while (low != 0 && high != 0) {
            if (node(low).place >= node(high).place) {
                hang(set, owner, side, low);
                owner = low;
                side = &order_node::after;
                low = node(low).after;
            } else {
                hang(set, owner, side, high);
                owner = high;
                side = &order_node::before;
                high = node(high).before;
            }
        }
        hang(set, owner, side, low != 0 ? low : high);
    }

    // Takes the first `count` members, of which `last` is the last. O(log n) expected; their nodes are not touched.
    void take_first(order_set& set, ref last, std::uint32_t count) noexcept
    {
        space_->touch(set);
        set.size -= count;
        set.first = neighbour<&order_node::before, &order_node::after>(last);
        if (set.first == 0) set.last = 0;
        ref rest = node(last).after;
        for (ref at = last, above = node(last).above; above != 0; at = above, above = node(at).above) {
            if (node(above).before != at) continue;
            hang(set, above, &order_node::before, rest);
            rest = above;
        }
        hang(set, 0, &order_node::before, rest);
    }

    // 0 = the set is empty. O(1).
    [[nodiscard]] ref first(const order_set& set) const noexcept { return set.first; }

    // The member behind `block`, a member; 0 = it is the last. O(1) amortised over a walk.
    [[nodiscard]] ref next([[maybe_unused]] const order_set& set, ref block) const noexcept
    {
        return neighbour<&order_node::before, &order_node::after>(block);
    }

private:
    using link = ref order_node::*;

    [[nodiscard]] order_node& node(ref block) const noexcept
    {
        return *reinterpret_cast<order_node*>(space_->bytes_at(block, Offset + sizeof(order_node)) + Offset);
    }
    order_node& touched(ref block) const noexcept { return space_->touch(node(block)); }

    [[nodiscard]] std::uint32_t place_of(std::uint64_t sequence) const noexcept
    {
        std::uint64_t z = (sequence + space_->seed()) * 0x9e3779b97f4a7c15;
        z = (z ^ z >> 32) * 0xd6e8feb86659fd93;
        return static_cast<std::uint32_t>(z >> 32);
    }

    // The member next to `block` in the direction of Outer.
    template <link Inner, link Outer>
    [[nodiscard]] ref neighbour(ref block) const noexcept
    {
        ref at = node(block).*Outer;
        if (at != 0) {
            while (node(at).*Inner != 0) at = node(at).*Inner;
            return at;
        }
        at = node(block).above;
        while (at != 0 && node(at).*Outer == block) {
            block = at;
            at = node(at).above;
        }
        return at;
    }

    // Behind all others in the direction of Outer; `end` is the one that was outermost.
    template <link Inner, link Outer>
    void put_at_end(order_set& set, ref& end, ref block) noexcept
    {
        order_node& n = node(block);
        ref below = 0;
        ref above = end;
        while (above != 0 && node(above).place < n.place) {
            below = above;
            above = node(above).above;
        }
        end = block;
        n.*Inner = below;
        n.above = above;
        if (below != 0) touched(below).above = block;
        if (above != 0)
            touched(above).*Outer = block;
        else
            set.root = block;
    }

    // Down to where its place belongs; what is there is split in two, below it.
    void put_between(order_set& set, ref block) noexcept
    {
        const order_node& n = node(block);
        ref owner = 0;
        link side = &order_node::before;
        ref at = set.root;
        while (at != 0 && node(at).place >= n.place) {
            owner = at;
            side = comes_before(n, node(at)) ? &order_node::before : &order_node::after;
            at = node(at).*side;
        }
        hang(set, owner, side, block);
        ref low = block;
        ref high = block;
        link low_side = &order_node::before;
        link high_side = &order_node::after;
        while (at != 0) {
            if (comes_before(node(at), n)) {
                hang(set, low, low_side, at);
                low = at;
                low_side = &order_node::after;
            } else {
                hang(set, high, high_side, at);
                high = at;
                high_side = &order_node::before;
            }
            at = node(at).*(low == at ? low_side : high_side);
        }
        hang(set, low, low_side, 0);
        hang(set, high, high_side, 0);
    }

    // Makes `block` (or 0) what is below `owner` at that side; of owner 0, the root.
    void hang(order_set& set, ref owner, link side, ref block) noexcept
    {
        if (owner == 0)
            set.root = block;
        else if (node(owner).*side != block)
            touched(owner).*side = block;
        if (block != 0 && node(block).above != owner) touched(block).above = owner;
    }

    index_space* space_;
};

}  // namespace queuectl::inline v0::journal

#endif
