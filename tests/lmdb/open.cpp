// Opening: what is created, with which modes, and what is refused.
#include "lmdb/store.hpp"

#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>

namespace queuectl_test {
namespace {

errc refusal(const std::string& path, lmdb_options options = {})
{
    const auto s = lmdb_storage::open(path, options);
    EXPECT_FALSE(s);
    return s ? errc::io : s.error().code;
}

int mode_of(const std::string& path)
{
    struct stat what {};
    EXPECT_EQ(::lstat(path.c_str(), &what), 0) << path;
    return static_cast<int>(what.st_mode & 07777);
}

TEST(LmdbOpen, ModesDoNotDependOnTheUmask)
{
    for (const int mask : {0, 077, 0777}) {
        const temporary_folder folder;
        const auto before = ::umask(static_cast<mode_t>(mask));
        {
            auto s = open_store(folder / "q");
            put(s, make_job("a"));
        }
        ::umask(before);
        EXPECT_EQ(mode_of(folder / "q"), 0700);
        for (const char* file : {"q/data.mdb", "q/lock.mdb", "q/lock", "q/control"})
            EXPECT_EQ(mode_of(folder / file), 0600) << file;
    }
}

TEST(LmdbOpen, AReadDoesNotCreate)
{
    const temporary_folder folder;
    lmdb_options options;
    options.create = false;
    EXPECT_EQ(refusal(folder / "q", options), errc::not_found);
    options.read_only = true;
    EXPECT_EQ(refusal(folder / "q", options), errc::not_found);
    EXPECT_FALSE(std::filesystem::exists(folder / "q"));
    EXPECT_EQ(refusal(folder / "none/q"), errc::not_found);
    std::filesystem::create_directory(folder / "empty");
    EXPECT_EQ(refusal(folder / "empty", options), errc::not_found);
    EXPECT_TRUE(std::filesystem::is_empty(folder / "empty"));
}

TEST(LmdbOpen, ReadOnlyReadsAndRefusesWrites)
{
    const temporary_folder folder;
    auto writer = open_store(folder / "q");
    put(writer, make_job("a"));
    lmdb_options options;
    options.read_only = true;
    auto s = open_store(folder / "q", options);
    EXPECT_EQ(state_of(s, "a"), state::pending);
    const job j = make_job("b");
    insert_status status{};
    const auto refused = s.insert({&j, 1}, {&status, 1}, at(1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::read_only);
    EXPECT_FALSE(s.turn());
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

TEST(LmdbOpen, RefusesANewerFormatInOneLine)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    put(s, make_job("a"));
    edit_header(s, [](auto& head) { head.format = head.min_writer = 7; });
    EXPECT_EQ(state_of(s, "a"), state::pending) << "it may still be read";
    const job j = make_job("b");
    insert_status status{};
    const auto refused = s.insert({&j, 1}, {&status, 1}, at(1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::wrong_version);
    edit_header(s, [](auto& head) { head.min_reader = 7; });
    EXPECT_FALSE(s.find("a")) << "an open handle notices";
    const auto newer = lmdb_storage::open(folder / "q");
    ASSERT_FALSE(newer);
    EXPECT_EQ(newer.error().code, errc::wrong_version);
    EXPECT_NE(newer.error().message().find("format 7"), std::string::npos) << newer.error().message();
    EXPECT_EQ(newer.error().message().find('\n'), std::string::npos);
}

TEST(LmdbOpen, AnAlmostEmptyStoreIsSmall)
{
    const temporary_folder folder;
    {
        auto s = open_store(folder / "q");
        put(s, make_job("a"));
    }
    std::uintmax_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / ""))
        if (entry.is_regular_file()) bytes += entry.file_size();
    EXPECT_LE(bytes, 1u << 20);
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

TEST(LmdbOpen, AHandleDoesNotCrossFork)
{
    const temporary_folder folder;
    auto s = std::make_unique<lmdb_storage>(open_store(folder / "q"));
    put(*s, make_job("a"));
    const auto child = ::fork();
    if (child == 0) {
        const auto found = s->find("a");
        const job j = make_job("b");
        insert_status status{};
        const auto put_in = s->insert({&j, 1}, {&status, 1}, at(1));
        bool refused = !found && found.error().code == errc::unsupported && !put_in &&
                       put_in.error().code == errc::unsupported && !s->turn() && !s->grow();
        {
            auto own = lmdb_storage::open(folder / "q");
            refused = refused && own && own->find("a")->has_value();
        }
        s.reset();
        ::_exit(refused ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(state_of(*s, "a"), state::pending) << "the child's end did not harm the parent's handle";
    EXPECT_EQ(put(*s, make_job("c")), insert_status::inserted);
}

TEST(LmdbOpen, SixteenProcessesCreateOneStore)
{
    const temporary_folder folder;
    std::vector<pid_t> children;
    for (int i = 0; i < 16; ++i) {
        const auto child = ::fork();
        if (child == 0) {
            auto s = lmdb_storage::open(folder / "q");
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
    auto s = open_store(folder / "q");
    EXPECT_EQ(take(s, 100).size(), 16u);
}

}  // namespace
}  // namespace queuectl_test
