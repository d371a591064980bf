// A program that is killed in the middle of its work, and goes on when it is started again: nothing but the core and
// the journal, which needs nothing but the system.
#include <queuectl/journal/storage.hpp>
#include <queuectl/queuectl.hpp>

#include <csignal>
#include <cstdio>
#include <filesystem>

#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int job_count = 5;

// The program: enqueues its jobs unless an earlier life has done that, and runs what is left. In its first life it is
// killed while it runs the third one.
int live(const std::string& folder, bool first_life)
{
    auto storage = queuectl::journal_storage::open(folder);
    if (!storage) return std::puts(storage.error().message().c_str()), 1;
    queuectl::basic_queue queue{*std::move(storage),
                                queuectl::inline_executor{[&](const queuectl::job& job, queuectl::context& run) {
                                    std::printf("%s, run %d\n", job.id.c_str(), run.run_number());
                                    std::fflush(stdout);
                                    if (first_life && job.id == "job3") ::kill(::getpid(), SIGKILL);
                                }}};
    for (int i = 1; i <= job_count; ++i) {
        const auto id = queue.enqueue({.payload = "work", .id = "job" + std::to_string(i)});
        if (!id && id.error().code != queuectl::errc::exists) return std::puts(id.error().message().c_str()), 1;
    }
    // The dead worker is not there to give its job back: its lease is freed here, instead of waiting until it ends.
    if (!first_life && !queue.storage().free_worker("worker", "it was killed", queuectl::system_time_source{}.now()))
        return 1;
    const auto summary = queue.run_until_drained();
    return summary && queue.counts()->front()[queuectl::state::completed] == job_count ? 0 : 1;
}

}  // namespace

// journal_survives [FOLDER]: the store; default a fresh one that is removed afterwards.
int main(int argc, char** argv)
{
    namespace fs = std::filesystem;
    const fs::path fresh = fs::temp_directory_path() / ("queuectl_journal_survives." + std::to_string(::getpid()));
    const std::string folder = argc > 1 ? argv[1] : fresh.string();
    const auto child = ::fork();
    if (child == 0) ::_exit(live(folder, true));
    int status = 0;
    ::waitpid(child, &status, 0);
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    std::puts(killed ? "killed; started again" : "it was not killed");
    const int code = killed ? live(folder, false) : 1;
    fs::remove_all(fresh);
    return code;
}
