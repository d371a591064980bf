#include "detach.hpp"

#include "exit_codes.hpp"
#include "output.hpp"
#include "worker_registry.hpp"

#include <queuectl/process/posix.hpp>

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace queuectl::command {
namespace {

constexpr off_t log_bytes_max = 4 << 20;
constexpr off_t log_bytes_kept = 1 << 20;
constexpr duration patience = std::chrono::seconds{30};

result<owned_fd> open_log(const std::string& side_folder_path, const char* name, int flags)
{
    auto side = side_folder::open(side_folder_path, true);
    if (!side) return fail(side.error());
    auto logs = side->subfolder("logs", true);
    if (!logs) return fail(logs.error());
    return logs->open_file(name, flags);
}

// Everything the daemon writes until it ends or says its name.
std::string read_name(int fd)
{
    std::string text;
    char part[256];
    for (;;) {
        const auto n = ::read(fd, part, sizeof part);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return text;
        text.append(part, static_cast<std::size_t>(n));
    }
}

std::size_t workers_of(const worker_registry& registry, const std::string& supervisor)
{
    const auto all = registry.living();
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const worker_entry& w) { return w.supervisor == supervisor; }));
}

int wait_for_workers(const std::string& side_folder_path, const std::string& supervisor, std::size_t count)
{
    auto registry = worker_registry::open(side_folder_path, false);
    if (!registry) return complain(registry.error());
    const auto until = add(process::monotonic_now(), patience);
    while (workers_of(*registry, supervisor) < count) {
        if (!registry->holds_lock(supervisor) || process::monotonic_now() > until) {
            complain("the workers did not start; see " + side_folder_path + "/logs/worker.log");
            return exit_failed;
        }
        ::usleep(5'000);
    }
    complain(std::to_string(count) + (count == 1 ? " worker" : " workers") + " started in the background by " +
             supervisor);
    return exit_done;
}

void use_standard_files(int null, int log)
{
    ::dup2(null, STDIN_FILENO);
    ::dup2(null, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
}

}  // namespace

std::optional<int> detached_start::go(const std::string& side_folder_path, std::size_t count)
{
    auto log = open_log(side_folder_path, "worker.log", O_WRONLY | O_APPEND | O_CREAT);
    if (!log) return complain(log.error());
    int ends[2] = {-1, -1};
    const owned_fd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    if (!null || ::pipe2(ends, O_CLOEXEC) != 0) return complain(error{errc::io, "detach", std::strerror(errno), errno});
    const owned_fd reader{ends[0]};
    told_ = owned_fd{ends[1]};
    const pid_t child = ::fork();
    if (child < 0) return complain(error{errc::spawn_failed, "fork", std::strerror(errno), errno});
    if (child == 0) {
        ::setsid();
        if (const pid_t daemon = ::fork(); daemon != 0) ::_exit(daemon < 0 ? exit_again : exit_done);
        use_standard_files(null.get(), log->get());
        log_ = std::move(*log);
        logs_path_ = side_folder_path;
        return std::nullopt;
    }
    told_.reset();
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    const auto supervisor = read_name(reader.get());
    if (!supervisor.empty()) return wait_for_workers(side_folder_path, supervisor, count);
    complain("the supervisor did not start; see " + side_folder_path + "/logs/worker.log");
    return exit_failed;
}

void detached_start::tell(const std::string& supervisor)
{
    if (!told_) return;
    (void)detail::write_all(told_.get(), supervisor.data(), supervisor.size());
    told_.reset();
}

void detached_start::bound_log()
{
    struct stat what {};
    if (!log_ || ::fstat(log_.get(), &what) != 0 || what.st_size <= log_bytes_max) return;
    auto from = open_log(logs_path_, "worker.log", O_RDONLY);
    auto to = open_log(logs_path_, "worker.log.1", O_WRONLY | O_CREAT | O_TRUNC);
    if (!from || !to) return;
    std::string part(64u << 10, '\0');
    for (off_t at = what.st_size - log_bytes_kept; at < what.st_size;) {
        const auto n = ::pread(from->get(), part.data(), part.size(), at);
        if (n <= 0 || detail::write_all(to->get(), part.data(), static_cast<std::size_t>(n)) != 0) break;
        at += n;
    }
    // Every writer appends: those that have it open go on at the new end.
    [[maybe_unused]] const int cut = ::ftruncate(log_.get(), 0);
}

}  // namespace queuectl::command
