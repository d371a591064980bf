// What a handle keeps: connections for its calls, the scripts it has loaded, and how a call is asked for again.
#ifndef QUEUECTL_REDIS_SESSION_HPP
#define QUEUECTL_REDIS_SESSION_HPP

#include <queuectl/redis/failure.hpp>
#include <queuectl/redis/format.hpp>
#include <queuectl/redis/scripts.hpp>
#include <queuectl/redis/server_facts.hpp>
#include <queuectl/redis/wire.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

namespace queuectl::inline v0::detail::redis {

// The arguments of a script. `again` is the place of a word "0" that becomes "1" when the answer to it was lost.
struct arguments : request {
    std::size_t again = 0;
};

// Any thread; not across fork.
class session {
public:
    session(redis_address address, const redis_options& options) : options_{options}, address_{std::move(address)}
    {
        std::random_device random;
        const auto word = [&] { return std::uint64_t{random()} << 32 | random(); };
        handle_ = uid{word(), word()};
        packer{handle_bytes_}.id(handle_);
        for (std::size_t i = 0; i < script_count; ++i) prepare(static_cast<script>(i));
    }

    [[nodiscard]] const redis_options& options() const noexcept { return options_; }
    [[nodiscard]] const redis_address& address() const noexcept { return address_; }
    [[nodiscard]] const std::string& handle() const noexcept { return handle_bytes_; }
    [[nodiscard]] std::string channel() const { return address_.prefix + "store"; }
    [[nodiscard]] server_facts facts() const
    {
        const std::scoped_lock lock{mutex_};
        return facts_;
    }
    [[nodiscard]] uid new_id()
    {
        std::random_device random;
        return uid{std::uint64_t{random()} << 32 | random(), std::uint64_t{random()} << 32 | random()};
    }
    // The number of a change, for scripts that answer a repeated one as before.
    [[nodiscard]] std::string next_change()
    {
        std::string out;
        packer{out}.number(++changes_, 8);
        return out;
    }

    // Instants of the calls, as scripts take them.
    void add_instant(request& r, const instant& now) const
    {
        std::string bytes;
        packer p{bytes};
        p.time(now.wall).micros(now.boot);
        if (options_.clock == redis_clock::caller) p.id(now.boot_id);
        r.add(bytes);
    }

    // Connects once and looks at the server.
    [[nodiscard]] result<void> open()
    {
        auto first = connect(limit_in(options_.connect_timeout));
        if (!first) return fail(first.error());
        give_back(std::move(*first));
        return {};
    }

    // Runs a script. A lost connection, a server that is loading, a script it has forgotten: asked for again until the
    // options' timeout. Errors: see storage.hpp.
    [[nodiscard]] result<reply> call(script which, arguments args)
    {
        const auto& source = source_of(which);
        if (::getpid() != process_)
            return fail(errc::unsupported, source.verb, "a handle cannot be used after fork; open another");
        if (options_.read_only && source.kind != script_kind::reads)
            return fail(errc::read_only, source.verb, "opened for reading only");
        attempt_state state{limit_in(options_.timeout), {}, false, std::chrono::milliseconds{2}};
        for (;;) {
            auto told = attempt(which, args, state);
            if (told) return told;
            if (!state.again || std::chrono::steady_clock::now() + state.pause >= state.limit)
                return fail(judge(told.error(), source, state));
            if (state.sent && args.again != 0) args.set(args.again, '1');
            std::this_thread::sleep_for(state.pause);
            state.pause = std::clamp(state.pause * 2, std::chrono::milliseconds{1}, std::chrono::milliseconds{250});
        }
    }

    // A setting of the server; nothing when it does not tell, by its access rules.
    [[nodiscard]] std::optional<std::string> setting(std::string_view name)
    {
        auto told = ask(command({"CONFIG", "GET", name}));
        if (!told || told->is_error() || told->size() < 2) return std::nullopt;
        return std::string{told->at(1)};
    }
    [[nodiscard]] result<std::vector<std::string>> doubts()
    {
        auto told = ask(command({"INFO"}));
        if (!told) return fail(told.error());
        const auto facts = told->is_error() ? server_facts{} : facts_of_info(told->text);
        return doubts_about(facts, setting("appendfsync"), options_.replicas);
    }

    // A connection of one's own, for waiting.
    [[nodiscard]] result<std::unique_ptr<wire>> connect(time_limit limit)
    {
        const redis_address to = [&] {
            const std::scoped_lock lock{mutex_};
            return target();
        }();
        auto made = std::make_unique<wire>();
        if (auto connected = made->connect(to, limit); !connected) return fail(connected.error());
        if (auto greeted = greet(*made, to, limit); !greeted) return fail(greeted.error());
        return made;
    }

private:
    struct attempt_state {
        time_limit limit;
        std::string lost;   // why the connection was lost after a request had been sent
        bool sent = false;  // a request whose answer is unknown
        std::chrono::milliseconds pause;
        bool again = false;
    };
    struct prepared {
        std::string keys;  // their number and names, as words of a request
        std::size_t words = 0;
        std::string digest;
    };

    void prepare(script s)
    {
        auto& p = prepared_[static_cast<std::size_t>(s)];
        request keys;
        std::size_t n = 0;
        each_key(source_of(s), [&](std::string_view) { ++n; });
        keys.add(n);
        each_key(source_of(s), [&](std::string_view name) {
            std::string key = address_.prefix;
            key += key_name(name);
            if (name == "reply") key += ':' + to_hex(handle_);
            keys.add(key);
        });
        p.keys = keys.bytes();
        p.words = keys.words();
    }

    [[nodiscard]] redis_address target() const
    {
        redis_address to = address_;
        if (!moved_host_.empty()) {
            to.unix_path.clear();
            to.host = moved_host_;
            to.port = moved_port_;
        }
        return to;
    }

    [[nodiscard]] error judge(error e, const script_source& source, const attempt_state& state) const
    {
        if (state.sent && source.kind != script_kind::reads)
            return {errc::outcome_unknown, source.verb, e.code == errc::unreachable ? state.lost : e.message(), 0};
        if (e.operation.empty()) e.operation = source.verb;
        return e;
    }

    // One command, asked once; it changes nothing.
    [[nodiscard]] result<reply> ask(const std::string& words)
    {
        const auto limit = limit_in(options_.timeout);
        auto got = take(limit);
        if (!got) return fail(got.error());
        std::optional<reply> told;
        if ((*got)->write(words, {}, limit)) told = (*got)->read(limit);
        if (!told) {
            drop();
            return fail(errc::unreachable, "ask " + address_.text(), (*got)->failed());
        }
        give_back(std::move(*got));
        return std::move(*told);
    }

    // One round. After an error `state.again` tells whether another makes sense.
    [[nodiscard]] result<reply> attempt(script which, const arguments& args, attempt_state& state)
    {
        state.again = false;
        auto got = take(state.limit);
        if (!got) {
            state.again = got.error().code == errc::unreachable || got.error().code == errc::busy;
            return fail(got.error());
        }
        wire& w = **got;
        auto told = exchange(w, which, args, state);
        if (!told) {
            drop();
            state.again = true;
            return fail(errc::unreachable, source_of(which).verb, w.failed());
        }
        give_back(std::move(*got));
        if (!told->is_error()) return std::move(*told);
        if (told->text.compare(0, 9, "NOSCRIPT ") == 0) {
            set_digest(which, {});
            state.again = true;
            state.pause = std::chrono::milliseconds{0};
        }
        if (told->text.compare(0, 6, "MOVED ") == 0) state.again = follow(told->text);
        if (passes_soon(told->text)) state.again = true;
        return fail(error_of_reply(source_of(which).verb, told->text));
    }

    // The script's reply, its error included; nothing when the connection failed.
    [[nodiscard]] std::optional<reply> exchange(wire& w, script which, const arguments& args, attempt_state& state)
    {
        const auto& p = prepared_[static_cast<std::size_t>(which)];
        std::string digest = this->digest(which);
        if (digest.empty()) {
            if (!w.write(command({"SCRIPT", "LOAD", text_of(source_of(which))}), {}, state.limit)) return std::nullopt;
            auto loaded = w.read(state.limit);
            if (!loaded || loaded->is_error()) return loaded;
            digest = loaded->text;
            set_digest(which, digest);
        }
        std::string head = '*' + std::to_string(2 + p.words + args.words()) + "\r\n$7\r\nEVALSHA\r\n$" +
                           std::to_string(digest.size()) + "\r\n" + digest + "\r\n" + p.keys;
        const bool writes = source_of(which).kind != script_kind::reads;
        const bool waits = writes && options_.replicas > 0;
        // What was sent in part cannot have run, but the last bytes may be on their way when a write fails.
        const bool lost_before = std::exchange(state.sent, true);
        bool done = w.write(head, args.bytes(), state.limit);
        if (done && waits) done = w.write(wait_command(), {}, state.limit);
        std::optional<reply> told = done ? w.read(state.limit) : std::nullopt;
        if (!told) {
            state.lost = w.failed();
            return std::nullopt;
        }
        state.sent = lost_before && told->is_error();
        if (!waits) return told;
        auto copies = w.read(limit_in(options_.replica_timeout + std::chrono::seconds{1}));
        if (!copies) {
            state.sent = true;
            state.lost = w.failed();
            return std::nullopt;
        }
        if (!told->is_error() && copies->number() < options_.replicas) {
            told->type = REDIS_REPLY_ERROR;
            told->text = "QUEUECTL outcome_unknown " + std::to_string(copies->number()) + " of " +
                         std::to_string(options_.replicas) + " replicas have it";
        }
        return told;
    }
    [[nodiscard]] std::string wait_command() const
    {
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(options_.replica_timeout).count();
        return command({"WAIT", std::to_string(options_.replicas), std::to_string(std::max<std::int64_t>(ms, 1))});
    }

    [[nodiscard]] std::string digest(script s)
    {
        const std::scoped_lock lock{mutex_};
        return prepared_[static_cast<std::size_t>(s)].digest;
    }
    void set_digest(script s, std::string digest)
    {
        const std::scoped_lock lock{mutex_};
        prepared_[static_cast<std::size_t>(s)].digest = std::move(digest);
    }

    // "MOVED slot host:port": the node of a cluster that has our keys. Whether that is news.
    bool follow(std::string_view text)
    {
        const auto at = text.rfind(' ');
        const auto colon = text.rfind(':');
        if (at == text.npos || colon == text.npos || colon < at) return false;
        const std::scoped_lock lock{mutex_};
        moved_host_ = text.substr(at + 1, colon - at - 1);
        if (moved_host_.empty()) moved_host_ = address_.host;
        moved_port_ = static_cast<int>(std::strtol(std::string{text.substr(colon + 1)}.c_str(), nullptr, 10));
        open_ -= idle_.size();
        idle_.clear();
        return true;
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

    // An idle connection, or a new one while there are fewer than the options allow, or the next that is given back.
    [[nodiscard]] result<std::unique_ptr<wire>> take(time_limit limit)
    {
        {
            std::unique_lock lock{mutex_};
            const bool some = free_.wait_until(
                lock, limit, [&] { return !idle_.empty() || open_ < std::max<std::size_t>(options_.connections, 1); });
            if (!some) return fail(errc::busy, "", "no connection became free in time");
            if (!idle_.empty()) {
                auto w = std::move(idle_.back());
                idle_.pop_back();
                return w;
            }
            ++open_;
        }
        auto made = connect(std::min(limit, limit_in(options_.connect_timeout)));
        if (!made) drop();
        return made;
    }
    void give_back(std::unique_ptr<wire> w)
    {
        const std::scoped_lock lock{mutex_};
        if (idle_.empty() && open_ == 0) ++open_;  // the first, of open()
        idle_.push_back(std::move(w));
        free_.notify_one();
    }
    void drop()
    {
        const std::scoped_lock lock{mutex_};
        if (open_ > 0) --open_;
        free_.notify_one();
    }

    redis_options options_;
    redis_address address_;
    uid handle_{};
    std::string handle_bytes_;
    const pid_t process_ = ::getpid();
    std::atomic<std::uint64_t> changes_{0};
    std::array<prepared, script_count> prepared_;

    mutable std::mutex mutex_;
    std::condition_variable free_;
    std::vector<std::unique_ptr<wire>> idle_;
    std::size_t open_ = 0;
    std::string moved_host_;
    int moved_port_ = 0;
    server_facts facts_;
    std::atomic<bool> looked_{false};
};

}  // namespace queuectl::inline v0::detail::redis

#endif
