// Makes connections: where to, who we are, what the server is.
#ifndef QUEUECTL_REDIS_CONNECTOR_HPP
#define QUEUECTL_REDIS_CONNECTOR_HPP

#include <queuectl/redis/failure.hpp>
#include <queuectl/redis/server_facts.hpp>
#include <queuectl/redis/wire.hpp>

#include <atomic>
#include <memory>
#include <mutex>

namespace queuectl::inline v0::detail::redis {

// Any thread.
class connector {
public:
    explicit connector(redis_address address) : address_{std::move(address)} {}

    [[nodiscard]] const redis_address& address() const noexcept { return address_; }
    // Of the server that was connected to first.
    [[nodiscard]] server_facts facts() const
    {
        const std::scoped_lock lock{mutex_};
        return facts_;
    }

    [[nodiscard]] result<std::unique_ptr<wire>> connect(time_limit limit)
    {
        const redis_address to = target();
        auto made = std::make_unique<wire>();
        if (auto connected = made->connect(to, limit); !connected) return fail(connected.error());
        if (auto greeted = greet(*made, to, limit); !greeted) return fail(greeted.error());
        return made;
    }

    // "MOVED slot host:port": the node of a cluster that has our keys. Whether it could be read.
    bool follow(std::string_view text)
    {
        const auto at = text.rfind(' ');
        const auto colon = text.rfind(':');
        if (at == text.npos || colon == text.npos || colon < at) return false;
        const std::scoped_lock lock{mutex_};
        moved_host_ = text.substr(at + 1, colon - at - 1);
        if (moved_host_.empty()) moved_host_ = address_.host;
        moved_port_ = static_cast<int>(std::strtol(std::string{text.substr(colon + 1)}.c_str(), nullptr, 10));
        return true;
    }

private:
    [[nodiscard]] redis_address target() const
    {
        const std::scoped_lock lock{mutex_};
        redis_address to = address_;
        if (!moved_host_.empty()) {
            to.unix_path.clear();
            to.host = moved_host_;
            to.port = moved_port_;
        }
        return to;
    }

    // AUTH and SELECT; the first connection also looks at what the server is.
    [[nodiscard]] result<void> greet(wire& w, const redis_address& to, time_limit limit)
    {
        const auto ask = [&](const std::string& words) -> result<reply> {
            std::optional<reply> told;
            if (w.write(words, {}, limit)) told = w.read(limit);
            if (!told) return fail(errc::unreachable, "connect " + to.text(), w.failed());
            if (told->is_error()) return fail(error_of_reply("connect " + to.text(), told->text));
            return std::move(*told);
        };
        if (!to.password.empty() || !to.user.empty()) {
            const auto words =
                to.user.empty() ? command({"AUTH", to.password}) : command({"AUTH", to.user, to.password});
            if (auto told = ask(words); !told) return fail(told.error());
        }
        if (to.database != 0)
            if (auto told = ask(command({"SELECT", std::to_string(to.database)})); !told) return fail(told.error());
        if (looked_) return {};
        auto told = ask(command({"INFO"}));
        if (!told && told.error().code != errc::permission) return fail(told.error());
        if (!told && told.error().detail.compare(0, 6, "NOPERM") != 0) return fail(told.error());
        const auto facts = told ? facts_of_info(told->text) : server_facts{};
        if (auto fits = check_server(facts, address_); !fits) return fail(fits.error());
        const std::scoped_lock lock{mutex_};
        facts_ = facts;
        looked_ = true;
        return {};
    }

    redis_address address_;
    mutable std::mutex mutex_;
    std::string moved_host_;
    int moved_port_ = 0;
    server_facts facts_;
    std::atomic<bool> looked_{false};
};

}  // namespace queuectl::inline v0::detail::redis

#endif
