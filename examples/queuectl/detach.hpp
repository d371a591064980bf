// Going on in the background.
#ifndef QUEUECTL_COMMAND_DETACH_HPP
#define QUEUECTL_COMMAND_DETACH_HPP

#include <queuectl/process/side_folder.hpp>

#include <optional>
#include <string>

namespace queuectl::command {

// One start of a supervisor; does nothing unless go() is called.
class detached_start {
public:
    // Forks. In the daemon (own session, root of no terminal, standard error to FOLDER/logs/worker.log) returns
    // nothing; in the caller, the exit code, once `count` workers of the daemon have registered or it has failed. To be
    // called with one thread and no store open.
    [[nodiscard]] std::optional<int> go(const std::string& side_folder_path, std::size_t count);

    // In the daemon: the name under which it is registered.
    void tell(const std::string& supervisor);
    // In the daemon: when the log is longer than 4 MiB, moves its last part to worker.log.1 and begins anew.
    void bound_log();

private:
    owned_fd told_;  // the write end of a pipe to the caller
    owned_fd log_;
    std::string logs_path_;
};

}  // namespace queuectl::command

#endif
