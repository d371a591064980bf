// What repair saves of a damaged journal, and that it tells what it could not.
#include "journal/store/damaged_store.hpp"

#include <queuectl/journal/repair.hpp>
#include <queuectl/verify.hpp>

#include <set>

namespace queuectl::journal_testing {
namespace {

constexpr timestamp now{std::chrono::hours{24 * 365 * 51}};

std::map<std::string, job_record> jobs_of(journal_storage& store)
{
    std::map<std::string, job_record> all;
    std::vector<job_record> records;
    for (page_request page;;) {
        auto next = store.list({}, page, records);
        EXPECT_TRUE(next);
        if (!next || (page.after = *next) == 0) break;
    }
    for (auto& r : records) all[r.job.id] = r;
    return all;
}

void expect_same(const job_record& a, const job_record& b)
{
    const bool ran = a.state == state::processing;
    EXPECT_EQ(b.state, ran ? state::pending : a.state) << a.job.id;
    EXPECT_EQ(b.crashes, a.crashes + (ran ? 1 : 0)) << a.job.id;
    EXPECT_EQ(b.attempts, a.attempts) << a.job.id;
    EXPECT_EQ(b.job.payload, a.job.payload) << a.job.id;
    EXPECT_EQ(b.sequence, a.sequence) << a.job.id;
    if (!ran) {
        EXPECT_EQ(b.error, a.error) << a.job.id;
    }
}

// The new store is sound.
void expect_sound(const std::string& path)
{
    auto store = journal_storage::open(path);
    ASSERT_TRUE(store) << store.error().message();
    const instant later{timestamp{std::chrono::seconds{std::time(nullptr)} + std::chrono::hours{2}}, {}, {}};
    auto report = store->verify(later);
    ASSERT_TRUE(report) << report.error().message();
    ASSERT_TRUE(verify_facets(*store, *report));
    EXPECT_EQ(text(*report), "");
}

TEST(JournalRepair, OfASoundStoreSavesEverything)
{
    damaged_store sound;
    std::ofstream{sound.folder.path() + "/" + journal::output_name(0x77)} << "nobody's";
    auto store = sound.folder.open(small_segments());
    config_entry entry{"key", "value", any_version, timestamp_max};
    ASSERT_TRUE(store->config_put(entry, {}));
    const auto before = jobs_of(*store);
    store.reset();
    const auto files = fingerprint(sound.folder.path());
    store_folder other;
    auto report = repair_journal(sound.folder.path(), other.path(), now);
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->nothing_lost());
    EXPECT_EQ(report->jobs, before.size());
    EXPECT_GT(report->requeued, 0u);
    EXPECT_GT(report->outputs, 0u);
    EXPECT_EQ(fingerprint(sound.folder.path()), files);
    {
        auto repaired = journal_storage::open(other.path());
        ASSERT_TRUE(repaired);
        const auto after = jobs_of(*repaired);
        ASSERT_EQ(after.size(), before.size());
        for (const auto& [id, record] : before) expect_same(record, after.at(id));
        EXPECT_EQ((*repaired->config_get("key", {}))->value, "value");
    }
    EXPECT_FALSE(fs::exists(other.path() + "/" + journal::output_name(0x77))) << "no job names it";
    expect_sound(other.path());
    EXPECT_EQ(repair_journal(sound.folder.path(), other.path(), now).error().code, errc::exists);
    EXPECT_EQ(repair_journal(other.path() + "-none", other.path() + "-2", now).error().code, errc::not_found);
    EXPECT_FALSE(fs::exists(other.path() + "-2.partial"));
}

// One frame is lost: all jobs but its own are there, and those that may have been in it are named.
TEST(JournalRepair, EveryFrameButTheDamagedOne)
{
    damaged_store damaged;
    const auto before = jobs_of(*damaged.folder.open(small_segments()));
    for (std::size_t i = 0; i + 2 < damaged.frames.size(); i += 1 + damaged.frames.size() / 12) {
        const auto& frame = damaged.frames[i];
        SCOPED_TRACE(frame.file + " at " + std::to_string(frame.begin));
        store_folder copy;
        store_folder other;
        damaged.copy_to(copy.path());
        flip(copy.path() + "/" + frame.file, frame.begin + 41);
        auto report = repair_journal(copy.path(), other.path(), now);
        ASSERT_TRUE(report) << report.error().message();
        EXPECT_FALSE(report->nothing_lost());
        ASSERT_EQ(report->lost.size(), 1u);
        EXPECT_EQ(report->lost[0].frames, 1u);
        EXPECT_EQ(report->lost[0].sequence, frame.sequence);
        EXPECT_EQ(report->lost[0].begin, frame.begin);
        const auto after = jobs_of(*other.open());
        std::size_t differ = 0;
        for (const auto& [id, record] : before) {
            const auto at = after.find(id);
            const auto wanted = record.state == state::processing ? state::pending : record.state;
            differ += at == after.end() || at->second.state != wanted ? 1 : 0;
        }
        EXPECT_LE(differ, 1u);
        EXPECT_GE(after.size() + 1, before.size());
        if (differ == 1 && after.size() >= before.size()) {
            EXPECT_GT(report->doubtful, 0u);
        }
        expect_sound(other.path());
    }
}

TEST(JournalRepair, SegmentsAndHeaders)
{
    damaged_store damaged;
    const auto all = jobs_of(*damaged.folder.open(small_segments())).size();
    const auto repaired = [&](auto&& harm) {
        store_folder copy;
        store_folder other;
        damaged.copy_to(copy.path());
        harm(copy.path() + "/");
        auto report = repair_journal(copy.path(), other.path(), now);
        EXPECT_TRUE(report) << report.error().message();
        expect_sound(other.path());
        return std::move(*report);
    };
    const auto first = journal::segment_name(1), middle = journal::segment_name(2);
    const auto header = repaired([&](const std::string& in) { flip(in + first, 50); });
    EXPECT_EQ(header.jobs, all) << "the frames say which file they belong to";
    EXPECT_EQ(header.lost.size(), 1u);
    const auto gone = repaired([&](const std::string& in) { fs::remove(in + middle); });
    EXPECT_LT(gone.jobs, all);
    EXPECT_GT(gone.jobs, 0u);
    ASSERT_EQ(gone.lost.size(), 1u);
    EXPECT_EQ(gone.lost[0].file, middle);
    EXPECT_GT(gone.lost[0].frames, 10u);
    EXPECT_GT(gone.doubtful, 0u);
    const auto lowest = repaired([&](const std::string& in) { fs::remove(in + first); });
    EXPECT_LT(lowest.jobs, all);
    EXPECT_FALSE(lowest.nothing_lost());
    const auto cut = repaired([&](const std::string& in) { fs::resize_file(in + first, 30'000); });
    EXPECT_LT(cut.jobs, all);
    ASSERT_GE(cut.lost.size(), 1u);
    EXPECT_EQ(cut.lost[0].begin, 30'000u);
    std::string newest;
    for (const auto& frame : damaged.frames) newest = frame.file;
    const auto last = repaired([&](const std::string& in) { fs::remove(in + newest); });
    EXPECT_FALSE(last.nothing_lost()) << "the control page remembers what had been written";
    const auto output = repaired([&](const std::string& in) {
        for (const auto& [name, bytes] : fingerprint(in))
            if (name.ends_with(".out")) return static_cast<void>(fs::remove(in + name));
    });
    EXPECT_EQ(output.lost_outputs, 1u);
}

}  // namespace
}  // namespace queuectl::journal_testing
