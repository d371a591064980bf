// Garbage in the memory that processes share, written by somebody else: no verb may fault, and nothing of it gets into
// the log.
#include "journal/store/jobs.hpp"

#include <queuectl/testing/effort.hpp>
#include <queuectl/testing/seeded_random.hpp>

#include <fstream>

namespace queuectl::journal_testing {
namespace {

namespace fs = std::filesystem;

const char* const index_files[] = {"index.blocks", "index.buckets", "index.pages", "index.undo"};

void fill(journal_storage& s)
{
    for (int i = 0; i < 60; ++i) {
        auto j = make_job("job" + std::to_string(i));
        j.queue = "q" + std::to_string(i % 3);
        j.priority = static_cast<std::int8_t>(i % 2);
        EXPECT_FALSE(put(s, j));
    }
    const auto leases = take(s, 20);
    for (std::size_t i = 0; i < 10; ++i) EXPECT_FALSE(settle(s, completed(leases[i])));
    config_entry entry;
    entry.key = "k";
    entry.value = "v";
    EXPECT_TRUE(s.config_put(entry, at(4)));
}

// Calls every verb; 0 when each ended, whatever it said.
int use(const std::string& path)
{
    ::alarm(20);
    auto s = journal_storage::open(path);
    if (!s) return 1;
    const auto j = make_job("new");
    insert_status inserted{};
    static_cast<void>(s->insert({&j, 1}, {&inserted, 1}, at(5)));
    std::vector<job_record> records;
    static_cast<void>(s->list({}, {}, records));
    std::vector<queue_counts> counts;
    static_cast<void>(s->counts(counts));
    for (const char* id : {"job0", "job5", "job30", "nobody"}) static_cast<void>(s->find(id));
    claim_request request;
    request.max = 10;
    request.worker = "w";
    request.nonce = fresh();
    std::vector<lease> leases;
    static_cast<void>(s->claim(request, leases, at(6)));
    std::vector<settlement> ended;
    for (const auto& l : leases) ended.push_back(completed(l));
    std::vector<settle_status> settled(ended.size());
    static_cast<void>(s->settle(ended, settled, at(7)));
    const std::vector<std::string> ids{"job1", "job40"};
    std::vector<change_status> changed(2);
    static_cast<void>(s->cancel(ids, changed, at(8)));
    static_cast<void>(s->revive(ids, changed, at(9)));
    static_cast<void>(s->reprioritise("job41", 3, at(9)));
    static_cast<void>(s->remove(ids, changed));
    static_cast<void>(s->free_worker("w", "it died", at(10)));
    static_cast<void>(s->purge({}, 5));
    static_cast<void>(s->config_get("k", at(11)));
    return 0;
}

void spoil(const std::string& file, seeded_random& random)
{
    std::fstream bytes{file, std::ios::in | std::ios::out | std::ios::binary};
    const auto size = fs::file_size(file);
    for (auto n = 1 + random.below(200); n > 0; --n) {
        bytes.seekp(static_cast<std::streamoff>(random.below(std::min<std::uint64_t>(size, 40'000))));
        for (auto i = 1 + random.below(8); i > 0; --i) bytes.put(static_cast<char>(random.below(256)));
    }
}

TEST(JournalGarbage, InTheIndexMakesNoVerbFaultAndTheLogStaysWhole)
{
    const store_folder folder;
    {
        auto s = folder.open();
        fill(*s);
    }
    const auto kept = folder.path() + ".kept";
    fs::copy(folder.path(), kept);
    seeded_random random{7};
    for (std::size_t round = 0; round < effort(60, 5000); ++round) {
        for (const auto& file : fs::directory_iterator{kept}) {  // in place: the store knows its folder
            std::ifstream from{file.path(), std::ios::binary};
            std::ofstream{folder.path() / file.path().filename(), std::ios::binary} << from.rdbuf();
        }
        spoil(folder.path() + "/" + index_files[round % 4 < 2 ? 0 : round % 4 - 1], random);
        ASSERT_EQ(in_child([&] { return use(folder.path()); }), 0) << "seed 7, round " << round;
        for (const char* cache : index_files) fs::remove(folder.path() + "/" + cache);
        auto s = folder.open();
        std::vector<queue_counts> counts;
        ASSERT_TRUE(s->counts(counts)) << "seed 7, round " << round;
    }
    fs::remove_all(kept);
}

}  // namespace
}  // namespace queuectl::journal_testing
