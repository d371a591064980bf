// Opening: what is created, with which modes, and what is refused.
#include "shared/open.hpp"
#include "lmdb/store.hpp"

#include <atomic>
#include <fstream>
#include <thread>

namespace queuectl_test {
namespace {

// Changes the header, as a program of another version would.
template <class Change>
void edit_header(lmdb_storage& s, Change change)
{
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;
    MDB_val key{1, const_cast<char*>("h")};
    MDB_val value{};
    ASSERT_EQ(mdb_txn_begin(s.env(), nullptr, 0, &txn), 0);
    ASSERT_EQ(mdb_dbi_open(txn, "queuectl.store", 0, &dbi), 0);
    ASSERT_EQ(mdb_get(txn, dbi, &key, &value), 0);
    detail::lmdb::store_header head{};
    ASSERT_TRUE(detail::lmdb::read_row({static_cast<const char*>(value.mv_data), value.mv_size}, head));
    change(head);
    value = {sizeof head, &head};
    ASSERT_EQ(mdb_put(txn, dbi, &key, &value, 0), 0);
    ASSERT_EQ(mdb_txn_commit(txn), 0);
}

}  // namespace

struct lmdb_open_kind : lmdb_kind {
    static constexpr file_mode modes[] = {
        {"q", 0700}, {"q/data.mdb", 0600}, {"q/lock.mdb", 0600}, {"q/lock", 0600}, {"q/control", 0600}};
    static constexpr std::uintmax_t almost_empty_bytes_max = 1u << 20;
    static void write_versions(lmdb_storage& s, const std::string&, std::uint32_t readers)
    {
        edit_header(s, [&](auto& head) {
            head.format = head.min_writer = 7;
            head.min_reader = readers;
        });
    }
};
INSTANTIATE_TYPED_TEST_SUITE_P(LmdbOpen, StoreOpen, lmdb_open_kind);

namespace {

errc refusal(const std::string& path, lmdb_options options = {}) { return refusal_as<lmdb_kind>(path, options); }

TEST(LmdbOpen, AStoreThatOthersMakeMeanwhileIsNoStranger)
{
    constexpr int rounds = 3000;
    const temporary_folder where;
    std::atomic<int> begun{0};
    std::atomic<int> made{0};
    std::thread maker{[&] {
        for (int i = 1; i <= rounds; ++i) {
            while (begun.load() < i) {}
            for (volatile int pause = i % 100 * 50; pause > 0;) pause = pause - 1;
            std::ofstream{where / std::to_string(i) + "/data.mdb"};
            made = i;
        }
    }};
    for (int i = 1; i <= rounds; ++i) {
        const auto path = where / std::to_string(i);
        ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
        begun = i;
        detail::lmdb::store_files files;
        const auto opened = files.open_folder(path, true);
        EXPECT_TRUE(opened) << opened.error().message();
        while (made.load() < i) {}
    }
    maker.join();
}

TEST(LmdbOpen, AFormatFromBeforeTheFirstReleaseIsRefusedInALine)
{
    const temporary_folder folder;
    {
        auto s = open_store(folder / "q");
        edit_header(s, [](auto& head) { head.format = head.min_reader = head.min_writer = 1; });
    }
    const auto refused = lmdb_storage::open(folder / "q");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::wrong_version);
    EXPECT_NE(refused.error().message().find("the store has format 1, from before"), std::string::npos);
    EXPECT_EQ(refused.error().message().find('\n'), std::string::npos);
}

TEST(LmdbOpen, AReadLeavesAnEmptyFolderEmpty)
{
    const temporary_folder folder;
    std::filesystem::create_directory(folder / "empty");
    lmdb_options options;
    options.create = false;
    EXPECT_EQ(refusal(folder / "empty", options), errc::not_found);
    options.read_only = true;
    EXPECT_EQ(refusal(folder / "empty", options), errc::not_found);
    EXPECT_TRUE(std::filesystem::is_empty(folder / "empty"));
}

TEST(LmdbOpen, TurnsAreForWriters)
{
    const temporary_folder folder;
    auto writer = open_store(folder / "q");
    lmdb_options options;
    options.read_only = true;
    EXPECT_FALSE(open_store(folder / "q", options).turn());
    EXPECT_TRUE(writer.turn());
}

TEST(LmdbOpen, TurnsAndGrowthDoNotCrossFork)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    const auto child = ::fork();
    if (child == 0) ::_exit(!s.turn() && !s.grow() ? 0 : 1);
    EXPECT_EQ(exit_code_of(child), 0);
    EXPECT_TRUE(s.grow());
}

TEST(LmdbOpen, RefusesLinksFilesAndLooseModes)
{
    const temporary_folder folder;
    {
        open_store(folder / "real");
    }
    std::filesystem::create_symlink(folder / "real", folder / "link");
    EXPECT_EQ(refusal(folder / "link"), errc::permission);
    std::ofstream{folder / "file"} << "x";
    EXPECT_EQ(refusal(folder / "file"), errc::permission);
    EXPECT_EQ(refusal(folder / "real/.."), errc::invalid_argument);
    EXPECT_EQ(refusal(""), errc::invalid_argument);
    ::chmod((folder / "real").c_str(), 0722);
    EXPECT_EQ(refusal(folder / "real"), errc::permission);
    ::chmod((folder / "real").c_str(), 0700);
    ::chmod((folder / "real/data.mdb").c_str(), 0622);
    EXPECT_EQ(refusal(folder / "real"), errc::permission);
}

TEST(LmdbOpen, RefusesLinksAndPipesInsideTheStore)
{
    for (const char* inside : {"data.mdb", "lock.mdb", "lock", "control"}) {
        const temporary_folder folder;
        std::filesystem::create_directory(folder / "q");
        std::filesystem::permissions(folder / "q", std::filesystem::perms::owner_all);
        std::ofstream{folder / "victim"};
        std::filesystem::create_symlink(folder / "victim", folder / (std::string{"q/"} + inside));
        EXPECT_EQ(refusal(folder / "q"), errc::permission) << inside;
        EXPECT_EQ(std::filesystem::file_size(folder / "victim"), 0u);
    }
    const temporary_folder folder;
    std::filesystem::create_directory(folder / "q");
    std::filesystem::permissions(folder / "q", std::filesystem::perms::owner_all);
    ASSERT_EQ(::mkfifo((folder / "q/data.mdb").c_str(), 0600), 0);
    EXPECT_EQ(refusal(folder / "q"), errc::invalid_argument);
}

TEST(LmdbOpen, RefusesWhatIsNoStore)
{
    const temporary_folder folder;
    std::filesystem::create_directory(folder / "papers");
    std::ofstream{folder / "papers/letter"} << "dear";
    EXPECT_EQ(refusal(folder / "papers"), errc::invalid_argument);
    EXPECT_FALSE(std::filesystem::exists(folder / "papers/data.mdb"));
    std::filesystem::create_directory(folder / "text");
    std::filesystem::permissions(folder / "text", std::filesystem::perms::owner_all);
    std::ofstream{folder / "text/data.mdb"} << std::string(9000, 'x');
    ::chmod((folder / "text/data.mdb").c_str(), 0600);
    EXPECT_EQ(refusal(folder / "text"), errc::corrupt);
    std::filesystem::create_directory(folder / "empty");
    std::filesystem::permissions(folder / "empty", std::filesystem::perms::owner_all);
    std::ofstream{folder / "empty/data.mdb"};
    ::chmod((folder / "empty/data.mdb").c_str(), 0600);
    EXPECT_TRUE(lmdb_storage::open(folder / "empty")) << "an empty file becomes a store";
}

TEST(LmdbOpen, HandlesOfOneProcessShareOneEnvironment)
{
    const temporary_folder folder;
    auto s = std::make_unique<lmdb_storage>(open_store(folder / "q"));
    auto other = open_store(folder / "./q");
    EXPECT_EQ(s->env(), other.env());
    put(*s, make_job("a"));
    s.reset();
    EXPECT_EQ(state_of(other, "a"), state::pending);
    const auto text = [&] {
        std::ifstream locks{"/proc/locks"};
        return std::string{std::istreambuf_iterator<char>{locks}, {}};
    };
    struct stat what {};
    ASSERT_EQ(::stat((folder / "q/lock.mdb").c_str(), &what), 0);
    const auto lock = ":" + std::to_string(what.st_ino) + " ";
    EXPECT_NE(text().find(lock), std::string::npos) << "LMDB's own lock is still held";
}

}  // namespace
}  // namespace queuectl_test
