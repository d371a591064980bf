// Each thing that the log does for safety, left out once: something here must notice.
#include "log_crash.hpp"
#include "dying_leader.hpp"

#include "../process/temporary_directory.hpp"
#include "real_process.hpp"

#include <set>

namespace {

using namespace queuectl;
using namespace queuectl::journal_testing;

struct switches {
    static inline bool checksum = true;
    static inline bool file_id = true;
    static inline bool chain = true;
    static inline bool watermark = true;
    static inline bool sync_frames = true;
    static inline bool sync_before_roll = true;
    static inline bool sync_new_segment = true;
    static inline bool sync_directory = true;
    static inline bool cut_tail = true;
    static inline bool sync_cut = true;
    static inline bool poison = true;
    static inline bool rewrite = true;
    static inline bool rewrite_whole = true;
    static inline bool rewrite_next = true;
    static inline bool generation = true;
    static inline bool lock = true;
    static inline bool sync_trim = true;
    static inline bool oldest_first = true;
    static inline bool prepared = true;
    static inline bool window_end = true;
    static inline bool moved = true;
};
using machine = simulated_machine<switches>;

// Every crash of up to three operations.
std::string crashes()
{
    for (std::size_t length = 1; length <= 3; ++length) {
        const auto report = crash_search<switches>{length, 16}.run();
        if (!report.fault.empty()) return report.fault;
    }
    return {};
}

std::string& first_file(machine& m) { return m.disk.state().cached.begin()->second->cached; }

std::string heard_by(machine& m, const std::vector<std::string>& expected)
{
    auto p = m.start(77);
    if (!p.log) return "it cannot be opened";
    if (const auto done = p.listen(); !done) return done.error().message();
    std::vector<std::string> got;
    for (const auto& [sequence, body] : p.heard.bodies) got.push_back(body);
    return got == expected ? "" : "something else was heard";
}

// Blocks of a removed store come back under a new one's file: its frames fit by place, sequence and checksum.
std::string blocks_of_another_file()
{
    machine old;
    auto a = old.start(1);
    static_cast<void>(a.append("old"));
    machine now;
    auto b = now.start(2);
    static_cast<void>(b.listen());
    const auto begin = journal::frames_begin;
    first_file(now).replace(begin, 48, first_file(old), begin, 48);
    machine later{now.disk.state(), {9, 9}};
    return heard_by(later, {});
}

// A frame that followed another history, at its old place.
std::string frame_of_another_history()
{
    machine one;
    machine two;
    for (auto* m : {&one, &two}) {
        auto p = m->start(1);
        static_cast<void>(p.append("same"));
        static_cast<void>(p.append(m == &one ? "one" : "two"));
        static_cast<void>(p.append(m == &one ? "after one" : "after two"));
    }
    first_file(two).replace(journal::frames_begin + 96, 56, first_file(one), journal::frames_begin + 96, 56);
    machine later{two.disk.state(), {9, 9}};
    return heard_by(later, {"same", "two"});
}

std::string flipped_bit()
{
    machine m;
    auto p = m.start(1);
    static_cast<void>(p.append("body"));
    first_file(m)[journal::frames_begin + 40] ^= 1;
    machine later{m.disk.state(), {9, 9}};
    return heard_by(later, {});
}

std::string damage_is_not_cut()
{
    machine m;
    {
        auto p = m.start(1);
        for (const char* body : {"one", "two"}) static_cast<void>(p.append_durably(body));
        static_cast<void>(p.log->settle_down(p.heard));
    }
    first_file(m)[journal::frames_begin + 40] ^= 1;
    machine later{m.disk.state(), {9, 9}};
    auto p = later.start(2);
    const auto got = p.append("three");
    return got ? "damage was written over" : "";
}

std::string lost_is_not_its_successor()
{
    machine m;
    auto a = m.start(1);
    auto b = m.start(2);
    static_cast<void>(a.append_durably("durable"));
    const auto lost = a.append("lost");
    m.disk.fail_next_sync();
    static_cast<void>(a.log->sync(*lost));
    auto& file = *m.disk.state().cached.begin()->second;
    file.cached = file.stored;
    static_cast<void>(b.append_durably("successor"));
    return a.log->sync(*lost) ? "what is lost was acknowledged" : "";
}

// The cache has given up what a dead process failed to sync: what the file holds there now is not acknowledged.
std::string given_up_is_acknowledged()
{
    machine m;
    auto a = m.start(1);
    static_cast<void>(a.append_durably("durable"));
    const auto lost = a.append("lost");
    die_syncing(m);
    auto& file = *m.disk.state().cached.begin()->second;
    file.cached = file.stored;
    auto b = m.start(2);
    return b.log->sync(*lost) ? "what is gone was acknowledged" : "";
}

// A frame is in the file, not yet told of, when a process dies in a sync of it and another one syncs what is told.
std::string on_its_way_is_lost()
{
    machine m;
    auto a = m.start(1);
    static_cast<void>(a.append_durably("one"));
    const auto two = a.append("two");
    auto b = m.start(2);
    bool synced = false;
    late_writer<switches> late{m, [&] {
                                   die_syncing(m);
                                   synced = b.log->sync(*two).has_value();
                               }};
    const auto three = late.append("three");
    if (!three || !synced) return "it is not possible";
    if (!b.log->sync(*three)) return "it cannot be synced";
    machine later{m.disk.crash({}), {9, 9}};
    return heard_by(later, {"one", "two", "three"});
}

// A frame that a recovery has cut must not come back behind one that happens to equal its old predecessor.
std::string cut_frame_comes_back()
{
    machine m;
    auto a = m.start(1);
    static_cast<void>(a.append("same"));
    static_cast<void>(a.append("ghost"));
    machine recovered{m.disk.crash({simulated::crash_plan::kind::only, 1, 0, false, 0})};
    auto b = recovered.start(2);
    static_cast<void>(b.append("same"));
    if (b.heard.bodies.size() != 1) return "it was not cut";
    for (const auto& plan : recovered.disk.crash_plans(3)) {
        machine later{recovered.disk.crash(plan), {9, 9}};
        auto c = later.start(4);
        static_cast<void>(c.listen());
        if (c.heard.bodies.size() > 1) return plan.describe() + ": it is back";
    }
    return {};
}

// A log of several segments that is trimmed to the third; `power_off_at` a call of the removal (0 = not at all).
std::string trimmed(bool synced, std::uint64_t power_off_at)
{
    machine m;
    auto p = m.start(1);
    for (int i = 0; i < 6; ++i) static_cast<void>(p.append_durably(std::string(600, '.')));
    static_cast<void>(p.append_durably("kept"));
    {
        auto turn = p.log->take_turn(p.heard);
        const auto ticket = turn->trim(3);
        if (!ticket) return ticket.error().message();
        if (synced && !p.log->sync(*ticket)) return "it cannot be synced";
        if (power_off_at != 0) m.disk.inject(disk_fault::power_off, power_off_at);
        static_cast<void>(p.log->drop_trimmed());
    }
    for (const auto& plan : m.disk.crash_plans(3)) {
        machine later{m.disk.crash(plan), {9, 9}};
        auto q = later.start(4);
        if (!q.log) return plan.describe() + ": it cannot be opened";
        if (const auto done = q.listen(); !done) return plan.describe() + ": " + done.error().message();
        if (q.heard.bodies.empty() || q.heard.bodies.rbegin()->second != "kept")
            return plan.describe() + ": it is gone";
    }
    return {};
}

std::string unsynced_trim_is_lost() { return trimmed(false, 0); }

std::string removal_is_cut_off()
{
    for (std::uint64_t nth = 1; nth < 8; ++nth)
        if (const std::string why = trimmed(true, nth); !why.empty()) return std::to_string(nth) + ": " + why;
    return {};
}

std::string body_lands_elsewhere()
{
    machine m;
    auto p = m.start(1);
    for (int i = 0; i < 40; ++i) {
        auto turn = p.log->take_turn(p.heard);
        turn->in_a_hurry(true);  // no new segment before this one is full
        const auto place = turn->prepare(200, journal::append_room::reserve);
        const std::string body(100, static_cast<char>('0' + i));
        const auto ticket = turn->append(body);
        p.heard.at = turn->position();
        const auto got = p.log->read(place->segment, place->offset, body.size());
        if (!ticket || !got || *got != body) return "body " + std::to_string(i) + " is not where it was said";
    }
    return {};
}

std::string stale_window()
{
    machine m;
    auto a = m.start(1);
    auto b = m.start(2);
    for (int i = 0; i < 20; ++i) {
        static_cast<void>((i % 2 == 0 ? a : b).append("body " + std::to_string(i)));
        if (const std::string why = a.read_back(); !why.empty()) return why;
    }
    return {};
}

// What a failed sync has moved to the next segment, by its old place.
std::string moved_is_lost()
{
    machine m;
    auto a = m.start(1);
    static_cast<void>(a.append_durably("durable"));
    for (int i = 0; i < 3; ++i) static_cast<void>(a.append("moved " + std::to_string(i)));
    const auto bodies = a.heard.bodies;
    const auto places = a.heard.places;
    m.disk.fail_next_sync();
    static_cast<void>(a.log->sync({bodies.rbegin()->first, 0}));
    auto& old = first_file(m);
    static_cast<void>(a.append_durably("successor"));
    const auto begin = places.at(bodies.begin()->first + 1).offset - journal::frame_header_bytes;
    std::fill(old.begin() + static_cast<std::ptrdiff_t>(begin), old.end(), '\xee');
    auto turn = a.log->take_turn(a.heard);
    if (!turn) return turn.error().message();
    for (const auto& [sequence, place] : places) {
        const auto got = a.log->read(place.segment, place.offset, bodies.at(sequence).size());
        if (!got) return got.error().message();
        if (*got != bodies.at(sequence)) return "frame " + std::to_string(sequence) + " is not found by its old place";
    }
    return {};
}

// Two processes at once on a real folder: the second has to wait.
std::string two_turns_at_once()
{
    const process_testing::temporary_directory directory;
    real_process<switches> a{directory.path() + "/store"};
    real_process<switches> b{directory.path() + "/store", std::chrono::milliseconds{5}};
    auto first = a.log->take_turn(a.heard);
    if (!first) return first.error().message();
    auto second = b.log->take_turn(b.heard);
    if (!second) return second.error().code == errc::busy ? "" : second.error().message();
    const std::string_view body = "body";
    const auto one = first->append(body);
    const auto two = second->append(body);
    return one && two && one->sequence == two->sequence ? "both wrote at one place" : "both had the turn";
}

using search = std::string (*)();
struct mutant {
    const char* name;
    bool* guard;
    search noticed_by;
};

void PrintTo(const mutant& m, std::ostream* out) { *out << m.name; }

const mutant mutants[] = {mutant{"checksum", &switches::checksum, flipped_bit},
                          mutant{"file_id", &switches::file_id, blocks_of_another_file},
                          mutant{"chain", &switches::chain, frame_of_another_history},
                          mutant{"watermark", &switches::watermark, damage_is_not_cut},
                          mutant{"sync_frames", &switches::sync_frames, crashes},
                          mutant{"sync_before_roll", &switches::sync_before_roll, crashes},
                          mutant{"sync_new_segment", &switches::sync_new_segment, crashes},
                          mutant{"sync_directory", &switches::sync_directory, crashes},
                          mutant{"cut_tail", &switches::cut_tail, cut_frame_comes_back},
                          mutant{"sync_cut", &switches::sync_cut, cut_frame_comes_back},
                          mutant{"poison", &switches::poison, crashes},
                          mutant{"rewrite", &switches::rewrite, crashes},
                          mutant{"rewrite_whole", &switches::rewrite_whole, given_up_is_acknowledged},
                          mutant{"rewrite_next", &switches::rewrite_next, on_its_way_is_lost},
                          mutant{"generation", &switches::generation, lost_is_not_its_successor},
                          mutant{"lock", &switches::lock, two_turns_at_once},
                          mutant{"sync_trim", &switches::sync_trim, unsynced_trim_is_lost},
                          mutant{"oldest_first", &switches::oldest_first, removal_is_cut_off},
                          mutant{"prepared", &switches::prepared, body_lands_elsewhere},
                          mutant{"window_end", &switches::window_end, stale_window},
                          mutant{"moved", &switches::moved, moved_is_lost}};

// Each search that a mutant is noticed by, once.
TEST(LogSearches, NoticeNothingWhenNothingIsLeftOut)
{
    std::set<search> tried;
    for (const auto& m : mutants) {
        if (tried.insert(m.noticed_by).second) {
            EXPECT_EQ(m.noticed_by(), "") << "what notices " << m.name;
        }
    }
}

class LogMutants : public testing::TestWithParam<mutant> {};

TEST_P(LogMutants, IsNoticed)
{
    const auto& m = GetParam();
    *m.guard = false;
    const std::string fault = m.noticed_by();
    *m.guard = true;
    EXPECT_NE(fault, "") << "nothing notices that " << m.name << " is left out";
    std::printf("%s: %s\n", m.name, fault.c_str());
}

INSTANTIATE_TEST_SUITE_P(Each, LogMutants, testing::ValuesIn(mutants),
                         [](const auto& information) { return std::string{information.param.name}; });

}  // namespace
