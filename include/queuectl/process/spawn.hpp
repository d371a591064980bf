// Starting a process at the cost of vfork, whatever the size of this one. Linux.
#ifndef QUEUECTL_PROCESS_SPAWN_HPP
#define QUEUECTL_PROCESS_SPAWN_HPP

#include <queuectl/process/posix.hpp>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

// The child runs in the parent's memory on a stack of its own, which no sanitizer may instrument.
#if defined(__clang__)
#define QUEUECTL_DETAIL_NO_SANITIZE __attribute__((no_sanitize("address", "thread", "undefined", "memory")))
#else
#define QUEUECTL_DETAIL_NO_SANITIZE __attribute__((no_sanitize("address,thread,undefined")))
#endif

namespace queuectl::inline v0::process {

// What to start. All pointers must outlive the call. The child gets default dispositions of all signals, an empty
// mask, the given descriptors as 0, 1 and 2 (above 2 themselves; −1 = this process's own) and no others. It keeps the
// umask and the limits of this process.
struct spawn_request {
    const char* path = nullptr;
    char* const* argv = nullptr;  // with script_fallback, argv[−1] is a place for one more word
    char* const* envp = nullptr;
    const char* cwd = nullptr;  // null = stay
    int in = -1;
    int out = -1;
    int err = -1;
    int death_signal = 0;          // sent to it when the calling thread ends, however that ends; 0 = none
    bool new_session = false;      // leader of its own session and process group
    bool script_fallback = false;  // execute a file without a known format by /bin/sh, as a shell does
};

enum class spawn_step : std::uint8_t { none, directory, execute };

// pid > 0: it ran, unless failed_step tells that the child (to be reaped all the same) could not. pid −1: no process.
struct spawn_result {
    pid_t pid = -1;
    owned_fd pidfd;  // none where the kernel has no pidfds
    spawn_step failed_step = spawn_step::none;
    int error = 0;  // errno of the failure
};

namespace detail {

struct spawn_frame {
    const spawn_request* request;
    pid_t parent;
    volatile int step;
    volatile int error;
};

// Between clone and exec: system calls on prepared memory, nothing else. Not even libc's wrappers, which sanitizers
// replace. Memory is the parent's; signal dispositions, mask and descriptors are already the child's own.
QUEUECTL_DETAIL_NO_SANITIZE inline int run_child(void* argument)
{
    auto& frame = *static_cast<spawn_frame*>(argument);
    const auto& r = *frame.request;
    const unsigned long none[16] = {};  // SIG_DFL, no flags, empty mask, in any layout; also an empty signal set
    for (int s = 1; s <= 64; ++s) ::syscall(SYS_rt_sigaction, s, none, nullptr, 8);
    if (r.new_session) ::syscall(SYS_setsid);
    if (r.death_signal != 0) {
        ::syscall(SYS_prctl, PR_SET_PDEATHSIG, r.death_signal, 0, 0, 0);
        if (::syscall(SYS_getppid) != frame.parent) ::syscall(SYS_exit_group, 127);
    }
    frame.step = static_cast<int>(spawn_step::directory);
    if (r.cwd != nullptr && ::syscall(SYS_chdir, r.cwd) != 0) {
        frame.error = errno;
        ::syscall(SYS_exit_group, 126);
    }
    frame.step = static_cast<int>(spawn_step::execute);
    if (r.in >= 0) ::syscall(SYS_dup3, r.in, 0, 0);
    if (r.out >= 0) ::syscall(SYS_dup3, r.out, 1, 0);
    if (r.err >= 0) ::syscall(SYS_dup3, r.err, 2, 0);
    if (::syscall(SYS_close_range, 3u, ~0u, 0u) != 0)
        for (int fd = 3; fd < 4096; ++fd) ::syscall(SYS_close, fd);
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, nullptr, 8);
    ::syscall(SYS_execve, r.path, r.argv, r.envp);
    if (errno == ENOEXEC && r.script_fallback) {
        char** words = const_cast<char**>(r.argv) - 1;
        static char shell[] = "sh";
        words[0] = shell;
        words[1] = const_cast<char*>(r.path);
        ::syscall(SYS_execve, "/bin/sh", words, r.envp);
    }
    frame.error = errno;
    ::syscall(SYS_exit_group, 127);
    return 127;
}

}  // namespace detail

// Starts processes. Owns the little stack they start on; one thread at a time.
class spawner {
public:
    spawner() noexcept
        : stack_{::mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)}
    {
    }
    spawner(spawner&& other) noexcept : stack_{std::exchange(other.stack_, MAP_FAILED)} {}
    spawner& operator=(spawner&&) = delete;
    ~spawner()
    {
        if (stack_ != MAP_FAILED) ::munmap(stack_, stack_bytes);
    }

    // Returns when the child executes its program or has failed to. No signal handler runs in between, in either.
    [[nodiscard]] spawn_result spawn(const spawn_request& request) noexcept
    {
        spawn_result result;
        if (stack_ == MAP_FAILED) {
            result.error = ENOMEM;
            return result;
        }
        detail::spawn_frame frame{&request, ::getpid(), 0, 0};
        const std::uint64_t all = ~std::uint64_t{0};
        std::uint64_t before = 0;
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, 8);
        int pidfd = -1;
        result.pid = start(frame, CLONE_PIDFD, &pidfd);
        if (result.pid < 0 && errno == EINVAL) result.pid = start(frame, 0, nullptr);
        const int failure = errno;
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, 8);
        result.pidfd = owned_fd{pidfd};
        if (result.pid < 0) {
            result.error = failure;
        } else if (frame.error != 0) {
            result.failed_step = static_cast<spawn_step>(frame.step);
            result.error = frame.error;
        }
        return result;
    }

private:
    static constexpr std::size_t stack_bytes = 64u << 10;

    [[nodiscard]] pid_t start(detail::spawn_frame& frame, int flags, int* pidfd) noexcept
    {
        return ::clone(detail::run_child, static_cast<char*>(stack_) + stack_bytes,
                       CLONE_VM | CLONE_VFORK | SIGCHLD | flags, &frame, pidfd);
    }

    void* stack_;
};

// Waits for a child; its wait status, or −1 when it is none of ours (any more).
inline int reap(pid_t pid) noexcept
{
    int status = 0;
    return retry_interrupted([&] { return ::waitpid(pid, &status, 0); }) == pid ? status : -1;
}

}  // namespace queuectl::inline v0::process

#endif
