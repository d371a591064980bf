// What verify finds: tables that contradict each other, pages of garbage, output files without a run.
#include "lmdb/store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>
#include <iterator>

namespace queuectl_test {
namespace {

// Jobs in every state, with runs, a long output and a unique key.
void live(lmdb_storage& s)
{
    std::vector<job> jobs;
    for (int i = 0; i < 40; ++i) jobs.push_back(make_job("job" + std::to_string(i), i % 2 == 0 ? "even" : "odd"));
    jobs[39].unique_key = "once";
    jobs[38].hold = hold_dependency;
    std::vector<insert_status> told(jobs.size());
    ASSERT_TRUE(s.insert(jobs, told, at(1)));
    const auto leases = take(s, 12);
    ASSERT_EQ(leases.size(), 12u);
    auto first = ended(leases[0], verdict_kind::complete);
    first.report->output.head.assign(6000, 'x');
    settle(s, first);
    settle(s, ended(leases[1], verdict_kind::complete));
    settle(s, ended(leases[2], verdict_kind::bury, run_status::failed));
    settle(s, ended(leases[3], verdict_kind::retry, run_status::failed));
    settle(s, ended(leases[4], verdict_kind::cancel));
    settle(s, ended(leases[5], verdict_kind::release));
}

// So many completed jobs that the first of them are in `ended`.
void live_long(lmdb_storage& s)
{
    std::vector<job> jobs;
    for (int i = 0; i < 210; ++i) jobs.push_back(make_job("long" + std::to_string(i)));
    std::vector<insert_status> told(jobs.size());
    ASSERT_TRUE(s.insert(jobs, told, at(1)));
    std::vector<settlement> ends;
    for (const auto& l : take(s, jobs.size())) ends.push_back(ended(l, verdict_kind::complete));
    std::vector<settle_status> settled(ends.size());
    ASSERT_TRUE(s.settle(ends, settled, at(2)));
}

verify_report verified(lmdb_storage& s)
{
    auto report = s.verify(at(4'000'000'000'000'000));
    EXPECT_TRUE(report) << (report ? "" : report.error().message());
    return report ? *report : verify_report{};
}

TEST(LmdbVerify, ALivelyStoreIsClean)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    live(s);
    const auto report = verified(s);
    EXPECT_EQ(report.found, 0u) << report.findings.front().text;
    EXPECT_GT(report.bytes, 4096u);
}

struct edit {
    const char* name;
    const char* database;
    const char* prefix;  // of the keys of what is changed
    void (*change)(MDB_cursor*, std::string_view prefix);
    const char* words;
};

// Puts the cursor on the first, or last, of the rows with keys that begin so.
void go_to(MDB_cursor* c, std::string_view prefix, bool last)
{
    MDB_val k{};
    MDB_val v{};
    int rc = mdb_cursor_get(c, &k, &v, last ? MDB_LAST : MDB_FIRST);
    const auto is_there = [&] {
        return std::string_view{static_cast<char*>(k.mv_data), k.mv_size}.substr(0, prefix.size()) == prefix;
    };
    while (rc == 0 && !is_there()) rc = mdb_cursor_get(c, &k, &v, last ? MDB_PREV : MDB_NEXT);
    ASSERT_EQ(rc, 0);
}
void erase_first(MDB_cursor* c, std::string_view prefix)
{
    go_to(c, prefix, false);
    ASSERT_EQ(mdb_cursor_del(c, 0), 0);
}
// Adds one to a byte of the last value.
template <std::size_t At>
void bump_last(MDB_cursor* c, std::string_view prefix)
{
    go_to(c, prefix, true);
    MDB_val k{};
    MDB_val v{};
    ASSERT_EQ(mdb_cursor_get(c, &k, &v, MDB_GET_CURRENT), 0);
    std::string key{static_cast<char*>(k.mv_data), k.mv_size};
    std::string value{static_cast<char*>(v.mv_data), v.mv_size};
    ++value[At];
    k = {key.size(), key.data()};
    v = {value.size(), value.data()};
    ASSERT_EQ(mdb_cursor_put(c, &k, &v, MDB_CURRENT), 0);
}

constexpr edit edits[] = {
    {"an_id_is_gone", "queuectl.ids", "", erase_first, "not found by its id"},
    {"a_state_is_gone", "queuectl.states", "", erase_first, ""},
    {"a_row_of_the_line_is_gone", "queuectl.store", "w", erase_first, "do not stand in line"},
    {"a_row_of_the_line_is_too_long", "queuectl.store", "w", bump_last<0>, "stands in line"},
    {"a_lease_is_gone", "queuectl.store", "r", erase_first, "does not hold the leases"},
    {"a_row_of_leases_is_too_long", "queuectl.store", "r", bump_last<0>, "stands in line, but not where"},
    {"a_lease_is_of_another_kind", "queuectl.store", "r", bump_last<76>, "is leased as another one"},
    {"a_lease_group_is_gone", "queuectl.store", "g", erase_first, "in no group"},
    {"a_lease_group_has_one_more", "queuectl.store", "g", bump_last<0>, "does not hold the leases"},
    {"a_row_of_the_ended_is_gone", "queuectl.ended", "", erase_first, "not among those that did"},
    {"a_row_of_the_ended_names_another", "queuectl.ended", "", bump_last<0>, "among the ended"},
    {"the_newest_of_the_ended_are_gone", "queuectl.store", "e", erase_first, "not among those that did"},
    {"the_newest_of_the_ended_name_another", "queuectl.store", "e", bump_last<24>, "among the ended"},
    {"a_queue_is_miscounted", "queuectl.store", "q", bump_last<0>, "recount"},
    {"a_job_is_gone", "queuectl.jobs", "", erase_first, ""},
};

void PrintTo(const edit& e, std::ostream* out) { *out << e.name; }

class LmdbVerifyEdits : public ::testing::TestWithParam<edit> {};

TEST_P(LmdbVerifyEdits, AreFound)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    live_long(s);
    live(s);
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;
    MDB_cursor* c = nullptr;
    ASSERT_EQ(mdb_txn_begin(s.env(), nullptr, 0, &txn), 0);
    ASSERT_EQ(mdb_dbi_open(txn, GetParam().database, 0, &dbi), 0);
    ASSERT_EQ(mdb_cursor_open(txn, dbi, &c), 0);
    GetParam().change(c, GetParam().prefix);
    mdb_cursor_close(c);
    ASSERT_EQ(mdb_txn_commit(txn), 0);
    const auto report = verified(s);
    ASSERT_GT(report.found, 0u);
    bool named = false;
    for (const auto& f : report.findings) named = named || f.text.find(GetParam().words) != std::string::npos;
    EXPECT_TRUE(named) << report.findings.front().text;
}
INSTANTIATE_TEST_SUITE_P(Each, LmdbVerifyEdits, ::testing::ValuesIn(edits),
                         [](const auto& one) { return std::string{one.param.name}; });

TEST(LmdbVerify, OutputFilesAreComparedAndSweptOnlyWhenNoRunNamesThem)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    live(s);
    const auto kept = folder / "q/logs/1-1";
    ASSERT_TRUE(std::filesystem::exists(kept));
    std::ofstream{folder / "q/logs/77-1"} << "nobody's";
    auto report = verified(s);
    ASSERT_EQ(report.found, 1u);
    EXPECT_EQ(report.findings[0].kind, finding_kind::leftover);
    EXPECT_NE(report.findings[0].text.find("77-1"), std::string::npos);
    const auto swept = s.sweep_outputs(at(4'000'000'000'000'000));
    ASSERT_TRUE(swept);
    EXPECT_EQ(swept->removed, 1u);
    EXPECT_TRUE(std::filesystem::exists(kept));
    std::filesystem::remove(kept);
    report = verified(s);
    ASSERT_EQ(report.found, 1u);
    EXPECT_EQ(report.findings[0].kind, finding_kind::wrong);
}

// 0: clean; 1: told to be damaged, by open or verify; else something worse.
int look_at(const std::string& path)
{
    const auto child = ::fork();
    if (child == 0) {
        auto s = lmdb_storage::open(path);
        if (!s) ::_exit(s.error().code == errc::corrupt ? 1 : 2);
        const auto report = s->verify(at(9));
        ::_exit(!report ? 3 : report->damaged ? 1 : report->found == 0 ? 0 : 4);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(LmdbVerify, APageOfGarbageIsToldWhereverItIs)
{
    const temporary_folder folder;
    {
        auto s = open_store(folder / "q");
        live(s);
        std::vector<job> jobs;
        for (int i = 0; i < 400; ++i) jobs.push_back(make_job("more" + std::to_string(i)));
        jobs[7].payload.assign(9000, 'x');
        std::vector<insert_status> told(jobs.size());
        ASSERT_TRUE(s.insert(jobs, told, at(1)));
    }
    const auto pages = std::filesystem::file_size(folder / "q/data.mdb") / 4096;
    int told = 0;
    for (std::size_t page = 2; page < pages; ++page)
        for (const char with : {'\0', '\x5a', '\xff'}) {
            std::filesystem::copy(folder / "q", folder / "copy", std::filesystem::copy_options::recursive);
            {
                std::fstream file{folder / "copy/data.mdb", std::ios::in | std::ios::out | std::ios::binary};
                file.seekp(static_cast<std::streamoff>(page * 4096)) << std::string(4096, with);
            }
            const int code = look_at(folder / "copy");
            EXPECT_TRUE(code == 0 || code == 1) << "page " << page << ": " << code;
            told += code;
            std::filesystem::remove_all(folder / "copy");
        }
    EXPECT_GT(told, static_cast<int>(pages)) << "of " << pages << " pages";
}

TEST(LmdbVerify, AFileThatIsCutOffIsCalledDamaged)
{
    const temporary_folder folder;
    {
        auto s = open_store(folder / "q");
        live(s);
    }
    std::filesystem::resize_file(folder / "q/data.mdb", 3 * 4096);
    EXPECT_EQ(look_at(folder / "q"), 1);
}

TEST(LmdbVerify, DamageIsNamedByFileAndPage)
{
    const temporary_folder folder;
    {
        auto s = open_store(folder / "q");
        live(s);
    }
    std::filesystem::resize_file(folder / "q/data.mdb", 3 * 4096);
    const auto s = lmdb_storage::open(folder / "q");
    ASSERT_FALSE(s);
    EXPECT_EQ(s.error().code, errc::corrupt);
    EXPECT_NE(s.error().message().find("data.mdb: page "), std::string::npos) << s.error().message();
}

}  // namespace
}  // namespace queuectl_test
