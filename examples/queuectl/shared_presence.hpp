// A supervisor on a store that other machines use too: its entries stay fresh, and it ends when a `worker stop` on any
// machine asked it to.
#ifndef QUEUECTL_COMMAND_SHARED_PRESENCE_HPP
#define QUEUECTL_COMMAND_SHARED_PRESENCE_HPP

#include "worker_registry.hpp"

namespace queuectl::command {

class shared_presence {
public:
    shared_presence(const store_location& where, const worker_registry& registry, std::string supervisor)
        : active_{where.shared()}, registry_{registry}, supervisor_{std::move(supervisor)}
    {
    }
    // To be called every half second; does nothing on a store of this machine.
    void step(any_storage& storage, const instant& now);

private:
    bool active_;
    const worker_registry& registry_;
    std::string supervisor_;
    duration refresh_at_{};
};

// Asks a supervisor, wherever it runs, to end: within about a second it acts as on that signal (SIGUSR1, SIGUSR2).
[[nodiscard]] result<void> ask_from_afar(any_storage& storage, const std::string& supervisor, int signal);

}  // namespace queuectl::command

#endif
