// A journal of some segments with jobs in every state, to be damaged.
#ifndef QUEUECTL_TESTS_JOURNAL_STORE_DAMAGED_STORE_HPP
#define QUEUECTL_TESTS_JOURNAL_STORE_DAMAGED_STORE_HPP

#include "journal/store/folder.hpp"

#include <queuectl/journal/view.hpp>

#include <ctime>
#include <fstream>
#include <map>
#include <sstream>

namespace queuectl::journal_testing {

namespace fs = std::filesystem;

inline journal_options small_segments()
{
    journal_options options;
    options.durability = durability::none;
    options.sizes = {64 << 10, 128 << 10};
    return options;
}

inline std::string text(const verify_report& report)
{
    std::string all;
    for (const auto& f : report.findings) all += std::string{name(f.kind)} + ": " + f.text + '\n';
    return all;
}

// Inserts a job, and does to one what belongs to the number: it completes (now and then with an output file), fails and
// waits, dies, is being run, or just waits. Ended ones are removed later on.
inline void one_life(journal_storage& store, int i, int payload_times = 1)
{
    const instant now{timestamp{std::chrono::hours{24 * 365 * 50} + std::chrono::seconds{i}}, std::chrono::seconds{i},
                      uid{7, 7}};
    job j;
    j.id = "job-" + std::to_string(i);
    j.queue = "q" + std::to_string(i % 3);
    j.kind = "shell";
    j.payload.assign(static_cast<std::size_t>(i * 37 % 900 * payload_times), 'p');
    j.run_at = now.wall;
    j.retention = std::chrono::hours{1};
    j.nonce = {1, static_cast<std::uint64_t>(i) + 1};
    insert_status inserted{};
    ASSERT_TRUE(store.insert({&j, 1}, {&inserted, 1}, now));
    if (i % 5 == 4) return;
    claim_request request;
    request.max = 1;
    request.worker = "w";
    request.nonce = {2, static_cast<std::uint64_t>(i) + 1};
    request.lease = std::chrono::hours{1000};
    std::vector<lease> leases;
    ASSERT_TRUE(store.claim(request, leases, now));
    if (leases.empty() || i % 11 == 10) return;
    settlement s;
    s.receipt = leases[0].receipt();
    s.report.emplace();
    constexpr verdict_kind kinds[] = {verdict_kind::complete, verdict_kind::complete, verdict_kind::bury,
                                      verdict_kind::complete};
    s.verdict.kind = kinds[i % 4];
    s.report->status = s.verdict.kind == verdict_kind::complete ? run_status::succeeded : run_status::failed;
    s.report->error = s.verdict.kind == verdict_kind::complete ? "" : "it failed";
    s.report->output.head.assign(i % 50 == 8 ? 6000 : 20, 'o');
    settle_status settled{};
    ASSERT_TRUE(store.settle({&s, 1}, {&settled, 1}, now));
    job_filter old;
    old.updated_before = now.wall - std::chrono::seconds{500};
    ASSERT_TRUE(store.purge(old, 5));
}

inline void flip(const std::string& path, std::uint64_t offset)
{
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekg(static_cast<std::streamoff>(offset));
    const auto c = static_cast<char>(file.get() ^ 0x10);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(c);
    ASSERT_TRUE(file.good());
}

// Of every file in the folder, but for what processes share: the control page and the lock.
inline std::map<std::string, std::string> fingerprint(const std::string& folder)
{
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator{folder}) {
        std::ostringstream bytes;
        bytes << std::ifstream{entry.path(), std::ios::binary}.rdbuf();
        files[entry.path().filename().string()] = bytes.str();
    }
    return files;
}

struct frame_in_file {
    std::string file;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t sequence = 0;
};

struct damaged_store {
    store_folder folder;
    std::vector<frame_in_file> frames;

    damaged_store()
    {
        {
            auto store = folder.open(small_segments());
            for (int i = 0; i < 400; ++i) one_life(*store, i);
        }
        auto files = journal::posix_file_system::open_folder(folder.path(), false);
        auto lost = journal::salvage_log(*files, *this);
        EXPECT_TRUE(lost && lost->lost.empty());
        EXPECT_TRUE(fs::exists(folder.path() + "/" + journal::segment_name(3)));
    }
    void frame(std::uint64_t sequence, const journal::frame_place& at, std::string_view body)
    {
        const auto begin = at.offset - journal::frame_header_bytes;
        frames.push_back(
            {journal::segment_name(at.segment), begin, begin + journal::frame_bytes(body.size()), sequence});
    }
    void gap(std::uint64_t) {}
    void copy_to(const std::string& path) const { fs::copy(folder.path(), path); }
};

}  // namespace queuectl::journal_testing

#endif
