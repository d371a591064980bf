// How much memory the index takes for a job, and how much disk a small store.
#include "journal/store/folder.hpp"

#include <queuectl/testing/effort.hpp>

#include <fstream>

#include <malloc.h>

namespace queuectl::journal_testing {
namespace {

constexpr std::size_t id_bytes = 16;  // what an id of 14 bytes takes

instant at(int seconds)
{
    return {timestamp{std::chrono::hours{24 * 365 * 50}}, std::chrono::seconds{seconds}, uid{7, 7}};
}

std::unique_ptr<journal_storage> open(const store_folder& folder)
{
    journal_options options;
    options.durability = durability::none;
    return folder.open(options);
}

void insert(journal_storage& store, int first, int count)
{
    std::vector<job> jobs(static_cast<std::size_t>(count));
    for (auto& j : jobs) {
        const auto number = std::to_string(first++);
        j.id = "j" + std::string(13 - number.size(), '0') + number;
        j.queue = "default";
        j.kind = "shell";
        j.payload = "true";
        j.run_at = at(0).wall;
        j.retention = std::chrono::hours{1};
        j.nonce = {1, 1};
    }
    std::vector<insert_status> statuses(jobs.size());
    ASSERT_TRUE(store.insert(jobs, statuses, at(0)));
}

void complete(journal_storage& store, std::size_t count)
{
    claim_request request;
    request.max = count;
    request.nonce = {2, 2};
    std::vector<lease> leases;
    ASSERT_TRUE(store.claim(request, leases, at(0)));
    ASSERT_EQ(leases.size(), count);
    std::vector<settlement> ended;
    for (const auto& l : leases) {
        auto& s = ended.emplace_back();
        s.receipt = l.receipt();
        s.report.emplace();
        s.report->status = run_status::succeeded;
    }
    std::vector<settle_status> statuses(ended.size());
    ASSERT_TRUE(store.settle(ended, statuses, at(0)));
}

double bytes_each(journal_storage& store, std::uint64_t before, int jobs)
{
    return static_cast<double>(store.index_bytes() - before) / jobs - id_bytes;
}

TEST(JournalSize, AWaitingJobTakesAtMost150BytesBesideItsId)
{
    store_folder folder;
    auto store = open(folder);
    insert(*store, 0, 1000);
    const auto before = store->index_bytes();
    for (int i = 1; i <= 20; ++i) insert(*store, i * 1000, 1000);
    EXPECT_LE(bytes_each(*store, before, 20'000), 150);
}

TEST(JournalSize, AFinishedJobTakesAtMost40BytesBesideItsId)
{
    store_folder folder;
    auto store = open(folder);
    insert(*store, 0, 1000);
    complete(*store, 1000);
    const auto before = store->index_bytes();
    for (int i = 1; i <= 20; ++i) {
        insert(*store, i * 1000, 1000);
        complete(*store, 1000);
    }
    EXPECT_LE(bytes_each(*store, before, 20'000), 40.5);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
// What the process has for itself: neither the files nor what it shares by them. (Sanitizers keep freed memory.)
std::size_t private_bytes()
{
    ::malloc_trim(0);
    std::ifstream file{"/proc/self/smaps_rollup"};
    for (std::string word; file >> word;)
        if (std::size_t kib = 0; word == "Anonymous:" && file >> kib) return kib << 10U;
    ADD_FAILURE() << "the system does not tell";
    return 0;
}

// Claims and ends some jobs, and looks at all of them; the most private memory that was seen meanwhile.
std::size_t use(journal_storage& store)
{
    std::size_t most = 0;
    for (int i = 0; i < 10; ++i) {
        complete(store, 100);
        most = std::max(most, private_bytes());
    }
    for (page_request page;;) {
        std::vector<job_record> records;
        auto next = store.list({}, page, records);
        EXPECT_TRUE(next);
        most = std::max(most, private_bytes());
        if (!next || (page.after = *next) == 0) return most;
    }
}

// The index and the payloads are mapped and shared, whatever the number of jobs.
TEST(JournalSize, AProcessTakesAtMost16MiBForItself)
{
    const auto jobs = static_cast<int>(effort(200'000, 1'000'000));
    store_folder folder;
    {
        auto store = open(folder);
        for (int i = 0; i < jobs; i += 1000) insert(*store, i, 1000);
        EXPECT_GT(store->index_bytes(), std::size_t{20} << 20U) << "too few to tell";
    }
    const auto before = private_bytes();
    auto store = open(folder);
    const auto used = use(*store);
    std::printf("%d jobs: %zu bytes of its own before it opens the store, %zu while it uses it\n", jobs, before, used);
    EXPECT_LE(used, before + (16U << 20U));
    // Its index is lost: it is made from the log.
    store.reset();
    for (const auto& file : std::filesystem::directory_iterator{folder.path()})
        if (file.path().filename().string().starts_with("index")) std::filesystem::remove(file.path());
    store = open(folder);
    EXPECT_LE(use(*store), before + (16U << 20U));
}
#endif

TEST(JournalSize, AnAlmostEmptyStoreTakesAtMost8MiB)
{
    store_folder folder;
    auto store = open(folder);
    insert(*store, 0, 1);
    complete(*store, 1);
    std::uintmax_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator{folder.path()})
        if (file.is_regular_file()) bytes += file.file_size();
    EXPECT_LE(bytes, 8u << 20);
}

// 65,536 pairs of a queue and a kind are what a store can hold; a job of one more is refused, and nothing else.
TEST(JournalSize, OneKindTooManyIsRefusedBeforeItIsInTheLog)
{
    store_folder folder;
    const auto named = [](int kind) {
        job j;
        j.id = j.kind = "k" + std::to_string(kind);
        j.queue = "default";
        j.nonce = {1, 1};
        return j;
    };
    std::vector<job> jobs;
    std::vector<insert_status> statuses(1000);
    {
        auto filling = open(folder);
        for (int kind = 0; kind < 65'536; ++kind) {
            jobs.push_back(named(kind));
            if (jobs.size() < 1000 && kind < 65'535) continue;
            ASSERT_TRUE(filling->insert(jobs, statuses, at(0)));
            jobs.clear();
        }
    }
    auto store = folder.open();
    for (int i = 0; i < 2; ++i) {
        jobs = {named(65'536)};
        const auto refused = store->insert(jobs, statuses, at(0));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, errc::store_full) << refused.error().message();
    }
    jobs = {named(7)};
    jobs[0].id = "other";
    const auto taken = store->insert(jobs, statuses, at(0));
    ASSERT_TRUE(taken) << taken.error().message();
    EXPECT_EQ(statuses[0], insert_status::inserted);
}

}  // namespace
}  // namespace queuectl::journal_testing
