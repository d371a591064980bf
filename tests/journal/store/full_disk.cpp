// A disk that is full: new jobs are refused whole, what runs is still settled, and all goes on when there is room.
#include "journal/store/jobs.hpp"
#include "journal/store/mounts.hpp"

#include <sys/resource.h>
#include <sys/statvfs.h>

#include <csignal>
#include <fcntl.h>

namespace queuectl::journal_testing {
namespace {

namespace fs = std::filesystem;

// Takes every byte of the disk that `path` will be on, until the file is removed.
void take_all_room(const std::string& path)
{
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
    const std::string page(4096, 'x');
    while (::write(fd, page.data(), page.size()) > 0) {}
    ::close(fd);
    struct statvfs left {};
    ASSERT_EQ(::statvfs(path.c_str(), &left), 0);
    ASSERT_EQ(left.f_bfree, 0u);
}

// Puts jobs until they are refused; how many were taken.
int put_until_full(journal_storage& s, const std::string& name, std::size_t payload_bytes)
{
    for (int i = 0; i < 1'000'000; ++i) {
        const auto id = name + std::to_string(i);
        const auto refused = put(s, make_job(id, payload_bytes));
        if (!refused) continue;
        EXPECT_EQ(refused->code, errc::store_full) << refused->message();
        EXPECT_EQ(state_of(s, id), std::nullopt);
        return i;
    }
    ADD_FAILURE() << "it was never full";
    return 0;
}

std::uint64_t count(journal_storage& s, state which)
{
    std::vector<queue_counts> all;
    EXPECT_TRUE(s.counts(all));
    return all.empty() ? 0 : all[0][which];
}

// What must hold on a disk of a few MiB, when make_room() gives back what was taken from it by take_room().
template <class TakeRoom, class MakeRoom>
void live_on_a_small_disk(const std::string& path, TakeRoom&& take_room, MakeRoom&& make_room)
{
    auto opened = journal_storage::open(path);
    ASSERT_TRUE(opened) << opened.error().message();
    auto& s = *opened;
    EXPECT_FALSE(put(s, make_job("first")));
    for (int i = 0; i < 63; ++i) EXPECT_FALSE(put(s, make_job("run" + std::to_string(i))));
    const auto leases = take(s, 64);
    ASSERT_EQ(leases.size(), 64u);
    take_room();
    const int taken = put_until_full(s, "large", 2000);
    put_until_full(s, "small", 1);
    EXPECT_GT(taken, 0);
    EXPECT_EQ(count(s, state::processing), 64u);

    // The running jobs end, by the room that was kept for it; also in another process, which opens the store now.
    for (std::size_t i = 0; i < 32; ++i) EXPECT_FALSE(settle(s, completed(leases[i])));
    EXPECT_EQ(in_child([&] {
                  auto other = journal_storage::open(path);
                  if (!other) return 1;
                  for (std::size_t i = 32; i < 64; ++i)
                      if (settle(*other, completed(leases[i]))) return 2;
                  return 0;
              }),
              0);
    EXPECT_EQ(count(s, state::completed), 64u);
    EXPECT_EQ(state_of(s, "first"), state::completed);

    make_room();
    EXPECT_FALSE(put(s, make_job("later", 2000)));
    EXPECT_EQ(state_of(s, "later"), state::pending);
    EXPECT_EQ(take(s, 1).size(), 1u);
}

TEST(JournalFullDisk, RefusesJobsSettlesThoseThatRunAndGoesOn)
{
    const store_folder folder;
    const auto base = fs::path{folder.path()}.parent_path().string();
    EXPECT_EQ(in_child([&] {
                  if (const auto why = mount_small_disk(base, std::size_t{6} << 20); !why.empty()) {
                      std::printf("not on a small disk: %s\n", why.c_str());
                      return 0;
                  }
                  live_on_a_small_disk(
                      folder.path(), [&] { take_all_room(base + "/filler"); }, [&] { fs::remove(base + "/filler"); });
                  return 0;
              }),
              0);
}

// The same where a limit of the process takes the room.
TEST(JournalFullDisk, OfFilesThatMayNotGrow)
{
    const store_folder folder;
    EXPECT_EQ(in_child([&] {
                  ::signal(SIGXFSZ, SIG_IGN);
                  const auto limit = [](rlim_t bytes) {
                      const rlimit most{bytes, RLIM_INFINITY};
                      ::setrlimit(RLIMIT_FSIZE, &most);
                  };
                  live_on_a_small_disk(
                      folder.path(), [&] { limit(rlim_t{1} << 20); }, [&] { limit(RLIM_INFINITY); });
                  return 0;
              }),
              0);
}

// Files of the index may not grow: the jobs are so small that the log has room left.
TEST(JournalFullDisk, AnIndexThatCannotGrowRefusesJobsAndTheLogStaysWhole)
{
    const store_folder folder;
    {
        auto s = folder.open();
        std::vector<job> jobs(100);
        std::vector<insert_status> statuses(100);
        for (int i = 0; i < 40; ++i) {
            for (auto& j : jobs) j = make_job("a" + std::to_string(i) + "." + std::to_string(&j - jobs.data()), 1);
            ASSERT_TRUE(s->insert(jobs, statuses, at(1)));
        }
    }
    const auto limit = fs::file_size(folder.path() + "/index.blocks");
    EXPECT_EQ(in_child([&] {
                  ::signal(SIGXFSZ, SIG_IGN);
                  auto s = folder.open();
                  const auto leases = take(*s, 10);
                  const rlimit small{limit, limit};
                  ::setrlimit(RLIMIT_FSIZE, &small);
                  put_until_full(*s, "small", 1);
                  for (const auto& l : leases) EXPECT_FALSE(settle(*s, completed(l)));
                  EXPECT_EQ(count(*s, state::completed), 10u);
                  EXPECT_EQ(state_of(*s, "a0.0"), state::completed);
                  return 0;
              }),
              0);
    auto s = folder.open();
    EXPECT_EQ(count(*s, state::completed), 10u);
    EXPECT_FALSE(put(*s, make_job("later", 1)));
    for (const char* cache : {"control", "index.blocks", "index.buckets", "index.pages", "index.undo"})
        fs::remove(folder.path() + "/" + cache);
    const auto pending = count(*s, state::pending);
    s.reset();
    s = folder.open();
    EXPECT_EQ(count(*s, state::pending), pending) << "the log tells the same as the index";
    EXPECT_EQ(count(*s, state::completed), 10u);
}

// Output that is too long for the log is a file of its own.
TEST(JournalFullDisk, LongOutputLeavesTheLease)
{
    const store_folder folder;
    EXPECT_EQ(in_child([&] {
                  ::signal(SIGXFSZ, SIG_IGN);
                  auto s = folder.open();
                  EXPECT_FALSE(put(*s, make_job("a")));
                  const auto leases = take(*s, 1);
                  const rlimit small{2u << 20, 2u << 20};
                  ::setrlimit(RLIMIT_FSIZE, &small);
                  auto done = completed(leases.at(0));
                  done.report->output.head.assign(3u << 20, 'x');
                  const auto refused = settle(*s, done);
                  if (!refused || refused->code != errc::store_full) return 1;
                  for (const auto& file : fs::directory_iterator{folder.path()})
                      if (file.path().extension() == ".out") return 2;
                  done.report->output = {};
                  return settle(*s, done) ? 3 : 0;
              }),
              0);
}

}  // namespace
}  // namespace queuectl::journal_testing
