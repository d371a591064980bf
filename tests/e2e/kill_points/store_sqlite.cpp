// The part of the command that opens SQLite stores, for a command whose worker kills itself at a named point: linked
// in the place of the command's own. KILL_AT names the point; the process that can remove the file KILL_ONCE dies,
// and where KILL_SUPERVISOR is set, its supervisor just before it.
#include "../../../examples/queuectl/store_parts.hpp"

#include <queuectl/sqlite/storage.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include <sys/epoll.h>
#include <unistd.h>

namespace queuectl::command {
namespace {

// Of the thread that claims and settles: the worker's loop.
thread_local bool holds_unstarted = false;
thread_local bool in_settle = false;

void reach(std::string_view point)
{
    const char* const at = std::getenv("KILL_AT");
    const char* const once = std::getenv("KILL_ONCE");
    if (at == nullptr || once == nullptr || point != at || ::unlink(once) != 0) return;
    if (std::getenv("KILL_SUPERVISOR") != nullptr) ::kill(::getppid(), SIGKILL);
    ::kill(::getpid(), SIGKILL);
}

int on_commit(void*)
{
    if (in_settle) reach("settling");
    return 0;
}

int watch_commits(sqlite3* db, char**, const sqlite3_api_routines*)
{
    sqlite3_commit_hook(db, &on_commit, nullptr);
    return SQLITE_OK;
}

class doomed_storage : public sqlite_storage {
public:
    explicit doomed_storage(sqlite_storage s) : sqlite_storage{std::move(s)} {}

    result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        auto claimed = sqlite_storage::claim(request, leases, now);
        after_claim(leases);
        return claimed;
    }
    result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses, const instant& now)
    {
        before_settle(settlements);
        auto settled = sqlite_storage::settle(settlements, statuses, now);
        after_settle(settlements);
        return settled;
    }
    result<claim_info> settle_and_claim(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                        const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        before_settle(settlements);
        auto done = sqlite_storage::settle_and_claim(settlements, statuses, request, leases, now);
        after_settle(settlements);
        after_claim(leases);
        return done;
    }

private:
    static bool tells_of_a_run(std::span<const settlement> settlements)
    {
        return std::any_of(settlements.begin(), settlements.end(), [](const settlement& s) { return s.report; });
    }
    static void before_settle(std::span<const settlement> settlements)
    {
        in_settle = tells_of_a_run(settlements);
        if (in_settle) reach("exited");
    }
    static void after_settle(std::span<const settlement> settlements)
    {
        in_settle = false;
        if (tells_of_a_run(settlements)) reach("settled");
    }
    static void after_claim(const std::vector<lease>& leases)
    {
        holds_unstarted = !leases.empty();
        if (holds_unstarted) reach("claimed");
    }
};

}  // namespace

// The loop waits for the first time after a claim: what it claimed has just been started.
void on_wait()
{
    if (std::exchange(holds_unstarted, false)) reach("started");
}

result<std::unique_ptr<any_storage>> open_sqlite(const std::string& path, open_mode mode, const open_options& options)
{
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&watch_commits));
    sqlite_options o;
    o.create = mode == open_mode::create;
    o.read_only = mode == open_mode::read;
    o.sync_claims = options.sync_claims;
    auto opened = sqlite_storage::open(path, o);
    if (!opened) return fail(opened.error());
    return erase_type(doomed_storage{std::move(*opened)});
}

}  // namespace queuectl::command

// The linker sends the command's calls of epoll_wait here (--wrap).
extern "C" int __real_epoll_wait(int set, epoll_event* events, int most, int timeout_ms);
extern "C" int __wrap_epoll_wait(int set, epoll_event* events, int most, int timeout_ms)
{
    queuectl::command::on_wait();
    return __real_epoll_wait(set, events, most, timeout_ms);
}
