#include "shared_presence.hpp"

#include "worker_log.hpp"

#include <queuectl/time_source.hpp>

#include <csignal>
#include <unistd.h>

namespace queuectl::command {
namespace {

constexpr duration refresh_pause = std::chrono::seconds{5};
constexpr duration request_lifetime = std::chrono::hours{1};
constexpr std::string_view release_text = "release";

std::string stop_key(const std::string& supervisor) { return "stop/" + supervisor; }

}  // namespace

void shared_presence::step(any_storage& storage, const instant& now)
{
    if (!active_) return;
    auto asked = storage.config_get(stop_key(supervisor_), now);
    if (asked && asked->has_value()) {
        (void)storage.config_erase(stop_key(supervisor_));
        ::kill(::getpid(), (*asked)->value == release_text ? SIGUSR2 : SIGUSR1);
    }
    if (now.boot < refresh_at_) return;
    refresh_at_ = add(now.boot, refresh_pause);
    if (auto done = registry_.refresh(storage, supervisor_); !done) log_line("trouble: " + done.error().message());
}

result<void> ask_from_afar(any_storage& storage, const std::string& supervisor, int signal)
{
    const instant now = system_time_source{}.now();
    const config_entry request{stop_key(supervisor), signal == SIGUSR2 ? std::string{release_text} : "finish",
                               any_version, add(now.wall, request_lifetime)};
    if (auto put = storage.config_put(request, now); !put) return fail(put.error());
    return {};
}

}  // namespace queuectl::command
