// What a journal keeps: through compaction, and when its index is made anew from the log.
#include "journal/store/folder.hpp"
#include "journal/store/telling.hpp"

#include <queuectl/testing/seeded_random.hpp>

#include <fstream>

namespace queuectl::journal_testing {
namespace {

namespace fs = std::filesystem;

std::uintmax_t log_bytes(const store_folder& folder)
{
    std::uintmax_t bytes = 0;
    for (const auto& file : fs::directory_iterator{folder.path()})
        if (file.path().extension() == ".log") bytes += file.file_size();
    return bytes;
}
// A person and a worker who do as chance will have it.
class random_life {
public:
    random_life(journal_storage& store, std::uint64_t seed) : store_{&store}, random_{seed} {}

    void step()
    {
        now_.wall += std::chrono::milliseconds{10};
        now_.boot += std::chrono::milliseconds{10};
        switch (random_.below(10)) {
            case 0:
            case 1:
            case 2: return insert();
            case 3:
            case 4:
            case 5: return work();
            case 6: return change();
            case 7: return put();
            default: return work();
        }
    }
    void use(journal_storage& store) { store_ = &store; }

private:
    void insert()
    {
        std::vector<job> jobs(1 + random_.below(20));
        for (auto& j : jobs) {
            j.id = "j" + std::to_string(random_.below(100'000));
            j.queue = "q" + std::to_string(random_.below(3));
            j.kind = "shell";
            j.payload.assign(random_.below(2000), static_cast<char>('a' + random_.below(26)));
            j.tag = "t" + std::to_string(random_.below(4));
            j.priority = static_cast<std::int8_t>(random_.below(3));
            j.run_at = now_.wall;
            j.retention = random_.below(4) == 0 ? duration{0} : std::chrono::hours{1};
            j.nonce = {1, random_.below(~std::uint64_t{0}) | 1};
        }
        std::vector<insert_status> statuses(jobs.size());
        EXPECT_TRUE(store_->insert(jobs, statuses, now_));
    }
    void work()
    {
        claim_request request;
        request.max = 1 + random_.below(20);
        const std::string worker = "w" + std::to_string(random_.below(3));
        request.worker = worker;
        request.nonce = {2, random_.below(~std::uint64_t{0}) | 1};
        request.lease = std::chrono::seconds{1 + random_.below(3)};
        std::vector<lease> leases;
        EXPECT_TRUE(store_->claim(request, leases, now_));
        std::vector<settlement> ended;
        for (const auto& l : leases) {
            if (random_.below(10) == 0) continue;  // died
            auto& s = ended.emplace_back();
            s.receipt = l.receipt();
            s.verdict.kind = static_cast<verdict_kind>(random_.below(5));
            s.verdict.retry_at = now_.wall + std::chrono::milliseconds{random_.below(500)};
            if (s.verdict.kind == verdict_kind::release) continue;
            s.report.emplace();
            s.report->exit_code = static_cast<std::int32_t>(random_.below(3));
            s.report->error = s.verdict.kind == verdict_kind::complete ? "" : "failed " + l.job.id;
            s.report->output.head.assign(random_.below(20) == 0 ? 6000 : random_.below(100), 'o');
        }
        std::vector<settle_status> statuses(ended.size());
        EXPECT_TRUE(store_->settle(ended, statuses, now_));
    }
    void change()
    {
        std::vector<job_record> some;
        page_request page;
        page.after = random_.below(5000);
        page.limit = 5;
        EXPECT_TRUE(store_->list({}, page, some));
        std::vector<std::string> ids;
        for (const auto& r : some) ids.push_back(r.job.id);
        std::vector<change_status> statuses(ids.size());
        switch (random_.below(4)) {
            case 0: EXPECT_TRUE(store_->revive(ids, statuses, now_)); break;
            case 1: EXPECT_TRUE(store_->cancel(ids, statuses, now_)); break;
            case 2: EXPECT_TRUE(store_->remove(ids, statuses)); break;
            default:
                if (!ids.empty()) {
                    EXPECT_TRUE(store_->reprioritise(ids[0], 2, now_));
                }
        }
        job_filter old;
        old.updated_before = now_.wall - std::chrono::seconds{2};
        EXPECT_TRUE(store_->purge(old, 100));
    }
    void put()
    {
        config_entry entry;
        entry.key = "k" + std::to_string(random_.below(5));
        entry.value.assign(random_.below(300), 'v');
        entry.version = any_version;
        EXPECT_TRUE(store_->config_put(entry, now_));
        if (random_.below(5) == 0) {
            EXPECT_TRUE(store_->config_erase(entry.key));
        }
    }

    journal_storage* store_;
    seeded_random random_;
    instant now_{timestamp{std::chrono::hours{24 * 365 * 50}}, std::chrono::hours{100}, uid{7, 7}};
};

TEST(JournalLife, AnIndexMadeAnewFromTheLogTellsTheSame)
{
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        store_folder folder;
        auto store = folder.open(short_segments());
        random_life life{*store, seed};
        for (int round = 0; round < 4; ++round) {
            for (int i = 0; i < 150; ++i) life.step();
            const std::string before = tell_all(*store);
            store.reset();
            drop_index(folder);
            store = folder.open(short_segments());
            life.use(*store);
            ASSERT_EQ(tell_all(*store), before);
        }
    }
}

TEST(JournalLife, CompactionBoundsTheLogAndLosesNothing)
{
    store_folder folder;
    auto store = folder.open(short_segments());
    random_life life{*store, 99};
    for (int i = 0; i < 12'000; ++i) life.step();
    const std::string before = tell_all(*store);
    EXPECT_LT(log_bytes(folder), 20u << 20);
    EXPECT_FALSE(fs::exists(folder.path() + "/0000000000000001.log"));
    store.reset();
    drop_index(folder);
    store = folder.open(short_segments());
    ASSERT_EQ(tell_all(*store), before);
}

// Its log only is believed: the mapped files may have been copied at another time.
TEST(JournalLife, ACopyOfTheFolderIsAStoreOfItsOwn)
{
    store_folder folder;
    auto store = folder.open(short_segments());
    random_life life{*store, 7};
    for (int i = 0; i < 50; ++i) life.step();
    const std::string before = tell_all(*store);
    const std::string other = folder.path() + "-copy";
    fs::copy(folder.path(), other, fs::copy_options::recursive);
    {
        std::ofstream garbage{other + "/index.blocks", std::ios::in | std::ios::binary};
        garbage.seekp(30'000);
        garbage << std::string(20'000, 'x');
    }
    auto copy = journal_storage::open(other, short_segments());
    ASSERT_TRUE(copy) << copy.error().message();
    EXPECT_EQ(tell_all(*copy), before);
}

}  // namespace
}  // namespace queuectl::journal_testing
