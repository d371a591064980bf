// The keyed values of a store, by key; the values are in the log.
#ifndef QUEUECTL_JOURNAL_INDEX_SETTINGS_HPP
#define QUEUECTL_JOURNAL_INDEX_SETTINGS_HPP

#include <queuectl/journal/index/lanes.hpp>

namespace queuectl::inline v0::journal {

// Not thread-safe. Requires: what a member changes was reserved. Finding: O(entries / 256).
class settings {
public:
    explicit settings(index_space& space) : space_{&space} {}

    // 0 = there is none.
    [[nodiscard]] ref find(std::string_view key) const noexcept
    {
        for (ref at = bucket(key); at != 0; at = get(at).next)
            if (key_of(at) == key) return at;
        return 0;
    }
    [[nodiscard]] const config_slot& get(ref at) const noexcept { return *space_->get<config_slot>(at); }
    [[nodiscard]] std::string_view key_of(ref at) const noexcept { return read_text(*space_, get(at).key); }

    // Replaces the entry of that key. `at`, `bytes`: of its record.
    void put(std::string_view key, std::uint64_t version, std::int64_t expires_at, location at,
             std::uint32_t bytes) noexcept
    {
        ref entry = find(key);
        if (entry == 0) entry = make(key);
        auto& slot = space_->touch(*space_->get<config_slot>(entry));
        space_->touch(roots().live_bytes) += std::uint64_t{bytes} - slot.bytes;
        slot.version = version;
        slot.expires_at = expires_at;
        slot.at = at;
        slot.bytes = bytes;
        note(version);
    }
    // The entry's record was written again, at `at`.
    void move(ref entry, location at) noexcept { space_->touch(space_->get<config_slot>(entry)->at) = at; }
    // Forgets the entry of that key, if there is one.
    void erase(std::string_view key) noexcept
    {
        for (ref* link = &bucket(key); *link != 0; link = &space_->get<config_slot>(*link)->next) {
            if (key_of(*link) != key) continue;
            const ref gone = *link;
            const config_slot slot = get(gone);
            space_->touch(*link) = slot.next;
            space_->touch(roots().live_bytes) -= slot.bytes;
            drop_text(*space_, slot.key);
            space_->release(gone, sizeof(config_slot));
            return;
        }
    }
    // Versions up to this one are taken.
    void note(std::uint64_t version) noexcept
    {
        if (roots().config_version < version) space_->touch(roots().config_version) = version;
    }

    template <class Visit>
    void for_each(Visit&& visit) const
    {
        for (const ref first : roots().config_buckets)
            for (ref at = first; at != 0; at = get(at).next) visit(at);
    }

private:
    [[nodiscard]] index_roots& roots() const noexcept { return space_->roots<index_roots>(); }
    [[nodiscard]] ref& bucket(std::string_view key) const noexcept
    {
        return roots().config_buckets[id_hash(key, 0) % 256];
    }
    ref make(std::string_view key) noexcept
    {
        const ref made = space_->allocate(sizeof(config_slot));
        auto& slot = *space_->get<config_slot>(made);
        slot = {};
        slot.key = make_text(*space_, key);
        slot.next = bucket(key);
        return space_->touch(bucket(key)) = made;
    }

    index_space* space_;
};

}  // namespace queuectl::inline v0::journal

#endif
