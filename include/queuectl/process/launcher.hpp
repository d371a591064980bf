// From a leased job to its process. Linux.
#ifndef QUEUECTL_PROCESS_LAUNCHER_HPP
#define QUEUECTL_PROCESS_LAUNCHER_HPP

#include <queuectl/lease.hpp>
#include <queuectl/process/exec_plan.hpp>
#include <queuectl/process/job_environment.hpp>
#include <queuectl/process/spawn.hpp>

#include <cstring>
#include <string>
#include <string_view>

namespace queuectl::inline v0::process {

// pid > 0: it runs. Else `error` is the errno for which no process could be started, and nothing ran; or it is 0, and
// the job cannot be executed: `exit_code` (126, 127) and `reason` are what a shell would tell.
struct launched {
    pid_t pid = -1;
    owned_fd pidfd{};
    int error = 0;
    int exit_code = 126;
    std::string reason{};
};

// Starts jobs in sessions of their own, with stdin from /dev/null. One thread; jobs are killed when it ends.
template <class Spawner>
class launcher {
public:
    launcher()
        : environment_{current_environment()},
          null_{above_standard(owned_fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)})}
    {
    }

    // stdout and stderr go to `out`; QUEUECTL_STORE and QUEUECTL_RUN are `store` and `mark`.
    [[nodiscard]] launched launch(const lease& l, std::string_view store, std::string_view mark, int out)
    {
        launched result;
        if (!null_) result.error = EMFILE;
        if (!null_) return result;
        const auto& environment = l.job.env.empty() ? environment_ : l.job.env;
        planner_.plan(plan_, l.job.kind == "argv", l.job.payload, environment, l.job.cwd);
        if (plan_.error != 0) {
            explain(result, {}, l.job.cwd);
            return result;
        }
        set_variables(l, environment, store, mark);
        auto child = spawner_.spawn(request_for(l, out));
        if (child.pid < 0) result.error = child.error;
        if (child.pid < 0) return result;
        if (child.error == 0) {
            result.pid = child.pid;
            result.pidfd = std::move(child.pidfd);
            return result;
        }
        reap(child.pid);
        if (is_shortage(child.error))
            result.error = child.error;
        else
            explain(result, child, l.job.cwd);
        return result;
    }

    [[nodiscard]] Spawner& spawner() noexcept { return spawner_; }

private:
    // The machine lacks something now; the job is not to blame.
    [[nodiscard]] static bool is_shortage(int error) noexcept
    {
        return error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE;
    }

    void set_variables(const lease& l, std::string_view environment, std::string_view store, std::string_view mark)
    {
        char here[4096];
        const auto number = std::to_string(l.run_number());
        const char* const cwd = l.job.cwd.empty() ? ::getcwd(here, sizeof here) : l.job.cwd.c_str();
        build_environment(variables_, environment, {l.job.id, number, store, mark, cwd != nullptr ? cwd : ""});
    }

    [[nodiscard]] spawn_request request_for(const lease& l, int out)
    {
        spawn_request request;
        request.path = plan_.path.c_str();
        request.argv = plan_.words.pointers(1) + 1;
        request.envp = variables_.pointers();
        request.cwd = l.job.cwd.empty() ? nullptr : l.job.cwd.c_str();
        request.in = null_.get();
        request.out = request.err = out;
        request.death_signal = SIGKILL;
        request.new_session = true;
        request.script_fallback = plan_.script_fallback;
        return request;
    }

    void explain(launched& result, const spawn_result& child, std::string_view cwd) const
    {
        result.exit_code = plan_.error == ENOENT || child.error == ENOENT ? 127 : 126;
        if (child.failed_step == spawn_step::directory) {
            result.exit_code = 126;
            result.reason.append("cannot change to ").append(cwd).append(": ").append(std::strerror(child.error));
        } else if (plan_.error == EINVAL) {
            result.reason = "cannot execute " + plan_.name;
        } else if (plan_.error == ENOENT) {
            result.reason = plan_.name + ": not found";
        } else if (child.error == ENOENT) {
            result.reason = plan_.name + ": its interpreter was not found";
        } else {
            result.reason = plan_.name + ": " + std::strerror(plan_.error != 0 ? plan_.error : child.error);
        }
    }

    std::string environment_;
    owned_fd null_;
    Spawner spawner_;
    planner planner_;
    exec_plan plan_;
    string_block variables_;
};

}  // namespace queuectl::inline v0::process

#endif
