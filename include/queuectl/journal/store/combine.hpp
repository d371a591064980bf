// One turn for the calls of many threads.
#ifndef QUEUECTL_JOURNAL_STORE_COMBINE_HPP
#define QUEUECTL_JOURNAL_STORE_COMBINE_HPP

#include <queuectl/journal/store/call_batch.hpp>
#include <queuectl/process/futex.hpp>

#include <sched.h>

namespace queuectl::inline v0::journal {

// The calls of one session. One thread serves: it takes the turn, runs its own call and those of the others who came
// meanwhile, and appends the records of all in one frame. A call that fails is undone alone; when the append fails, the
// calls are tried again one by one. The others sleep until their call is over; those who wait for a sync do so until
// that sync, of which the one that served is a leader, wakes them.
//
// Session: change(turn, ticket, body), follow_early(), follow(turn), clean(turn, waits), take(verb, most),
// named(verb, error), the_log(), others_in_line().
template <class Session>
class combiner {
    using core = typename Session::core_type;
    using turn = typename Session::turn_type;

public:
    using call_type = waiting_call<core, turn>;

    explicit combiner(Session& session) noexcept : session_{&session} {}

    // Until the call is over. Any thread.
    void carry_out(call_type& call)
    {
        const auto deadline = queuectl::detail::monotonic_us() + saturate(session_->the_log().patience()).count();
        const bool first = !lets_others_come(call) && line_.try_serve();
        if (!first) line_.join(call);
        if (call.waits_for_sync) session_->the_log().announce();
        if (first) return serve(call, deadline);
        wait(call, deadline);
        if (!call.thrown) return;
        call.begin_again();
        while (!line_.try_serve()) sleep(served_.load());
        serve(call, deadline);
    }

private:
    using batch = call_batch<call_type>;

    static constexpr int yields = 4;
    static constexpr duration look_again{20'000};
    static constexpr int frames_max = 8;                         // that one thread appends
    static constexpr std::size_t frame_bytes_max = 128U << 10U;  // behind which no other call begins

    // Somebody serves: what has to be done when it stops.
    struct duty {
        duty(combiner& c, call_type& o) noexcept : all{c}, own{o} {}
        duty(const duty&) = delete;
        duty& operator=(const duty&) = delete;
        ~duty()
        {
            if (!own.over()) all.line_.take_out(own);
            const bool left = all.line_.stop_serving();
            if (left || told) all.wake();
            if (left || told_synced || (synced && !(own.waits_for_sync && own.done)))
                all.session_->the_log().wake_for_sync();
        }

        combiner& all;
        call_type& own;
        int frames = 0;
        bool gathers = true;  // all who were run wait for a sync, and may as well wait for others
        std::int64_t gather_until = 0;
        int calls_max = 1 << 20;   // in a frame
        bool told = false;         // others are over who wait for no sync
        bool told_synced = false;  // others have failed who wait for one
        bool synced = false;       // others wait for the sync now
    };

    // Where several come, none of them serves before it has given way once: then the others on its processor have come,
    // and it runs their calls while those on other processors still come.
    [[nodiscard]] bool lets_others_come(const call_type& call) const noexcept
    {
        return call.waits_for_sync && session_->the_log().several_wait();
    }

    void wait(call_type& call, std::int64_t deadline)
    {
        std::int64_t sleeps_at = 0;
        for (int round = 0;; ++round) {
            if (round == yields && call.waits_for_sync) sleeps_at = session_->the_log().gives_way_until();
            const auto syncs = session_->the_log().syncs();
            const auto served = served_.load();
            if (call.over()) return;
            if ((round > 0 || !lets_others_come(call)) && line_.try_serve()) {
                if (!call.over()) return serve(call, deadline);
                if (line_.stop_serving()) {
                    wake();
                    session_->the_log().wake_for_sync();
                }
                return;
            }
            if (round < yields || queuectl::detail::monotonic_us() < sleeps_at)
                ::sched_yield();
            else if (call.waits_for_sync)
                session_->the_log().sleep_until_sync(syncs, look_again);
            else
                sleep(served);
        }
    }
    void sleep(std::uint32_t served) noexcept
    {
        sleepers_.fetch_add(1);
        queuectl::detail::futex_wait(served_, served, look_again);
        sleepers_.fetch_sub(1);
    }
    void wake() noexcept
    {
        served_.fetch_add(1);
        if (sleepers_.load() != 0) queuectl::detail::futex_wake(served_, 1 << 20);
    }

    // This thread serves; its own call comes first, and ends. Memory exhaustion is thrown only while it does not.
    void serve(call_type& own, std::int64_t deadline)
    {
        duty now{*this, own};
        line_.take_out(own);
        line_.put_first(own);
#if QUEUECTL_HAS_EXCEPTIONS
        try {
#endif
            while (!own.over()) static_cast<void>(serve_turn(now, deadline));
            while (now.frames < frames_max && !line_.empty() && serve_turn(now, deadline)) {}
#if QUEUECTL_HAS_EXCEPTIONS
        } catch (...) {
            if (!own.over()) throw;
        }
#endif
    }

    // Runs what is in line, until a failed sync has to be made good by another turn. False: there is no turn.
    bool serve_turn(duty& now, std::int64_t deadline)
    {
        const auto left = std::max<std::int64_t>(deadline - queuectl::detail::monotonic_us(), 0);
        auto held = session_->take(now.own.verb, duration{left});
        if (!held) {
            if (now.own.over()) return false;
            line_.take_out(now.own);
            now.own.done = fail(held.error());
            now.own.end();
            return false;
        }
        while (!line_.empty() && (now.frames < frames_max || !now.own.over())) {
            ++now.frames;
            if (serve_frame(now, *held)) break;
        }
        return true;
    }

    // Whether the turn is of no use any more.
    bool serve_frame(duty& now, turn& held)
    {
        batch ran{line_};
        bool rescue = false;
        bool garbage = false;  // in the index, which the next turn makes anew
        log_ticket ticket;
        auto done = session_->change(held, ticket, [&](core& c, turn& t) {
            rescue = run_calls(now, ran, c, t);
            garbage = c.index.space().doubtful();
            return result<void>{};
        });
        if (done) {
            end_all(now, ran, ticket);
            if (!session_->follow(held)) return true;
            now.own.dropped = std::max(now.own.dropped, session_->clean(held, !now.own.hurries));
            return rescue;
        }
        rescue = garbage || session_->the_log().needs_rescue();
        now.calls_max = 1;
        if (ran.count > 1 || again(*ran.newest, done.error())) return rescue;
        ran.newest->done = session_->named(ran.newest->verb, done.error());
        end_all(now, ran, ticket);
        return rescue;
    }

    // Whether a failed sync came between, which the next turn makes good.
    bool again(call_type& call, const error& why)
    {
        return session_->the_log().needs_rescue() && why.code != errc::outcome_unknown && call.repairs_left-- > 0;
    }

    // Whether it stopped before a call that needs another turn.
    bool run_calls(duty& now, batch& ran, core& c, turn& t)
    {
        while (ran.count < now.calls_max && c.body.size() < frame_bytes_max) {
            load_ahead(ran, c);
            call_type* const call = ran.add();
            if (call == nullptr && gather(now, t)) continue;
            if (call == nullptr) return false;
            now.gathers = now.gathers && call->waits_for_sync;
            const auto begin = c.begin_call();
            call->done = run(*call, now.own, c, t);
            if (call->done) continue;
            c.undo_call(begin);
            if (c.index.space().doubtful()) return false;
            if (c.was_put_off() && session_->follow_early()) {
                ran.give_back();
                continue;
            }
            const bool retake = again(*call, call->done.error());
            if (!c.crowded() && !c.was_put_off() && !retake) continue;
            ran.give_back();
            return retake;
        }
        return false;
    }

    // What those in line need is loaded while the first of them run.
    void load_ahead(const batch& ran, const core& c)
    {
        if (!line_.let_in_next() && ran.count > 0) return;
        line_.for_each([&](const call_type& call) { call.load(c); });
        line_.for_each([&](const call_type& call) { call.load_more(c); });
    }

    // Waits for others a little. Whether there is somebody in line.
    bool gather(duty& now, turn& t)
    {
        if (!now.gathers) return false;
        if (now.gather_until == 0) {
            now.gather_until = session_->the_log().gathers_until();
            if (session_->the_log().many_wait()) t.fill_ahead();
        }
        while (session_->the_log().more_will_wait() && !session_->others_in_line()) {
            ::sched_yield();
            if (!line_.empty()) return true;
            if (queuectl::detail::monotonic_us() >= now.gather_until) break;
        }
        return !line_.empty();
    }

    result<void> run(call_type& call, [[maybe_unused]] call_type& own, core& c, turn& t)
    {
        auto done = [&]() -> result<void> {
#if QUEUECTL_HAS_EXCEPTIONS
            if (&call != &own) try {
                    return call.run(c, t);
                } catch (...) {
                    call.thrown = true;
                    return fail(errc::no_memory, {});
                }
#endif
            return call.run(c, t);
        }();
        if (done || call.thrown || c.crowded() || c.was_put_off()) return done;
        return session_->named(call.verb, done.error());
    }

    void end_all(duty& now, batch& ran, const log_ticket& ticket)
    {
        std::uint64_t waiting = 0;
        for (call_type* call = ran.newest; call != nullptr; call = call->next) {
            call->ticket = ticket;
            const bool synced = call->done && call->waits_for_sync;
            waiting += synced ? 1 : 0;
            if (synced) now.own.ticket = ticket;
            if (call == &now.own) continue;
            now.told = now.told || !call->waits_for_sync;
            now.told_synced = now.told_synced || (call->waits_for_sync && !synced);
            now.synced = now.synced || synced;
        }
        if (waiting > 0) session_->the_log().wrote(waiting);
        ran.end();
    }

    Session* session_;
    call_line<call_type> line_;
    queuectl::detail::shared_word served_{0};  // changes when calls are over; slept on
    queuectl::detail::shared_word sleepers_{0};
};

}  // namespace queuectl::inline v0::journal

#endif
