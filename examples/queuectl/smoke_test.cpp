// smoke-test: the whole way, in a throw-away store.
#include "cli.hpp"
#include "commands.hpp"
#include "environment.hpp"
#include "exit_codes.hpp"
#include "own_program.hpp"
#include "store.hpp"

#include <queuectl/process/exec_plan.hpp>
#include <queuectl/process/spawn.hpp>
#include <queuectl/queue.hpp>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <ftw.h>
#include <sys/wait.h>
#include <unistd.h>

namespace queuectl::command {
namespace {

// A folder that goes with it.
class temporary_folder {
public:
    temporary_folder()
    {
        const char* base = std::getenv("TMPDIR");
        path_ = std::string{base != nullptr && *base == '/' ? base : "/tmp"} + "/queuectl-smoke-XXXXXX";
        if (::mkdtemp(path_.data()) == nullptr) path_.clear();
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder()
    {
        const auto remove_one = [](const char* path, const struct stat*, int, FTW*) { return ::remove(path); };
        if (!path_.empty()) ::nftw(path_.c_str(), remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
};

constexpr std::int32_t retries = 2;

new_job shell_job(const char* id, const char* command)
{
    new_job j;
    j.id = id;
    j.kind = "shell";
    j.payload = command;
    j.max_retries = retries;
    j.backoff_base = 1.2;  // waits of 1.2 and 1.44 s
    j.env = environment::capture({}).text();
    j.cwd = "/";
    return j;
}

// Runs this program with `words`; its exit code, or −1.
int run_self(std::vector<std::string> words)
{
    const auto program = own_program();
    process::string_block argv;
    process::string_block environment;
    argv.add("queuectl");
    for (const auto& word : words) argv.add(word);
    for (char** entry = ::environ; *entry != nullptr; ++entry) environment.add(*entry);
    process::spawner spawner;
    process::spawn_request request;
    request.path = program.c_str();
    request.argv = argv.pointers();
    request.envp = environment.pointers();
    request.death_signal = SIGTERM;
    const auto child = spawner.spawn(request);
    if (child.pid < 0) return -1;
    const int status = process::reap(child.pid);
    return child.error == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// One line: what was expected, and whether it is so.
bool check(context& c, bool ok, const std::string& what)
{
    c.out << (ok ? "ok      " : "FAILED  ") << what << "\n";
    return ok;
}

bool check_runs(context& c, producer<storage_ref<any_storage>>& queue)
{
    auto good = queue.find("smoke-ok");
    auto bad = queue.find("smoke-fails");
    auto runs = queue.attempts("smoke-fails");
    if (!good || !bad || !runs || !*good || !*bad) return check(c, false, "the jobs are in the store");
    const auto& b = **bad;
    bool waited = runs->size() == retries + 1;
    for (std::size_t i = 1; waited && i < runs->size(); ++i)
        waited = (*runs)[i].started_at - (*runs)[i - 1].ended_at >= std::chrono::milliseconds{i == 1 ? 1200 : 1440};
    const bool completed = check(c, (*good)->state == state::completed, "smoke-ok completed");
    const bool retried = check(c, b.attempts == retries + 1, "smoke-fails ran 3 times");
    const bool backed_off = check(c, waited, "its retries waited 1.2 s and 1.44 s");
    const bool dead = check(c, b.state == state::dead && b.exit_code == 3, "then it was dead with exit code 3");
    return completed && retried && backed_off && dead;
}

bool check_dead_letters(context& c, producer<storage_ref<any_storage>>& queue)
{
    job_filter dead;
    dead.state = state::dead;
    auto list = queue.list(dead);
    if (!list) return check(c, false, "dead letter queue: " + list.error().message());
    c.out << "\ndead letter queue:\n";
    for (const auto& record : *list)
        c.out << "  " << record.job.id << "  attempts " << std::to_string(record.attempts) << "  exit code "
              << std::to_string(record.exit_code) << "  " << record.job.payload << "\n";
    return list->size() == 1 && list->front().job.id == "smoke-fails";
}

int smoke(context& c, const std::string& url)
{
    {
        auto store = open_for_writing(url);
        if (!store) return complain(store.error());
        producer<storage_ref<any_storage>> queue{store->ref()};
        auto added = queue.enqueue_all({shell_job("smoke-ok", "echo it works"), shell_job("smoke-fails", "exit 3")});
        if (!added) return complain(added.error());
    }
    bool ok = check(c, true, "two jobs enqueued in " + url);
    c.out.flush();
    const int code = run_self({"--store", url, "worker", "start", "--count", "2", "--drain"});
    ok &= check(c, code == exit_done, "two worker processes ran until the queue was drained");
    auto store = open_for_reading(url);
    if (!store) return complain(store.error());
    producer<storage_ref<any_storage>> queue{store->ref()};
    ok &= check_runs(c, queue);
    ok &= check_dead_letters(c, queue);
    c.out << (ok ? "\nsmoke test passed\n" : "\nsmoke test FAILED\n");
    return ok ? exit_done : exit_failed;
}

}  // namespace

int smoke_test_command(context& c)
{
    command_line line{"smoke-test", "Runs two jobs in a throw-away store: one succeeds, one is retried and ends dead."};
    if (const auto ended = line.parse(c)) return *ended;
    const temporary_folder folder;
    if (folder.path().empty()) return complain(error{errc::io, "mkdtemp", std::strerror(errno), errno});
    return smoke(c, "sqlite:" + folder.path() + "/smoke.db");
}

}  // namespace queuectl::command
