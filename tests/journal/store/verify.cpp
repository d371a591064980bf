// What verify finds in a journal: nothing in a sound one; damage by file and offset; an index that is wrong.
#include "journal/store/damaged_store.hpp"

#include <queuectl/verify.hpp>

namespace queuectl::journal_testing {
namespace {

TEST(JournalVerify, ASoundStoreIsCleanWhateverItWentThrough)
{
    store_folder folder;
    auto store = folder.open(small_segments());
    for (int i = 0; i < 3000; ++i) {
        one_life(*store, i, 16);
        if (i % 300 != 0) continue;
        std::vector<std::string> ids;
        for (int old = std::max(0, i - 300); old < i; ++old) ids.push_back("job-" + std::to_string(old));
        std::vector<change_status> statuses(ids.size());
        ASSERT_TRUE(store->cancel(ids, statuses, {}));
        ASSERT_TRUE(store->purge({}, 1000));
        auto report = store->verify({});
        ASSERT_TRUE(report) << report.error().message();
        EXPECT_EQ(text(*report), "");
        EXPECT_GT(report->bytes, 0u);
    }
    EXPECT_FALSE(fs::exists(folder.path() + "/" + journal::segment_name(1))) << "compaction has trimmed the log";
    verify_report report;
    ASSERT_TRUE(verify_facets(*store, report));
    EXPECT_EQ(text(report), "");
}

// Flips one byte of one frame after another: each is found, at its place.
TEST(JournalVerify, EveryFlippedByteIsNamedByFileAndOffset)
{
    damaged_store damaged;
    for (std::size_t i = 0; i + 2 < damaged.frames.size(); i += 1 + damaged.frames.size() / 25) {
        const auto& frame = damaged.frames[i];
        SCOPED_TRACE(frame.file + " at " + std::to_string(frame.begin));
        store_folder copy;
        damaged.copy_to(copy.path());
        flip(copy.path() + "/" + frame.file, frame.begin + 41);
        auto view = journal_view::open(copy.path());
        ASSERT_TRUE(view) << view.error().message();
        EXPECT_EQ(view->why().code, errc::corrupt);
        auto report = view->verify({});
        ASSERT_TRUE(report);
        EXPECT_TRUE(report->damaged);
        EXPECT_EQ(text(*report), "damage: " + frame.file + ": offsets " + std::to_string(frame.begin) + " to " +
                                     std::to_string(frame.end) + ": 1 frame missing, from " +
                                     std::to_string(frame.sequence) + " on: bytes that are no frame\n");
    }
}

TEST(JournalVerify, ALiveStoreWhoseLogIsDamagedBehindItsBack)
{
    damaged_store damaged;
    auto store = damaged.folder.open(small_segments());
    std::vector<queue_counts> counts;
    ASSERT_TRUE(store->counts(counts));
    flip(damaged.folder.path() + "/" + damaged.frames[3].file, damaged.frames[3].begin + 41);
    ASSERT_TRUE(store->counts(counts)) << "the index is believed";
    auto report = store->verify({});
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->damaged);
    EXPECT_NE(text(*report).find(": offsets " + std::to_string(damaged.frames[3].begin)), std::string::npos)
        << text(*report);
}

TEST(JournalVerify, SegmentsThatAreMissingOrCutOff)
{
    damaged_store damaged;
    {
        store_folder copy;
        damaged.copy_to(copy.path());
        fs::remove(copy.path() + "/" + journal::segment_name(2));
        auto view = journal_view::open(copy.path());
        ASSERT_TRUE(view);
        EXPECT_NE(text(*view->verify({})).find("damage: 0000000000000002.log: "), std::string::npos);
        EXPECT_NE(text(*view->verify({})).find("the file is missing"), std::string::npos);
    }
    {
        store_folder copy;
        damaged.copy_to(copy.path());
        fs::resize_file(copy.path() + "/" + journal::segment_name(1), 1000);
        auto view = journal_view::open(copy.path());
        ASSERT_TRUE(view);
        EXPECT_NE(text(*view->verify({})).find("damage: 0000000000000001.log: offsets 1000 to "), std::string::npos);
    }
}

TEST(JournalVerify, AnIndexThatIsNotWhatTheLogSays)
{
    damaged_store damaged;
    auto store = damaged.folder.open(small_segments());
    std::vector<job_record> jobs;
    ASSERT_TRUE(store->list({}, {}, jobs));
    const std::string id = jobs.at(5).job.id;
    const std::string blocks = damaged.folder.path() + "/index.blocks";
    const auto at = fingerprint(damaged.folder.path())["index.blocks"].find(id + '\0');
    ASSERT_NE(at, std::string::npos);
    flip(blocks, at);
    auto report = store->verify({});
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->damaged);
    EXPECT_NE(text(*report).find("damage: the index differs from the log in the id of job " + id), std::string::npos)
        << text(*report);
}

TEST(JournalVerify, AnIndexWhosePagesAreGarbage)
{
    damaged_store damaged;
    auto store = damaged.folder.open(small_segments());
    ASSERT_TRUE(store->info());
    std::fstream pages{damaged.folder.path() + "/index.pages", std::ios::in | std::ios::out | std::ios::binary};
    pages << std::string(4096, '\xee');
    pages.close();
    auto report = store->verify({});
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->damaged);
}

TEST(JournalVerify, OutputFilesOfNobody)
{
    damaged_store damaged;
    auto store = damaged.folder.open(small_segments());
    const instant later{timestamp{std::chrono::seconds{std::time(nullptr)} + std::chrono::hours{2}}, {}, {}};
    EXPECT_EQ(text(*store->verify(later)), "") << "those of runs are no orphans";
    std::ofstream{damaged.folder.path() + "/" + journal::output_name(0x77)} << "nobody's";
    const instant at_once{timestamp{std::chrono::seconds{std::time(nullptr)}}, {}, {}};
    EXPECT_EQ(text(*store->verify(at_once)), "") << "a settle that has not ended may have written it";
    EXPECT_EQ(text(*store->verify(later)), "leftover: output file 0000000000000077.out belongs to no run\n");
    EXPECT_EQ(store->sweep_outputs(later)->removed, 1u);
    EXPECT_EQ(text(*store->verify(later)), "");
}

TEST(JournalVerify, AnOutputFileThatIsNotAsItWasWritten)
{
    damaged_store damaged;
    auto store = damaged.folder.open(small_segments());
    const instant later{timestamp{std::chrono::seconds{std::time(nullptr)} + std::chrono::hours{2}}, {}, {}};
    std::vector<job_record> records;
    ASSERT_TRUE(store->list({}, {}, records));
    const auto had_output = [&](const job_record& r) {
        const auto out = store->output(r.job.id, 1);
        return out && journal::needs_file(*out);
    };
    const auto job = std::find_if(records.begin(), records.end(), had_output);
    ASSERT_NE(job, records.end());
    std::vector<fs::path> files;
    for (const auto& file : fs::directory_iterator{damaged.folder.path()})
        if (file.path().extension() == ".out") files.push_back(file.path());
    ASSERT_GT(files.size(), 1u);
    for (const auto& file : files) flip(file, fs::file_size(file) / 2);
    const auto refused = store->output(job->job.id, 1);
    ASSERT_FALSE(refused) << "an output that nobody wrote is not handed out";
    EXPECT_EQ(refused.error().code, errc::corrupt) << refused.error().message();
    auto report = store->verify(later);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->found, files.size());
    EXPECT_NE(text(*report).find(".out: the output is damaged"), std::string::npos) << text(*report);
    EXPECT_TRUE(report->damaged);
    for (const auto& file : files) flip(file, fs::file_size(file) / 2);
    EXPECT_EQ(text(*store->verify(later)), "");
    fs::rename(files[0], files[1]);
    EXPECT_NE(text(*store->verify(later)).find("the output is damaged"), std::string::npos) << "it is another's";
}

TEST(JournalView, TellsWhatComesBeforeTheDamageAndRefusesToWrite)
{
    damaged_store damaged;
    const auto& frame = damaged.frames[damaged.frames.size() / 2];
    flip(damaged.folder.path() + "/" + frame.file, frame.begin + 41);
    const auto before = fingerprint(damaged.folder.path());
    {
        auto view = journal_view::open(damaged.folder.path());
        ASSERT_TRUE(view) << view.error().message();
        EXPECT_NE(view->why().message().find(frame.file + ": damage at offset " + std::to_string(frame.begin)),
                  std::string::npos)
            << view->why().message();
        std::vector<job_record> jobs;
        ASSERT_TRUE(view->list({}, {}, jobs));
        ASSERT_FALSE(jobs.empty());
        EXPECT_EQ((*view->find(jobs[0].job.id))->job.payload, jobs[0].job.payload);
        verify_report report;
        ASSERT_TRUE(verify_facets(*view, report));
        EXPECT_EQ(text(report), "");
        job j;
        j.id = "new";
        j.queue = "q";
        insert_status status{};
        EXPECT_EQ(view->insert({&j, 1}, {&status, 1}, {}).error().code, errc::corrupt);
        change_status changed{};
        EXPECT_EQ(view->remove({&jobs[0].job.id, 1}, {&changed, 1}).error().code, errc::corrupt);
        settlement s;
        s.report.emplace();
        s.report->output.head.assign(10'000, 'x');
        settle_status settled{};
        EXPECT_EQ(view->settle({&s, 1}, {&settled, 1}, {}).error().code, errc::corrupt);
    }
    EXPECT_EQ(fingerprint(damaged.folder.path()), before) << "not a byte has changed";
}

}  // namespace
}  // namespace queuectl::journal_testing
