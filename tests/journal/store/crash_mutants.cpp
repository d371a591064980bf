// Each thing that a journal does for safety, left out once: something here must notice.
#include "journal/store/crash_faults.hpp"

#include <cstdio>
#include <set>

namespace queuectl::journal_testing {
namespace {

struct switches : small_guards {
    static inline bool checksum = true;
    static inline bool sync_frames = true;
    static inline bool sync_before_roll = true;
    static inline bool sync_new_segment = true;
    static inline bool sync_directory = true;
    static inline bool poison = true;
    static inline bool sync_trim = true;
    static inline bool window_end = true;
    static inline bool sync_writes = true;
    static inline bool own_ticket = true;
    static inline bool append_first = true;
    static inline bool roll_back_failed = true;
    static inline bool roll_back_dead = true;
    static inline bool compare_tokens = true;
    static inline bool repeat_claims = true;
    static inline bool repeat_inserts = true;
    static inline bool repeat_settles = true;
    static inline bool log_removals = true;
    static inline bool log_claims = true;
    static inline bool sync_outputs = true;
    static inline bool sync_output_names = true;
    static inline bool places = true;
    static inline bool move_images = true;
    static inline bool remember = true;
};

std::string power() { return store_search<switches>{{2, true, false, 2, 7}}.run().fault; }
std::string kills() { return store_search<switches>{{2, false, true}}.run().fault; }
std::string faults() { return fault_search<switches>{1}.run().fault; }
std::string lives()
{
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        const auto report = store_search<switches>{{0, true, true, 2, 7}}.run_random(seed, 150);
        if (!report.fault.empty()) return report.fault;
    }
    return {};
}

// A settlement with an output too long for the log; the power goes at its end.
std::string outputs()
{
    const auto memory = journal::index_memory::anonymous();
    store_world<switches> machine{*memory};
    machine.sizes = {64 << 10, 64 << 10};
    auto store = machine.open();
    step_client client;
    if (!client.step(*store, step_kind::insert_one, 0)) return "no insert";
    std::vector<lease> leases;
    claim_request request;
    request.nonce = {2, 2};
    if (!store->claim(request, leases, client.now()) || leases.empty()) return "no lease";
    settlement s;
    s.receipt = leases[0].receipt();
    s.report.emplace();
    s.report->output.head.assign(6000, 'o');
    settle_status status{};
    if (!store->settle({&s, 1}, {&status, 1}, client.now())) return "no settlement";
    const auto other = journal::index_memory::anonymous();
    for (const auto& plan : machine.disk.crash_plans(1)) {
        store_world<switches> later{*other, machine.disk.crash(plan), {8, 8}};
        auto next = later.open(2);
        const auto out = next->output("job0", 1);
        if (!out) return plan.describe() + ": " + out.error().message();
        if (out->head != s.report->output.head) return plan.describe() + ": it is another";
    }
    return {};
}

using search = std::string (*)();
struct mutant {
    const char* name;
    bool* guard;
    search noticed_by;
};
void PrintTo(const mutant& m, std::ostream* out) { *out << m.name; }

#define MUTANT(name, by) \
    mutant { #name, &switches::name, by }
const mutant mutants[] = {
    MUTANT(checksum, power),         MUTANT(sync_frames, power),    MUTANT(sync_before_roll, power),
    MUTANT(sync_new_segment, power), MUTANT(sync_directory, power), MUTANT(poison, faults),
    MUTANT(sync_trim, lives),        MUTANT(window_end, lives),     MUTANT(sync_writes, power),
    MUTANT(own_ticket, power),       MUTANT(append_first, kills),   MUTANT(roll_back_failed, faults),
    MUTANT(roll_back_dead, kills),   MUTANT(compare_tokens, kills), MUTANT(repeat_claims, kills),
    MUTANT(repeat_inserts, kills),   MUTANT(repeat_settles, kills), MUTANT(log_removals, power),
    MUTANT(log_claims, power),       MUTANT(sync_outputs, outputs), MUTANT(sync_output_names, outputs),
    MUTANT(places, power),           MUTANT(move_images, lives),    MUTANT(remember, lives),
};
#undef MUTANT

// Each search that a mutant is noticed by, once.
TEST(JournalSearches, NoticeNothingWhenNothingIsLeftOut)
{
    std::set<search> tried;
    for (const auto& m : mutants) {
        if (tried.insert(m.noticed_by).second) {
            EXPECT_EQ(m.noticed_by(), "") << "what notices " << m.name;
        }
    }
}

class JournalMutants : public testing::TestWithParam<mutant> {};

TEST_P(JournalMutants, IsNoticed)
{
    const auto& m = GetParam();
    *m.guard = false;
    const std::string fault = m.noticed_by();
    *m.guard = true;
    EXPECT_NE(fault, "") << "nothing notices that " << m.name << " is left out";
    std::printf("%s: %s\n", m.name, fault.c_str());
}

INSTANTIATE_TEST_SUITE_P(Each, JournalMutants, testing::ValuesIn(mutants),
                         [](const auto& information) { return std::string{information.param.name}; });

}  // namespace
}  // namespace queuectl::journal_testing
