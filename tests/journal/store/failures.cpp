// What a journal refuses to open or to believe, and what it says then.
#include "journal/store/jobs.hpp"

#include <sys/stat.h>

#include <fstream>

namespace queuectl::journal_testing {
namespace {

namespace fs = std::filesystem;

const char* const first_segment = "0000000000000001.log";

errc refusal(const std::string& path, const journal_options& options = {})
{
    const auto s = journal_storage::open(path, options);
    EXPECT_FALSE(s) << path;
    if (!s) {
        EXPECT_EQ(s.error().message().find('\n'), std::string::npos);
    }
    return s ? errc::spawn_failed : s.error().code;
}

int mode_of(const std::string& path)
{
    struct stat what {};
    EXPECT_EQ(::lstat(path.c_str(), &what), 0) << path;
    return static_cast<int>(what.st_mode & 07777);
}

// What an error about damage must say.
void expect_damage(const error& e, const std::string& file)
{
    EXPECT_EQ(e.code, errc::corrupt) << e.message();
    EXPECT_NE(e.message().find(file), std::string::npos) << e.message();
    EXPECT_NE(e.message().find("offset "), std::string::npos) << e.message();
}

void overwrite(const std::string& path, std::uint64_t at, const std::string& bytes)
{
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(at));
    file << bytes;
    ASSERT_TRUE(file.flush());
}

TEST(JournalOpen, ModesDoNotDependOnTheUmask)
{
    for (const int mask : {0, 077, 0777}) {
        const store_folder folder;
        const auto before = ::umask(static_cast<mode_t>(mask));
        auto s = folder.open();
        EXPECT_FALSE(put(*s, make_job("a")));
        ::umask(before);
        EXPECT_EQ(mode_of(folder.path()), 0700);
        for (const auto& file : fs::directory_iterator{folder.path()}) EXPECT_EQ(mode_of(file.path()), 0600) << file;
    }
}

TEST(JournalOpen, AReadDoesNotCreate)
{
    const store_folder folder;
    journal_options options;
    options.create = false;
    EXPECT_EQ(refusal(folder.path(), options), errc::not_found);
    EXPECT_FALSE(fs::exists(folder.path()));
    fs::create_directory(folder.path());
    EXPECT_EQ(refusal(folder.path(), options), errc::not_found);
    EXPECT_TRUE(fs::is_empty(folder.path()));
    EXPECT_EQ(refusal(folder.path() + "/none/store"), errc::not_found);
    EXPECT_TRUE(journal_storage::open(folder.path())) << "an empty folder becomes a store";
}

TEST(JournalOpen, RefusesLinksFilesAndLooseModes)
{
    const store_folder folder;
    static_cast<void>(folder.open());
    fs::create_symlink(folder.path(), folder.path() + "2");
    EXPECT_EQ(refusal(folder.path() + "2"), errc::permission);
    std::ofstream{folder.path() + "3"} << "a file";
    EXPECT_EQ(refusal(folder.path() + "3"), errc::permission);
    ASSERT_EQ(::mkfifo((folder.path() + "4").c_str(), 0600), 0);
    EXPECT_EQ(refusal(folder.path() + "4"), errc::permission);
    for (const std::string inside : {"", "/lock", "/control", "/index.blocks", "/0000000000000001.log"}) {
        const auto mode = mode_of(folder.path() + inside);
        ::chmod((folder.path() + inside).c_str(), 0722);
        EXPECT_EQ(refusal(folder.path()), errc::permission) << inside;
        ::chmod((folder.path() + inside).c_str(), static_cast<mode_t>(mode));
    }
    EXPECT_TRUE(journal_storage::open(folder.path()));
}

TEST(JournalOpen, RefusesLinksAndPipesInside)
{
    for (const char* inside : {"lock", "sync", "control", "index.blocks", "index.undo", first_segment}) {
        const store_folder folder;
        fs::create_directory(folder.path());
        std::ofstream{folder.path() + "-victim"} << "x";
        fs::create_symlink(folder.path() + "-victim", folder.path() + "/" + inside);
        EXPECT_EQ(refusal(folder.path()), errc::permission) << inside;
        EXPECT_EQ(fs::file_size(folder.path() + "-victim"), 1u) << inside;
        fs::remove(folder.path() + "/" + inside);
        ASSERT_EQ(::mkfifo((folder.path() + "/" + inside).c_str(), 0600), 0);
        EXPECT_EQ(refusal(folder.path()), errc::permission) << inside;
    }
}

TEST(JournalOpen, RefusesAFolderOfOtherThings)
{
    const store_folder folder;
    fs::create_directory(folder.path());
    std::ofstream{folder.path() + "/letter.txt"} << "dear";
    EXPECT_EQ(refusal(folder.path()), errc::invalid_argument);
    EXPECT_EQ(std::distance(fs::directory_iterator{folder.path()}, {}), 1) << "nothing is put beside it";
    journal_options options;
    options.create = false;
    EXPECT_EQ(refusal(folder.path(), options), errc::invalid_argument);
    fs::remove(folder.path() + "/letter.txt");
    static_cast<void>(folder.open());
    std::ofstream{folder.path() + "/README"} << "whatever else people put into a store's folder";
    EXPECT_TRUE(journal_storage::open(folder.path()));
}

TEST(JournalOpen, WhatACreationLeftThatWasCutOffBecomesAStore)
{
    const store_folder folder;
    static_cast<void>(folder.open());
    fs::rename(folder.path() + "/" + first_segment, folder.path() + "/0000000000000001.new");
    for (const char* hint : {"/control", "/index.blocks", "/sync"}) {
        fs::remove(folder.path() + hint);
        auto s = folder.open();
        EXPECT_FALSE(put(*s, make_job("a")));
        s.reset();
        fs::rename(folder.path() + "/" + first_segment, folder.path() + "/0000000000000001.new");
        fs::remove(folder.path() + "/control");
    }
}

TEST(JournalOpen, OthersMayNotOpenItAndAReadOnlyFolderSaysSo)
{
    const store_folder folder;
    {
        auto s = folder.open();
        EXPECT_FALSE(put(*s, make_job("a")));
    }
    if (::geteuid() == 0) {
        fs::permissions(fs::path{folder.path()}.parent_path(), fs::perms{0755});
        EXPECT_EQ(in_child([&] {
                      ::chmod(folder.path().c_str(), 0755);
                      if (::setuid(65534) != 0) return 1;
                      return refusal(folder.path()) == errc::permission ? 0 : 2;
                  }),
                  0);
        ::chmod(folder.path().c_str(), 0700);
    }
    EXPECT_EQ(in_child([&] {
                  const auto parent = fs::path{folder.path()}.parent_path();
                  if (::geteuid() == 0 && (::chown(parent.c_str(), 65534, 65534) != 0 || ::setuid(65534) != 0))
                      return 1;
                  ::chmod(parent.c_str(), 0500);
                  const auto code = refusal(parent / "new");
                  ::chmod(parent.c_str(), 0700);
                  return code == errc::permission ? 0 : 2;
              }),
              0);
}

TEST(JournalOpen, RefusesANewerFormatInOneLine)
{
    const store_folder folder;
    {
        auto s = folder.open();
        EXPECT_FALSE(put(*s, make_job("a")));
    }
    const auto file = folder.path() + "/" + first_segment;
    std::string head(journal::frames_begin, '\0');
    std::ifstream{file, std::ios::binary}.read(head.data(), static_cast<std::streamsize>(head.size()));
    journal::segment_header h;
    ASSERT_EQ(journal::decode(head.data(), h), nullptr);
    h.version = h.oldest_writer = 7;
    overwrite(file, 0, journal::encode(h));
    auto readable = folder.open();
    EXPECT_EQ(state_of(*readable, "a"), state::pending) << "it may still be read";
    const auto refused = put(*readable, make_job("b"));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, errc::wrong_version) << refused->message();
    readable.reset();
    h.oldest_reader = 7;
    overwrite(file, 0, journal::encode(h));
    EXPECT_EQ(refusal(folder.path()), errc::wrong_version);
}

// Enough jobs that the first segment is followed by others; closed, so that all of it is known to be durable.
void fill(const store_folder& folder)
{
    auto s = folder.open();
    for (int i = 0; i < 40; ++i) EXPECT_FALSE(put(*s, make_job("job" + std::to_string(i), 60'000)));
}
void forget_index(const store_folder& folder)
{
    for (const char* cache : {"control", "index.blocks", "index.buckets", "index.pages", "index.undo"})
        fs::remove(folder.path() + "/" + cache);
}

TEST(JournalDamage, IsNamedByFileAndOffsetAndStopsWriters)
{
    const store_folder folder;
    fill(folder);
    overwrite(folder.path() + "/" + first_segment, 400'000, "\x5a\x5a\x5a\x5a");
    forget_index(folder);
    auto s = folder.open();
    const auto refused = put(*s, make_job("later"));
    ASSERT_TRUE(refused);
    expect_damage(*refused, first_segment);
    const auto found = s->find("job39");
    ASSERT_FALSE(found);
    expect_damage(found.error(), first_segment);
}

TEST(JournalDamage, OfAPayloadIsNoticedWhereTheIndexIsStillGood)
{
    const store_folder folder;
    fill(folder);
    overwrite(folder.path() + "/" + first_segment, 30'000, "\x5a\x5a\x5a\x5a");
    auto s = folder.open();
    const auto found = s->find("job0");
    ASSERT_FALSE(found) << "a payload that nobody wrote is not handed out";
    expect_damage(found.error(), first_segment);
    EXPECT_EQ(state_of(*s, "job39"), state::pending);
}

TEST(JournalDamage, AMissingOrCutOffSegmentIsNamed)
{
    const store_folder folder;
    fill(folder);
    forget_index(folder);
    fs::rename(folder.path() + "/" + first_segment, folder.path() + "/kept");
    {
        auto s = folder.open();
        const auto found = s->find("job39");
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().code, errc::corrupt) << found.error().message();
    }
    fs::rename(folder.path() + "/kept", folder.path() + "/" + first_segment);
    fs::resize_file(folder.path() + "/" + first_segment, 500'000);
    forget_index(folder);
    auto s = folder.open();
    const auto found = s->find("job39");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, errc::corrupt);
    EXPECT_NE(found.error().message().find(first_segment), std::string::npos) << found.error().message();
}

TEST(JournalDamage, AnOlderCopyOfTheLogUnderANewIndexIsNotTakenForTheStore)
{
    const store_folder folder;
    {
        auto s = folder.open();
        EXPECT_FALSE(put(*s, make_job("a")));
    }
    fs::copy_file(folder.path() + "/" + first_segment, folder.path() + "/old");
    {
        auto s = folder.open();
        EXPECT_FALSE(put(*s, make_job("b")));
    }
    fs::rename(folder.path() + "/old", folder.path() + "/" + first_segment);
    {
        auto s = folder.open();
        EXPECT_TRUE(put(*s, make_job("c"))) << "the caches say that more had been written";
    }
    forget_index(folder);
    auto s = folder.open();
    EXPECT_EQ(state_of(*s, "a"), state::pending);
    EXPECT_EQ(state_of(*s, "b"), std::nullopt);
}

TEST(JournalHandles, DoNotCrossFork)
{
    const store_folder folder;
    auto s = folder.open();
    EXPECT_FALSE(put(*s, make_job("a")));
    EXPECT_EQ(in_child([&] {
                  const auto found = s->find("a");
                  const auto refused = put(*s, make_job("b"));
                  const bool good = !found && found.error().code == errc::unsupported && refused &&
                                    refused->code == errc::unsupported;
                  s.reset();
                  auto own = folder.open();
                  return good && !put(*own, make_job("c")) ? 0 : 1;
              }),
              0);
    EXPECT_EQ(state_of(*s, "a"), state::pending) << "the child's end did not harm the parent's handle";
    EXPECT_EQ(state_of(*s, "c"), state::pending);
}

TEST(JournalHandles, OfARemovedFolderAcknowledgeNothing)
{
    const store_folder folder;
    auto s = folder.open();
    EXPECT_FALSE(put(*s, make_job("a")));
    fs::remove_all(folder.path());
    auto other = folder.open();
    const auto refused = put(*s, make_job("b"));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, errc::unreachable) << refused->message();
    EXPECT_NE(refused->message().find(folder.path()), std::string::npos);
    EXPECT_FALSE(put(*other, make_job("c")));
}

TEST(JournalHandles, OfTwoStoresAtOnceDoNotMix)
{
    const store_folder one;
    const store_folder two;
    auto a = one.open();
    auto b = two.open();
    EXPECT_FALSE(put(*a, make_job("x", 10)));
    EXPECT_FALSE(put(*b, make_job("x", 20)));
    EXPECT_EQ((*a->find("x"))->job.payload.size(), 10u);
    EXPECT_EQ((*b->find("x"))->job.payload.size(), 20u);
    EXPECT_NE(a->info()->id, b->info()->id);
}

TEST(JournalHandles, ACopyOfAClosedFolderIsAStore)
{
    const store_folder folder;
    {
        auto s = folder.open();
        EXPECT_FALSE(put(*s, make_job("a")));
    }
    fs::copy(folder.path(), folder.path() + "-copy");
    auto copy = journal_storage::open(folder.path() + "-copy");
    ASSERT_TRUE(copy) << copy.error().message();
    EXPECT_FALSE(put(*copy, make_job("b")));
    auto s = folder.open();
    EXPECT_FALSE(put(*s, make_job("c")));
    EXPECT_EQ(state_of(*copy, "a"), state::pending);
    EXPECT_EQ(state_of(*copy, "c"), std::nullopt);
    EXPECT_EQ(state_of(*s, "b"), std::nullopt);
}

TEST(JournalHandles, RelativePathsAndTrailingSlashes)
{
    const store_folder folder;
    EXPECT_EQ(in_child([&] {
                  if (::chdir(fs::path{folder.path()}.parent_path().c_str()) != 0) return 1;
                  auto s = journal_storage::open("store/");
                  if (!s || put(*s, make_job("a"))) return 2;
                  return ::chdir("/") == 0 && !put(*s, make_job("b")) ? 0 : 3;
              }),
              0);
    auto s = folder.open();
    EXPECT_EQ(state_of(*s, "b"), state::pending);
}

}  // namespace
}  // namespace queuectl::journal_testing
