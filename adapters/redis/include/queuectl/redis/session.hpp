// What a handle keeps: its connections, the scripts it has loaded, and how a call is asked for again.
#ifndef QUEUECTL_REDIS_SESSION_HPP
#define QUEUECTL_REDIS_SESSION_HPP

#include <queuectl/process/home_process.hpp>
#include <queuectl/redis/format.hpp>
#include <queuectl/redis/pipeline.hpp>
#include <queuectl/redis/scripts.hpp>

#include <array>
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
    session(redis_address address, const redis_options& options) : options_{options}, connector_{std::move(address)}
    {
        handle_ = new_id();
        packer{handle_bytes_}.id(handle_);
        for (std::size_t i = 0; i < script_count; ++i) prepare(static_cast<script>(i));
    }

    [[nodiscard]] const redis_options& options() const noexcept { return options_; }
    [[nodiscard]] const redis_address& address() const noexcept { return connector_.address(); }
    [[nodiscard]] const std::string& handle() const noexcept { return handle_bytes_; }
    [[nodiscard]] std::string channel() const { return address().prefix + "store"; }
    [[nodiscard]] server_facts facts() const { return connector_.facts(); }
    [[nodiscard]] static uid new_id()
    {
        std::random_device random;
        const auto word = [&] { return std::uint64_t{random()} << 32 | random(); };
        return uid{word(), word()};
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
    [[nodiscard]] result<void> open() { return pipeline_.open(); }

    // Runs a script. A lost connection, a server that is loading, a script it has forgotten: asked for again until the
    // options' timeout. Errors: see storage.hpp.
    [[nodiscard]] result<reply> call(script which, arguments args)
    {
        const auto& source = source_of(which);
        if (home_.left())
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
        auto told = ask(command({"CONFIG", "GET", name}), limit_in(options_.timeout));
        if (!told || told->is_error() || told->size() < 2) return std::nullopt;
        return std::string{told->at(1)};
    }
    [[nodiscard]] result<std::vector<std::string>> doubts()
    {
        auto told = ask(command({"INFO"}), limit_in(options_.timeout));
        if (!told) return fail(told.error());
        const auto facts = told->is_error() ? server_facts{} : facts_of_info(told->text);
        return doubts_about(facts, setting("appendfsync"), options_.replicas);
    }

    // A connection of one's own, for waiting.
    [[nodiscard]] result<std::unique_ptr<wire>> connect(time_limit limit) { return connector_.connect(limit); }

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
        std::string digest;  // guarded by digests_; empty = the server must be given the text
    };

    void prepare(script s)
    {
        auto& p = prepared_[static_cast<std::size_t>(s)];
        request keys;
        std::size_t n = 0;
        each_key(source_of(s), [&](std::string_view) { ++n; });
        keys.add(n);
        each_key(source_of(s), [&](std::string_view name) {
            std::string key = address().prefix;
            key += key_name(name);
            if (name == "reply") key += ':' + to_hex(handle_);
            keys.add(key);
        });
        p.keys = keys.bytes();
        p.words = keys.words();
    }

    [[nodiscard]] static error judge(error e, const script_source& source, const attempt_state& state)
    {
        if (state.sent && source.kind != script_kind::reads)
            return {errc::outcome_unknown, source.verb, e.code == errc::unreachable ? state.lost : e.message(), 0};
        if (e.operation.empty()) e.operation = source.verb;
        return e;
    }

    // One command that changes nothing, asked once. The reply may be an error of the server's.
    [[nodiscard]] result<reply> ask(const std::string& words, time_limit limit)
    {
        errand e{words, {}, false, limit, {}, {}};
        pipeline_.run(e);
        if (!e.told) return fail(std::move(e.problem));
        return std::move(*e.told);
    }

    // One round. After an error `state.again` tells whether another makes sense.
    [[nodiscard]] result<reply> attempt(script which, const arguments& args, attempt_state& state)
    {
        state.again = false;
        auto told = exchange(which, args, state);
        if (!told) {
            state.again = told.error().code == errc::unreachable || told.error().code == errc::busy;
            return fail(told.error());
        }
        if (!told->is_error()) return std::move(*told);
        if (told->text.compare(0, 9, "NOSCRIPT ") == 0) {
            set_digest(which, {});
            state.again = true;
            state.pause = std::chrono::milliseconds{0};
        }
        if (told->text.compare(0, 6, "MOVED ") == 0 && connector_.follow(told->text)) {
            pipeline_.forget_idle();
            state.again = true;
        }
        if (passes_soon(told->text)) state.again = true;
        return fail(error_of_reply(source_of(which).verb, told->text));
    }

    // The script's reply, its error included.
    [[nodiscard]] result<reply> exchange(script which, const arguments& args, attempt_state& state)
    {
        const auto& p = prepared_[static_cast<std::size_t>(which)];
        std::string digest = this->digest(which);
        if (digest.empty()) {
            auto loaded = ask(command({"SCRIPT", "LOAD", text_of(source_of(which))}), state.limit);
            if (!loaded || loaded->is_error()) return loaded;
            digest = loaded->text;
            set_digest(which, digest);
        }
        const std::string head = '*' + std::to_string(2 + p.words + args.words()) + "\r\n$7\r\nEVALSHA\r\n$" +
                                 std::to_string(digest.size()) + "\r\n" + digest + "\r\n" + p.keys;
        const bool writes = source_of(which).kind != script_kind::reads;
        errand e{head, args.bytes(), writes && options_.replicas > 0, state.limit, {}, {}};
        pipeline_.run(e);
        if (!e.told) {
            if (e.sent) {
                state.sent = true;
                state.lost = e.problem.detail;
            }
            return fail(std::move(e.problem));
        }
        state.sent = state.sent && e.told->is_error();
        return std::move(*e.told);
    }

    [[nodiscard]] std::string digest(script s)
    {
        const std::scoped_lock lock{digests_};
        return prepared_[static_cast<std::size_t>(s)].digest;
    }
    void set_digest(script s, std::string digest)
    {
        const std::scoped_lock lock{digests_};
        prepared_[static_cast<std::size_t>(s)].digest = std::move(digest);
    }

    redis_options options_;
    connector connector_;
    pipeline pipeline_{connector_, options_};
    uid handle_{};
    std::string handle_bytes_;
    const home_process home_;
    std::atomic<std::uint64_t> changes_{0};
    std::array<prepared, script_count> prepared_;
    std::mutex digests_;
};

}  // namespace queuectl::inline v0::detail::redis

#endif
