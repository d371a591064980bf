// Opening: what is created, with which modes, and what is refused.
#include "shared/open.hpp"
#include "sqlite/store.hpp"

#include <fstream>

namespace queuectl_test {
struct sqlite_open_kind : sqlite_kind {
    static constexpr file_mode modes[] = {{"q.db", 0600},   {"q.db-wal", 0600},    {"q.db-shm", 0600},
                                          {"q.db.d", 0700}, {"q.db.d/lock", 0600}, {"q.db.d/control", 0600}};
    static constexpr std::uintmax_t almost_empty_bytes_max = 8u << 20;
    static void write_versions(sqlite_storage&, const std::string& path, int readers)
    {
        run_sql(path, ("UPDATE store SET format=7, min_writer=7, min_reader=" + std::to_string(readers)).c_str());
    }
};
INSTANTIATE_TYPED_TEST_SUITE_P(SqliteOpen, StoreOpen, sqlite_open_kind);

namespace {

errc refusal(const std::string& path, sqlite_options options = {}) { return refusal_as<sqlite_kind>(path, options); }

TEST(SqliteOpen, RefusesLinksPipesFoldersAndLooseModes)
{
    const temporary_folder folder;
    {
        open_store(folder / "real.db");
    }
    std::filesystem::create_symlink(folder / "real.db", folder / "link.db");
    EXPECT_EQ(refusal(folder / "link.db"), errc::permission);
    ASSERT_EQ(::mkfifo((folder / "fifo.db").c_str(), 0600), 0);
    EXPECT_EQ(refusal(folder / "fifo.db"), errc::invalid_argument);
    std::filesystem::create_directory(folder / "dir.db");
    EXPECT_EQ(refusal(folder / "dir.db"), errc::invalid_argument);
    EXPECT_EQ(refusal(folder / ""), errc::invalid_argument);
    ::chmod((folder / "real.db").c_str(), 0622);
    EXPECT_EQ(refusal(folder / "real.db"), errc::permission);
}

TEST(SqliteOpen, RefusesLinksBesideTheStore)
{
    for (const char* beside : {"q.db-wal", "q.db-shm", "q.db.d"}) {
        const temporary_folder folder;
        std::filesystem::create_directory(folder / "elsewhere");
        std::filesystem::create_symlink(folder / "elsewhere", folder / beside);
        EXPECT_EQ(refusal(folder / "q.db"), errc::permission) << beside;
    }
    for (const char* inside : {"lock", "control"}) {
        const temporary_folder folder;
        std::filesystem::create_directory(folder / "q.db.d");
        std::ofstream{folder / "victim"} << "x";
        std::filesystem::create_symlink(folder / "victim", folder / (std::string{"q.db.d/"} + inside));
        EXPECT_EQ(refusal(folder / "q.db"), errc::permission) << inside;
    }
}

TEST(SqliteOpen, RefusesWhatIsNoStore)
{
    const temporary_folder folder;
    std::ofstream{folder / "text.db"} << "this is a text file, and longer than a header of a database would be: it is"
                                         " more than one hundred bytes, in fact.";
    EXPECT_EQ(refusal(folder / "text.db"), errc::corrupt);
    run_sql(folder / "other.db", "CREATE TABLE cats (name)");
    EXPECT_EQ(refusal(folder / "other.db"), errc::corrupt);
    std::ofstream{folder / "empty.db"};
    EXPECT_TRUE(sqlite_storage::open(folder / "empty.db")) << "an empty file becomes a store";
}

TEST(SqliteOpen, OtherToolsReadTheView)
{
    const temporary_folder folder;
    {
        auto s = open_store(folder / "q.db");
        put(s, make_job("a"));
    }
    run_sql(folder / "q.db", "SELECT state, run_at FROM job_view WHERE id='a'");
}

int descriptors_of(const std::string& path)
{
    int found = 0;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
        std::error_code gone;
        if (std::filesystem::read_symlink(entry.path(), gone) == path) ++found;
    }
    return found;
}

TEST(SqliteOpen, WhoReadsAndThenWritesNeedsOneConnection)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q.db");
    ASSERT_TRUE(s.info());
    put(s, make_job("a"));
    EXPECT_EQ(descriptors_of(folder / "q.db"), 1);
    ASSERT_TRUE(s.info());
    EXPECT_EQ(descriptors_of(folder / "q.db"), 2) << "a reader is not held up by the writer, once there are both";
}

}  // namespace
}  // namespace queuectl_test
