// How a run ended, in words.
#ifndef QUEUECTL_PROCESS_EXIT_TEXT_HPP
#define QUEUECTL_PROCESS_EXIT_TEXT_HPP

#include <queuectl/time.hpp>

#include <array>
#include <csignal>
#include <string>

#include <sys/wait.h>

namespace queuectl::inline v0::process {

// "SIGKILL"; empty for a signal without a name of its own.
[[nodiscard]] inline std::string signal_name(int signal)
{
    struct entry {
        int number;
        const char* name;
    };
    constexpr std::array names{
        entry{SIGHUP, "HUP"},   entry{SIGINT, "INT"},   entry{SIGQUIT, "QUIT"},     entry{SIGILL, "ILL"},
        entry{SIGTRAP, "TRAP"}, entry{SIGABRT, "ABRT"}, entry{SIGBUS, "BUS"},       entry{SIGFPE, "FPE"},
        entry{SIGKILL, "KILL"}, entry{SIGUSR1, "USR1"}, entry{SIGSEGV, "SEGV"},     entry{SIGUSR2, "USR2"},
        entry{SIGPIPE, "PIPE"}, entry{SIGALRM, "ALRM"}, entry{SIGTERM, "TERM"},     entry{SIGXCPU, "XCPU"},
        entry{SIGXFSZ, "XFSZ"}, entry{SIGSYS, "SYS"},   entry{SIGVTALRM, "VTALRM"}, entry{SIGPROF, "PROF"}};
    for (const auto& e : names)
        if (e.number == signal) return std::string{"SIG"} + e.name;
    return {};
}

// "killed by signal 9 (SIGKILL)"
[[nodiscard]] inline std::string signal_text(int signal, bool core_dumped = false)
{
    std::string text = "killed by signal " + std::to_string(signal);
    if (const auto name = signal_name(signal); !name.empty()) text += " (" + name + ")";
    return core_dumped ? text + ", core dumped" : text;
}

// "exit code 3" or the signal, of a wait status.
[[nodiscard]] inline std::string exit_text(int status)
{
    if (WIFSIGNALED(status)) return signal_text(WTERMSIG(status), WCOREDUMP(status));
    return "exit code " + std::to_string(WEXITSTATUS(status));
}

// "5s", "1.5s", "250ms", "7us"
[[nodiscard]] inline std::string duration_text(duration d)
{
    const auto us = d.count();
    if (us % 1000 != 0) return std::to_string(us) + "us";
    if (us < 1'000'000) return std::to_string(us / 1000) + "ms";
    std::string text = std::to_string(us / 1'000'000);
    if (const auto ms = us / 1000 % 1000; ms != 0) {
        auto fraction = std::to_string(1000 + ms).substr(1);
        fraction.resize(fraction.find_last_not_of('0') + 1);
        text += "." + fraction;
    }
    return text + "s";
}

}  // namespace queuectl::inline v0::process

#endif
