// Opening: what is created, with which modes, and what is refused.
#include "sqlite/store.hpp"

#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>

namespace queuectl_test {
namespace {

errc refusal(const std::string& path, sqlite_options options = {})
{
    const auto s = sqlite_storage::open(path, options);
    EXPECT_FALSE(s);
    return s ? errc::io : s.error().code;
}

int mode_of(const std::string& path)
{
    struct stat what {};
    EXPECT_EQ(::lstat(path.c_str(), &what), 0) << path;
    return static_cast<int>(what.st_mode & 07777);
}

void run_sql(const std::string& path, const char* sql)
{
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
}

TEST(SqliteOpen, ModesDoNotDependOnTheUmask)
{
    for (const int mask : {0, 077, 0777}) {
        const temporary_folder folder;
        const auto before = ::umask(static_cast<mode_t>(mask));
        auto s = open_store(folder / "q.db");
        put(s, make_job("a"));
        ::umask(before);
        EXPECT_EQ(mode_of(folder / "q.db"), 0600);
        EXPECT_EQ(mode_of(folder / "q.db-wal"), 0600);
        EXPECT_EQ(mode_of(folder / "q.db-shm"), 0600);
        EXPECT_EQ(mode_of(folder / "q.db.d"), 0700);
        EXPECT_EQ(mode_of(folder / "q.db.d/lock"), 0600);
        EXPECT_EQ(mode_of(folder / "q.db.d/control"), 0600);
    }
}

TEST(SqliteOpen, AReadDoesNotCreate)
{
    const temporary_folder folder;
    sqlite_options options;
    options.create = false;
    EXPECT_EQ(refusal(folder / "q.db", options), errc::not_found);
    options.read_only = true;
    EXPECT_EQ(refusal(folder / "q.db", options), errc::not_found);
    EXPECT_FALSE(std::filesystem::exists(folder / "q.db"));
    EXPECT_FALSE(std::filesystem::exists(folder / "q.db.d"));
    EXPECT_EQ(refusal(folder / "none/q.db"), errc::not_found);
}

TEST(SqliteOpen, ReadOnlyReadsAndRefusesWrites)
{
    const temporary_folder folder;
    auto writer = open_store(folder / "q.db");
    put(writer, make_job("a"));
    sqlite_options options;
    options.read_only = true;
    auto s = open_store(folder / "q.db", options);
    EXPECT_EQ(state_of(s, "a"), state::pending);
    const job j = make_job("b");
    insert_status status{};
    const auto refused = s.insert({&j, 1}, {&status, 1}, at(1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::read_only);
}

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

TEST(SqliteOpen, RefusesANewerFormatInOneLine)
{
    const temporary_folder folder;
    {
        auto s = open_store(folder / "q.db");
        put(s, make_job("a"));
    }
    run_sql(folder / "q.db", "UPDATE store SET format=7, min_writer=7");
    auto s = open_store(folder / "q.db");
    EXPECT_EQ(state_of(s, "a"), state::pending) << "it may still be read";
    const job j = make_job("b");
    insert_status status{};
    const auto refused = s.insert({&j, 1}, {&status, 1}, at(1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::wrong_version);
    run_sql(folder / "q.db", "UPDATE store SET min_reader=7");
    EXPECT_FALSE(s.find("a")) << "an open handle notices";
    const auto newer = sqlite_storage::open(folder / "q.db");
    ASSERT_FALSE(newer);
    EXPECT_EQ(newer.error().code, errc::wrong_version);
    EXPECT_NE(newer.error().message().find("format 7"), std::string::npos) << newer.error().message();
    EXPECT_EQ(newer.error().message().find('\n'), std::string::npos);
}

TEST(SqliteOpen, AnAlmostEmptyStoreIsSmallAndReadable)
{
    const temporary_folder folder;
    {
        auto s = open_store(folder / "q.db");
        put(s, make_job("a"));
    }
    std::uintmax_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / ""))
        if (entry.is_regular_file()) bytes += entry.file_size();
    EXPECT_LE(bytes, 8u << 20);
    run_sql(folder / "q.db", "SELECT state, run_at FROM job_view WHERE id='a'");
}

TEST(SqliteOpen, AHandleDoesNotCrossFork)
{
    const temporary_folder folder;
    auto s = std::make_unique<sqlite_storage>(open_store(folder / "q.db"));
    put(*s, make_job("a"));
    const auto child = ::fork();
    if (child == 0) {
        const auto found = s->find("a");
        const bool refused = !found && found.error().code == errc::unsupported;
        s.reset();
        ::_exit(refused ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(state_of(*s, "a"), state::pending) << "the child's end did not harm the parent's handle";
}

TEST(SqliteOpen, SixteenProcessesCreateOneStore)
{
    const temporary_folder folder;
    std::vector<pid_t> children;
    for (int i = 0; i < 16; ++i) {
        const auto child = ::fork();
        if (child == 0) {
            auto s = sqlite_storage::open(folder / "q.db");
            const job j = make_job("job" + std::to_string(i));
            insert_status status{};
            const bool good = s && s->insert({&j, 1}, {&status, 1}, at(1)) && status == insert_status::inserted;
            if (!s) std::fprintf(stderr, "%s\n", s.error().message().c_str());
            ::_exit(good ? 0 : 1);
        }
        children.push_back(child);
    }
    for (const auto child : children) {
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    }
    auto s = open_store(folder / "q.db");
    EXPECT_EQ(take(s, 100).size(), 16u);
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
