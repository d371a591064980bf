// How much memory the index takes for a job, and how much disk a small store.
#include "journal/store/folder.hpp"

namespace queuectl::journal_testing {
namespace {

constexpr std::size_t id_bytes = 16;  // what an id of 14 bytes takes

instant at(int second)
{
    return {timestamp{std::chrono::hours{24 * 365 * 50}}, std::chrono::seconds{second}, uid{7, 7}};
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

}  // namespace
}  // namespace queuectl::journal_testing
