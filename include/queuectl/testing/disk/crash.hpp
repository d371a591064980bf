// What a power loss may leave on a simulated disk.
#ifndef QUEUECTL_TESTING_DISK_CRASH_HPP
#define QUEUECTL_TESTING_DISK_CRASH_HPP

#include <queuectl/testing/disk/state.hpp>
#include <queuectl/testing/seeded_random.hpp>

#include <algorithm>
#include <array>

namespace queuectl::inline v0::simulated {

// Which of the changes that no sync covered have reached the disk. Bytes that no unsynced write covers never change.
struct crash_plan {
    enum class kind : std::uint8_t {
        none,       // no change of a file
        all,        // every change
        first,      // those before `index`
        without,    // all but `index`
        only,       // `index` alone
        torn_byte,  // those before `index`, and `index` up to some byte
        torn_at,    // those before `index`, and the first `seed` bytes of it
        sectors,    // of each a random part of its 512-byte sectors
        garbage,    // as sectors, and some of the others hold garbage
    };
    kind files = kind::none;
    std::size_t index = 0;
    std::size_t kept_names =
        0;                   // how many of the directory's changes were kept, in order; then one more may be left out
    bool skip_name = false;  // of those, not the last but one
    std::uint64_t seed = 0;

    [[nodiscard]] std::string describe() const
    {
        constexpr std::array<std::string_view, 9> words{"none",      "all",     "first",   "without", "only",
                                                        "torn_byte", "torn_at", "sectors", "garbage"};
        return "files " + std::string{words[static_cast<std::size_t>(files)]} + " " + std::to_string(index) +
               ", names " + std::to_string(kept_names) + (skip_name ? " without the last but one" : "") + ", seed " +
               std::to_string(seed);
    }
};

namespace detail {

inline constexpr std::uint64_t sector_bytes = 512;

// Applies a part of a write: for each piece of a sector, as `choose(piece number)` says: 0 not, 1 yes, 2 garbage.
template <class Choose>
void apply_sectors(std::string& content, const file_change& change, seeded_random& random, Choose&& choose)
{
    for (std::size_t at = 0; at < change.bytes.size();) {
        const std::uint64_t place = change.offset + at;
        const auto count = static_cast<std::size_t>(
            std::min<std::uint64_t>(sector_bytes - place % sector_bytes, change.bytes.size() - at));
        std::string piece = change.bytes.substr(at, count);
        const int choice = choose();
        if (choice == 2)
            for (char& c : piece) c = static_cast<char>(random.next());
        if (choice != 0) put(content, place, piece);
        at += count;
    }
}

inline void apply_planned(std::string& content, const file_change& change, std::size_t i, const crash_plan& plan,
                          seeded_random& random)
{
    using kind = crash_plan::kind;
    const bool whole = plan.files == kind::all ||
                       ((plan.files == kind::first || plan.files == kind::torn_byte || plan.files == kind::torn_at) &&
                        i < plan.index) ||
                       (plan.files == kind::without && i != plan.index) ||
                       (plan.files == kind::only && i == plan.index);
    if (whole) return put(content, change);
    if (plan.files == kind::torn_byte && i == plan.index && !change.resize)
        return put(content, change.offset,
                   std::string_view{change.bytes}.substr(0, random.below(change.bytes.size() + 1)));
    if (plan.files == kind::torn_at && i == plan.index && !change.resize)
        return put(content, change.offset, std::string_view{change.bytes}.substr(0, plan.seed));
    if (plan.files != kind::sectors && plan.files != kind::garbage) return;
    if (change.resize) {
        if (random.one_in(2)) put(content, change);
        return;
    }
    const std::uint64_t choices = plan.files == kind::garbage ? 3 : 2;
    apply_sectors(content, change, random, [&] { return static_cast<int>(random.below(choices)); });
}

}  // namespace detail

// The disk after a power loss: what was stored and what the plan kept; nothing pending.
[[nodiscard]] inline disk_state crash(const disk_state& before, const crash_plan& plan)
{
    seeded_random random{plan.seed};
    names kept = before.stored;
    for (std::size_t i = 0; i < before.pending.size() && i < plan.kept_names; ++i)
        if (!(plan.skip_name && i + 2 == plan.kept_names)) put(kept, before.pending[i]);
    std::map<const inode*, std::shared_ptr<inode>> copies;
    disk_state after;
    std::size_t i = 0;
    for (const auto& [name, old] : kept) {
        auto& copy = copies[old.get()];
        if (!copy) {
            copy = std::make_shared<inode>();
            copy->stored = old->stored;
            for (const auto& change : old->pending) detail::apply_planned(copy->stored, change, i++, plan, random);
            copy->cached = copy->stored;
        }
        after.stored[name] = copy;
    }
    after.cached = after.stored;
    return after;
}

// Plans of every kind for what is pending: each index for the kinds that have one, `random` seeds for the others.
[[nodiscard]] inline std::vector<crash_plan> crash_plans(const disk_state& before, std::uint64_t seed,
                                                         std::size_t random = 2)
{
    using kind = crash_plan::kind;
    std::size_t changes = 0;
    for (const auto& [name, file] : before.cached) changes += file->pending.size();
    std::vector<crash_plan> plans;
    for (std::size_t kept = 0; kept <= before.pending.size(); ++kept)
        for (const bool skip : {false, true}) {
            if (skip && kept < 2) continue;
            const auto add = [&](kind k, std::size_t index) {
                plans.push_back({k, index, kept, skip, seed + 0x9e37 * plans.size()});
            };
            add(kind::none, 0);
            if (changes == 0) continue;
            add(kind::all, 0);
            for (std::size_t i = 0; i < changes; ++i) {
                add(kind::torn_byte, i);
                if (changes == 1) continue;
                add(kind::first, i);
                add(kind::without, i);
                add(kind::only, i);
            }
            for (std::size_t i = 0; i < random; ++i) {
                add(kind::sectors, 0);
                add(kind::garbage, 0);
            }
        }
    return plans;
}

// Tells disks apart by what is on them: FNV-1a over names and contents.
[[nodiscard]] inline std::uint64_t fingerprint(const disk_state& disk)
{
    std::uint64_t hash = 0xcbf29ce484222325U;
    const auto mix = [&](std::string_view bytes) {
        for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
        hash = (hash ^ bytes.size()) * 0x100000001b3U;
    };
    for (const auto& [name, file] : disk.stored) {
        mix(name);
        mix(file->stored);
    }
    return hash;
}

}  // namespace queuectl::inline v0::simulated

#endif
