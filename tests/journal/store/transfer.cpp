// What a journal keeps of jobs that another store handed over.
#include "journal/store/jobs.hpp"
#include "journal/store/telling.hpp"

#include <queuectl/journal/repair.hpp>
#include <queuectl/testing/seeded_random.hpp>
#include <queuectl/verify.hpp>

#include <signal.h>

namespace queuectl::journal_testing {
namespace {

constexpr state states[] = {state::pending, state::completed, state::failed, state::dead, state::cancelled};

stored_job past(const std::string& id, state s, std::size_t output_bytes)
{
    stored_job j;
    j.record.job = make_job(id, 300);
    j.record.job.run_at = timestamp{duration{5}};
    j.record.state = s;
    j.record.attempts = 2;
    j.record.created_at = timestamp{duration{1}};
    j.record.updated_at = timestamp{duration{9}};
    j.record.settled_token = {fresh(), 1};
    j.record.error = s == state::completed ? "" : "failed";
    for (std::int32_t number = 1; number <= 2; ++number) {
        auto& run = j.attempts.emplace_back();
        run.number = number;
        run.exit_code = 1;
        run.error = "failed";
        run.worker = "w";
        run.output.head.assign(number == 2 ? output_bytes : 3, 'o');
        run.output_bytes = run.output.head.size();
    }
    return j;
}

std::vector<stored_job> some(const std::string& name, std::size_t n)
{
    std::vector<stored_job> jobs;
    for (std::size_t i = 0; i < n; ++i)
        jobs.push_back(past(name + std::to_string(i), states[i % 5], i % 20 == 0 ? 9000 : i % 70));
    return jobs;
}

void restore(journal_storage& store, const std::vector<stored_job>& jobs)
{
    std::vector<insert_status> statuses(jobs.size(), insert_status::kept);
    auto done = store.restore(jobs, statuses, at(10));
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(statuses, std::vector<insert_status>(jobs.size(), insert_status::inserted));
}

std::size_t output_files(const store_folder& folder)
{
    std::size_t files = 0;
    for (const auto& file : std::filesystem::directory_iterator{folder.path()})
        if (file.path().extension() == ".out") ++files;
    return files;
}

// Makes the log so long that it is compacted from its begin on.
void churn(journal_storage& store)
{
    const std::string value(16'000, 'v');
    for (int i = 0; i < 2000; ++i) ASSERT_TRUE(store.config_put({"churn", value, any_version, timestamp_max}, at(11)));
}

TEST(JournalTransfer, RestoredJobsOutliveTheIndexAndCompaction)
{
    store_folder folder;
    auto store = folder.open(short_segments());
    restore(*store, some("kept", 400));
    const auto before = tell_all(*store);
    store.reset();
    drop_index(folder);
    store = folder.open(short_segments());
    ASSERT_EQ(tell_all(*store), before);
    churn(*store);
    EXPECT_FALSE(std::filesystem::exists(folder.path() + "/0000000000000001.log"));
    ASSERT_TRUE(store->config_erase("churn"));
    store.reset();
    drop_index(folder);
    store = folder.open(short_segments());
    EXPECT_EQ(tell_all(*store), before);
    auto report = store->verify(at(12));
    ASSERT_TRUE(report) << report.error().message();
    ASSERT_TRUE(verify_facets(*store, *report));
    EXPECT_EQ(report->found, 0u) << (report->findings.empty() ? "" : report->findings[0].text);
}

TEST(JournalTransfer, RepairSavesRestoredJobs)
{
    store_folder folder;
    auto store = folder.open();
    restore(*store, some("kept", 100));
    const auto before = tell_all(*store);
    store.reset();
    store_folder other;
    auto report = repair_journal(folder.path(), other.path(), timestamp{std::chrono::hours{24 * 365 * 51}});
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->nothing_lost());
    EXPECT_EQ(report->jobs, 100u);
    EXPECT_EQ(tell_all(*other.open()), before);
}

TEST(JournalTransfer, ARepeatedCallLeavesNoFilesBehind)
{
    store_folder folder;
    auto store = folder.open();
    const auto jobs = some("a", 100);
    restore(*store, jobs);
    EXPECT_EQ(output_files(folder), 5u);
    restore(*store, jobs);
    EXPECT_EQ(output_files(folder), 5u);
    auto wrong = some("b", 40);
    wrong.back().record.state = state::processing;
    std::vector<insert_status> statuses(wrong.size());
    EXPECT_EQ(store->restore(wrong, statuses, at(10)).error().code, errc::invalid_argument);
    EXPECT_EQ(output_files(folder), 5u);
}

TEST(JournalTransfer, AStateSurvivesCompactionAndANewIndex)
{
    store_folder folder;
    auto store = folder.open(short_segments());
    ASSERT_TRUE(store->set_state(store_state::moving, "redis://there"));
    churn(*store);
    EXPECT_FALSE(std::filesystem::exists(folder.path() + "/0000000000000001.log"));
    store.reset();
    drop_index(folder);
    store = folder.open(short_segments());
    auto info = store->info();
    ASSERT_TRUE(info);
    EXPECT_EQ(info->state, store_state::moving);
    EXPECT_EQ(info->moved_to, "redis://there");
}

// A batch is there whole or not at all, and what was acknowledged is there.
TEST(JournalTransfer, KilledAtAnyMoment)
{
    for (int round = 0; round < 8; ++round) {
        store_folder folder;
        int told[2];
        ASSERT_EQ(::pipe(told), 0);
        const auto child = ::fork();
        if (child == 0) {
            auto store = folder.open();
            for (int batch = 0; batch < 1000; ++batch) {
                restore(*store, some("b" + std::to_string(batch) + "-", 25));
                if (::write(told[1], "+", 1) != 1) ::_exit(1);
            }
            ::_exit(0);
        }
        char byte = 0;
        for (int i = 0; i <= round; ++i) ASSERT_EQ(::read(told[0], &byte, 1), 1);
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        ::close(told[1]);
        std::size_t acknowledged = static_cast<std::size_t>(round) + 1;
        while (::read(told[0], &byte, 1) == 1) ++acknowledged;
        ::close(told[0]);
        std::vector<queue_counts> counts;
        auto store = folder.open();
        ASSERT_TRUE(store->counts(counts));
        std::uint64_t there = 0;
        for (const auto s : states) there += counts.at(0)[s];
        EXPECT_EQ(there % 25, 0u);
        EXPECT_GE(there, acknowledged * 25);
    }
}

}  // namespace
}  // namespace queuectl::journal_testing
