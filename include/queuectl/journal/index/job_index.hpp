// What every job is now: an index over the log. See slots.hpp for what it keeps.
#ifndef QUEUECTL_JOURNAL_INDEX_JOB_INDEX_HPP
#define QUEUECTL_JOURNAL_INDEX_JOB_INDEX_HPP

#include <queuectl/journal/index/leases.hpp>
#include <queuectl/journal/records.hpp>

namespace queuectl::inline v0::journal {

// The moves of a job; the same for a verb and for a record that is told again. Whoever has the store's turn may use it,
// and nobody else. Requires: reserve() has promised the room for what is changed before the next commit.
class job_index {
public:
    explicit job_index(index_memory memory)
        : space_{std::move(memory)},
          lanes_{space_},
          leases_{space_},
          table_{space_, space_.roots<index_roots>().table},
          pages_{space_, space_.roots<index_roots>().pages}
    {
    }
    job_index(const job_index&) = delete;
    job_index& operator=(const job_index&) = delete;

    [[nodiscard]] index_space& space() noexcept { return space_; }
    // Whether what it says of its own size can be. O(1).
    [[nodiscard]] bool sound() const noexcept { return space_.sound() && table_.sound() && pages_.sound(); }
    [[nodiscard]] index_roots& roots() noexcept { return space_.roots<index_roots>(); }
    [[nodiscard]] lanes& all_lanes() noexcept { return lanes_; }
    [[nodiscard]] leases& all_leases() noexcept { return leases_; }
    [[nodiscard]] sequence_pages& pages() noexcept { return pages_; }

    // Room for adding `added` jobs and for changing `changed` ones. errc::store_full.
    [[nodiscard]] result<void> reserve(std::size_t added, std::size_t changed)
    {
        if (auto done = space_.reserve(8192 + added * bytes_an_addition + changed * bytes_a_change,
                                       4096 + (added + changed) * undo_a_change);
            !done)
            return done;
        if (added == 0) return {};
        if (auto done = table_.reserve(added); !done) return done;
        return pages_.reserve(roots().last_sequence + added, added);
    }

    // Room for adding one job under this sequence, which is that of so many changes.
    static constexpr std::size_t changes_of_an_addition = 4;
    [[nodiscard]] result<void> reserve_for(std::uint64_t sequence)
    {
        if (auto done = reserve(0, changes_of_an_addition); !done) return done;
        if (auto done = table_.reserve(1); !done) return done;
        return pages_.reserve(std::max(sequence, roots().last_sequence), 1);
    }

    // Looking. 0 = there is no such job.

    [[nodiscard]] static std::uint32_t hash(std::string_view id) noexcept { return id_hash(id, 0); }
    void prefetch(std::uint32_t hash) const noexcept { table_.prefetch(hash); }
    void prefetch_member(std::uint32_t hash) const noexcept { table_.prefetch_member(hash); }
    [[nodiscard]] ref find(std::string_view id, std::uint32_t hash) const noexcept
    {
        return table_.find(hash, [&](ref at) { return id_of(at) == id; });
    }
    [[nodiscard]] ref find(std::string_view id) const noexcept { return find(id, hash(id)); }
    [[nodiscard]] ref by_sequence(std::uint64_t sequence) const noexcept { return pages_.get(sequence); }

    [[nodiscard]] job_slot& head(ref at) const noexcept { return *space_.get<job_slot>(at); }
    [[nodiscard]] queuectl::state state_of(ref at) const noexcept { return head(at).state(); }
    [[nodiscard]] bool is_live(ref at) const noexcept { return !is_final(state_of(at)); }
    [[nodiscard]] live_slot& live(ref at) const noexcept { return *space_.get<live_slot>(at); }
    [[nodiscard]] ended_slot& ended(ref at) const noexcept { return *space_.get<ended_slot>(at); }
    [[nodiscard]] std::string_view id_of(ref at) const noexcept { return read_text(space_, head(at).id); }
    [[nodiscard]] std::string_view queue_of(ref at) const noexcept
    {
        return lanes_.queue_of(lanes_.by_number(head(at).lane()));
    }
    [[nodiscard]] std::string_view kind_of(ref at) const noexcept
    {
        return lanes_.kind_of(lanes_.by_number(head(at).lane()));
    }
    // Of the newest record that says what the job is.
    [[nodiscard]] location last_of(ref at) const noexcept { return is_live(at) ? live(at).last : ended(at).last; }

    [[nodiscard]] bool holds(ref at, const lease_token& token) const noexcept
    {
        return at != 0 && state_of(at) == state::processing && leases_.token_of(live(at)) == token;
    }

    // How much work there was so far: lines and jobs looked at for claims. For tests of their cost.
    [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
    void step(std::uint64_t n = 1) noexcept { steps_ += n; }

    // Moving.

    // A job as its record says, under a new id. 0 = there are too many queues and kinds.
    ref add(const job_head& j, std::uint32_t hash, location image, std::uint32_t bytes, bool vanishes) noexcept
    {
        const ref lane = lanes_.find_or_make(j.queue, j.kind);
        if (lane == 0) return 0;
        const ref made = is_final(j.state) ? make_ended(j, image) : make_live(j, image, bytes, vanishes);
        auto& slot = head(made);
        slot.id = make_text(space_, j.id);
        slot.lane_and_state = lanes_.get(lane).number << 8;
        slot.set_state(j.state);
        table_.add(made, hash);
        pages_.set(j.sequence, made);
        auto& known = roots();
        if (known.last_sequence < j.sequence) space_.touch(known.last_sequence) = j.sequence;
        space_.touch(known.live_bytes) += bytes;
        ++space_.touch(lanes_.queue_slot_of(lane).counts[static_cast<std::size_t>(j.state)]);
        if (is_final(j.state))
            chain(made);
        else if (j.state == state::processing)
            leases_.add(leases_.open(terms_of(j)), made, j.token.ordinal);
        else if (j.hold == hold_none)
            lanes_.stand(made);
        return made;
    }

    // The job is not there any more. `sequence` and `bytes`: of an ended job, whose slot does not know them.
    void erase(ref at, std::uint64_t sequence, std::uint32_t bytes) noexcept
    {
        settle_out(at);
        --space_.touch(count(queue_slot_of(at), state_of(at)));
        table_.drop(at);
        pages_.set(sequence, 0);
        space_.touch(roots().live_bytes) -= bytes;
        drop_text(space_, head(at).id);
        space_.release(at, is_live(at) ? sizeof(live_slot) : sizeof(ended_slot));
    }

    // A waiting job is leased, from `now` on; `lease`: leases::open()'s.
    void lease(ref at, ref lease, std::uint32_t ordinal, timestamp now) noexcept
    {
        auto& slot = space_.touch(live(at));
        if (!is_waiting(slot.head.state())) [[unlikely]]
            return space_.doubt();
        lanes_.lift(at);
        slot.was_failed = slot.head.state() == state::failed;
        set_state(at, state::processing);
        slot.cancel_requested = false;
        slot.updated_at = now.time_since_epoch().count();
        leases_.add(lease, at, ordinal);
    }

    // A live job becomes what `r` says; `record`: where r is. Returns its slot, which may be another.
    ref end(ref at, const end_record& r, location record) noexcept
    {
        settle_out(at);
        auto& slot = space_.touch(live(at));
        space_.touch(roots().live_bytes) += std::uint64_t{r.image_bytes} - slot.bytes;
        slot.last = record;
        slot.bytes = r.image_bytes;
        if (is_final(r.state)) return bury(at, r);
        set_state(at, r.state);
        slot.attempts = r.attempts;
        slot.crashes = r.crashes;
        slot.cancel_requested = false;
        slot.updated_at = r.now.time_since_epoch().count();
        slot.node.time = r.run_at.time_since_epoch().count();
        if (slot.hold == hold_none) lanes_.stand(at);
        return at;
    }

    // The job was written again, whole, at `image`, where it takes `bytes`; so far it was said to take `before`.
    // `has_error`: the image says why the last run failed.
    void set_image(ref at, location image, std::uint32_t bytes, std::uint32_t before, bool has_error) noexcept
    {
        space_.touch(roots().live_bytes) += std::uint64_t{bytes} - before;
        if (!is_live(at)) {
            space_.touch(ended(at).last) = image;
            return;
        }
        auto& slot = space_.touch(live(at));
        slot.image = slot.last = image;
        slot.image_has_error = has_error;
        slot.bytes = bytes;
    }

    void request_cancel(ref at) noexcept { space_.touch(live(at)).cancel_requested = true; }

    // How many have ended so, in a lane; and the one that did first.
    [[nodiscard]] ref first_ended(ref lane, state s) const noexcept
    {
        return lanes_.get(lane).ended[chain_of(s)].first;
    }

private:
    static constexpr std::uint64_t bytes_an_addition = 768;
    static constexpr std::uint64_t bytes_a_change = 256;
    static constexpr std::uint64_t undo_a_change = 640;

    static lease_terms terms_of(const job_head& j) noexcept
    {
        return {j.token.nonce,
                j.worker,
                j.locked_at.time_since_epoch().count(),
                j.lease_until.time_since_epoch().count(),
                j.boot_id,
                j.lease_end.count()};
    }

    static constexpr std::size_t chain_of(state s) noexcept
    {
        return s == state::completed ? 0 : s == state::dead ? 1 : 2;
    }
    [[nodiscard]] queue_slot& queue_slot_of(ref at) const noexcept
    {
        return lanes_.queue_slot_of(lanes_.by_number(head(at).lane()));
    }
    [[nodiscard]] std::uint64_t& count(queue_slot& queue, state s) const noexcept
    {
        auto which = static_cast<std::size_t>(s);
        if (which >= state_count) [[unlikely]] {
            space_.doubt();
            which = 0;
        }
        return queue.counts[which];
    }

    ref make_live(const job_head& j, location image, std::uint32_t bytes, bool vanishes) noexcept
    {
        const ref made = space_.allocate(sizeof(live_slot));
        auto& slot = live(made);
        slot = {};
        slot.node.time = j.run_at.time_since_epoch().count();
        slot.node.sequence = j.sequence;
        slot.image = slot.last = image;
        slot.updated_at = j.updated_at.time_since_epoch().count();
        slot.attempts = j.attempts;
        slot.crashes = j.crashes;
        slot.hold = static_cast<std::uint16_t>(j.hold);
        slot.priority = j.priority;
        slot.was_failed = j.was_failed;
        slot.cancel_requested = j.cancel_requested;
        slot.image_has_error = !j.error.empty();
        slot.vanishes = vanishes;
        slot.bytes = bytes;
        return made;
    }
    ref make_ended(const job_head&, location image) noexcept
    {
        const ref made = space_.allocate(sizeof(ended_slot));
        ended(made) = {};
        ended(made).last = image;
        return made;
    }

    void set_state(ref at, state to) noexcept
    {
        auto& slot = head(at);
        auto& queue = queue_slot_of(at);
        --space_.touch(count(queue, slot.state()));
        ++space_.touch(count(queue, to));
        space_.touch(slot.lane_and_state);
        slot.set_state(to);
    }

    // Out of the line, the lease or the chain that it is in.
    void settle_out(ref at) noexcept
    {
        const state s = state_of(at);
        if (is_final(s))
            unchain(at);
        else if (s == state::processing)
            leases_.take(at);
        else
            lanes_.lift(at);
    }

    // A live slot gives way to a smaller one.
    ref bury(ref at, const end_record& r) noexcept
    {
        set_state(at, r.state);
        const ref made = space_.allocate(sizeof(ended_slot));
        auto& slot = ended(made);
        slot = {};
        slot.head = head(at);
        slot.last = live(at).last;
        table_.replace(at, made);
        pages_.set(r.sequence, made);
        space_.release(at, sizeof(live_slot));
        chain(made);
        return made;
    }

    [[nodiscard]] list_ends& chain_with(ref at) const noexcept
    {
        return lanes_.get(lanes_.by_number(head(at).lane())).ended[chain_of(state_of(at))];
    }
    void chain(ref at) noexcept
    {
        auto& ends = space_.touch(chain_with(at));
        ended(at).before = ends.last;
        if (ends.last != 0)
            space_.touch(ended(ends.last).after) = at;
        else
            ends.first = at;
        ends.last = at;
    }
    void unchain(ref at) noexcept
    {
        auto& ends = space_.touch(chain_with(at));
        const auto& slot = ended(at);
        (slot.before != 0 ? space_.touch(ended(slot.before).after) : ends.first) = slot.after;
        (slot.after != 0 ? space_.touch(ended(slot.after).before) : ends.last) = slot.before;
    }

    index_space space_;
    std::uint64_t steps_ = 0;
    lanes lanes_;
    leases leases_;
    id_table<offsetof(job_slot, entry)> table_;
    sequence_pages pages_;
};

}  // namespace queuectl::inline v0::journal

#endif
