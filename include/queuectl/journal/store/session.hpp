// An open journal: its log and its index, and how a change of both is made.
#ifndef QUEUECTL_JOURNAL_STORE_SESSION_HPP
#define QUEUECTL_JOURNAL_STORE_SESSION_HPP

#include <queuectl/detail/store_gate.hpp>
#include <queuectl/facets.hpp>
#include <queuectl/journal/log.hpp>
#include <queuectl/journal/store/clean.hpp>
#include <queuectl/journal/store/combine.hpp>
#include <queuectl/journal/store/replay.hpp>
#include <queuectl/process/home_process.hpp>
#include <queuectl/process/wake_word.hpp>

namespace queuectl::inline v0::journal {

// What of a change must be durable when the call returns: nothing, what the mode promises, all.
enum class durable : std::uint8_t { later, as_promised, always };

// Any number of threads. FileSystem, Gate, the words and the index memory are shared by all who have the store open.
template <file_system FileSystem, class Gate, class Guards>
class session {
public:
    using log_type = log<FileSystem, Gate, Guards>;
    using change_of = queuectl::detail::change_of;
    using core_type = store_core<log_type, Guards>;
    using turn_type = typename log_type::turn;

    // `kept` lives as long as the session.
    session(std::shared_ptr<void> kept, std::unique_ptr<log_type> opened, index_memory memory, control_words& control,
            const log_options& options, std::string where)
        : kept_{std::move(kept)},
          log_{std::move(opened)},
          core_{*log_, std::move(memory)},
          replay_{core_, options.boot},
          control_{&control},
          wake_{control},
          random_{options.random},
          location_{std::move(where)},
          mode_{options.mode}
    {
    }
    session(const session&) = delete;
    session& operator=(const session&) = delete;
    // In a forked child everything is left as it is: it belongs to the parent.
    ~session()
    {
        if (!forked()) static_cast<void>(log_->settle_down(replay_));
    }

    [[nodiscard]] FileSystem& fs() noexcept { return log_->files(); }
    [[nodiscard]] wake_word& wake() noexcept { return wake_; }
    [[nodiscard]] const std::string& where() const noexcept { return location_; }
    [[nodiscard]] queuectl::durability mode() const noexcept { return mode_; }
    [[nodiscard]] uid store() noexcept { return log_->store(); }
    [[nodiscard]] output_number new_output_number() noexcept
    {
        const std::scoped_lock one{drawing_};
        return random_() | 1;
    }

    // Runs `body(core, turn)` → result<void>, which changes the index and puts records into core.body behind what is
    // there, and appends those, on a store that takes such changes. After an error nothing has changed, or it is
    // errc::outcome_unknown. `body` may run on another thread, together with others' calls, and again when what was
    // done could not be kept. `alone`: the only job that it brings, which it may put into core.ahead instead of the
    // index, if core.leads().
    template <class Body>
    [[nodiscard]] result<void> write(const char* verb, change_of what, durable wanted, Body&& body,
                                     const job* alone = nullptr)
    {
        if (auto usable = check_process(verb); !usable) return usable;
        const bool synced = wanted != durable::later && Guards::sync_writes;
        const bool waits = synced && (wanted == durable::always || mode_ == queuectl::durability::full);
        body_call<std::remove_cvref_t<Body>> call{verb, what, waits, wanted == durable::later, alone, body};
        combined_.carry_out(call);
        auto done = std::move(call.done);
        if (!done && waits) log_->retract();
        if (done && synced) {
            done = waits ? log_->sync_always(call.ticket) : log_->sync(call.ticket);
            if (!done) done = named(verb, done.error());
        }
        if (call.dropped != 0) static_cast<void>(log_->dropped(call.dropped));
        return done;
    }
    // With `wait`, all of it is as durable as the mode promises when this returns.
    template <class Body>
    [[nodiscard]] result<void> write(const char* verb, bool wait, Body&& body)
    {
        return write(verb, change_of::jobs, wait ? durable::as_promised : durable::later, std::forward<Body>(body));
    }

    // Runs `body(core)` → result<void> on one state of the store.
    template <class Body>
    [[nodiscard]] result<void> read(const char* verb, Body&& body)
    {
        auto turn = take(verb);
        if (!turn) return fail(turn.error());
        core_.forget();
        auto done = body(core_);
        if (core_.index.space().doubtful()) {
            core_.index.space().rollback();
            done = garbage_in_index();
        }
        return done ? result<void>{} : named(verb, done.error());
    }

    // The store's own state; changes it whatever it is. When the store was made is not changed.
    [[nodiscard]] result<void> set_header(const char* verb, header_record header)
    {
        log_ticket ticket;
        {
            auto turn = take(verb);
            if (!turn) return fail(turn.error());
            auto done = change(*turn, ticket, [&](core_type& core, turn_type& t) {
                if (auto room = core.index.reserve(1, 1); !room) return room;
                if (auto place = core.prepare(t, 1024 + header.moved_to.size(), append_room::reserve); !place)
                    return place;
                header.created_at = timestamp{duration{core.index.roots().created_at}};
                append_header(core.body, header);
                core.set_header(header);
                return result<void>{};
            });
            if (!done) return named(verb, done.error());
        }
        auto synced = log_->sync_always(ticket);
        return synced ? synced : named(verb, synced.error());
    }

    // notifying_storage's wait, with a look at the log every five seconds: who appends may die before it tells.
    change_counts wait(change_counts seen, duration most)
    {
        return wake_.wait_and_look(seen, most, [this, written = log_->written()]() mutable {
            const auto before = std::exchange(written, log_->written());
            return before != written;
        });
    }

    void remove_outputs(const std::vector<output_number>& files)
    {
        for (const auto number : files) static_cast<void>(fs().remove(output_name(number)));
    }

private:
    failure_value named(const char* verb, const error& why) const
    {
        error e = why;
        e.operation = std::string{verb} + ' ' + location_ + (why.operation.empty() ? "" : ": " + why.operation);
        return failure_value{std::move(e)};
    }

    [[nodiscard]] bool forked() const noexcept { return home_.left(); }

    result<void> check_process(const char* verb) const
    {
        if (!forked()) return {};
        return fail(errc::unsupported, std::string{verb} + ' ' + location_, "a store must be opened again after fork");
    }

    result<turn_type> take(const char* verb) { return take(verb, log_->patience()); }
    result<turn_type> take(const char* verb, duration most)
    {
        if (auto usable = check_process(verb); !usable) return fail(usable.error());
        if (auto there = check_folder(verb); !there) return fail(there.error());
        auto turn = log_->take_turn(replay_, most);
        if (!turn) return named(verb, turn.error());
        if (replay_.failure()) {
            auto why = named(verb, *replay_.failure());
            replay_.forget_failure();
            return why;
        }
        return turn;
    }

    // What is written to a folder that was removed is lost, and others may have made a new store in its place.
    result<void> check_folder(const char* verb)
    {
        if constexpr (requires { fs().folder().still_there(); })
            if (mode_ != queuectl::durability::none && !fs().folder().still_there())
                return fail(errc::unreachable, std::string{verb} + ' ' + location_, "the store was removed");
        return {};
    }

    friend class combiner<session>;

    template <class Body>
    class body_call final : public combiner<session>::call_type {
    public:
        body_call(const char* v, change_of what, bool waits, bool hurry, const job* new_job, const Body& b)
            : combiner<session>::call_type{v, waits, hurry, new_job}, what_{what}, body_{b}
        {
        }
        [[nodiscard]] result<void> run(core_type& core, turn_type& turn) override
        {
            if (auto open = core.admits(what_, {}); !open) return open;
            const bool may_lead = this->alone != nullptr && this->waits_for_sync;
            if (!core.leads(may_lead) && core.ahead.any()) return core.put_off();
            turn.in_a_hurry(this->hurries);
            return body_(core, turn);
        }

    private:
        change_of what_;
        Body body_;
    };

    // Threads of other processes, or others of this one, that wait for the lock.
    [[nodiscard]] bool others_in_line() const noexcept { return control_->line.load() != 0; }
    [[nodiscard]] log_type& the_log() noexcept { return *log_; }

    // `body` has made the room that it wants. What is in core.ahead afterwards waits for follow().
    template <class Body>
    result<void> change(turn_type& turn, log_ticket& ticket, Body&& body)
    {
        core_.forget();
        result<void> done = body(core_, turn);
        ticket = turn.seen();
        if (core_.index.space().doubtful()) done = garbage_in_index();
        if (done && !Guards::append_first) core_.index.space().commit();
        if (done && !core_.body.empty()) {
            auto appended = turn.append(core_.body, append_room::reserve);
            if (!appended)
                done = fail(appended.error());
            else if (Guards::own_ticket)
                ticket = *appended;
        }
        if (!done) {
            if (Guards::roll_back_failed)
                core_.index.space().rollback();
            else
                core_.index.space().commit();
            return done;
        }
        if (core_.ahead.any()) return done;
        core_.index.step(core_.index.space().remembered() / sizeof(order_node));
        core_.heard(turn.position());
        core_.index.space().commit();
        return done;
    }

    // The index hears of core.ahead, as a part of the change under way. False: not now; nothing has changed.
    bool follow_early()
    {
        const auto before = core_.index.space().save();
        if (!replay_.records(core_.place(), core_.body)) {
            core_.index.space().rollback(before);
            return false;
        }
        core_.ahead.clear();
        return true;
    }
    // The same, when the change is over. False: not now; the next turn tells it.
    bool follow(const turn_type& turn)
    {
        if (!core_.ahead.any()) return true;
        replay_.frame(turn.position(), core_.place(), core_.body);
        core_.ahead.clear();
        const bool heard = !replay_.failure();
        replay_.forget_failure();
        return heard;
    }

    // A step of compaction, where it is due. It may fail: nothing has changed then, and the next step tries again. A
    // call that does not wait leaves it to those that do, while there are some. Returns the segment that was removed.
    std::uint64_t clean(turn_type& turn, bool waits)
    {
        const bool cleans = needs_cleaning<Guards>(core_.index.roots(), waits);
        if (cleans) clean(turn);
        auto dropped = waits || cleans ? log_->drop_one() : std::uint64_t{0};
        return dropped ? *dropped : 0;
    }
    void clean(turn_type& turn)
    {
        auto& roots = core_.index.roots();
        const auto budget =
            std::min(std::max(clean_ahead * core_.body.size(), Guards::clean_bytes_min), clean_bytes_max);
        clean_step<core_type> step{core_, log_->lowest(), roots.heard.segment};
        log_ticket ticket;
        auto moved = change(turn, ticket, [&](core_type& core, turn_type& t) -> result<void> {
            if (auto looked = step.look(budget); !looked) return looked;
            if (auto room = core.index.reserve(0, 1 + step.moved()); !room) return room;
            if (auto place = core.prepare(t, core.body.size(), append_room::normal); !place) return place;
            step.apply();
            return {};
        });
        if (moved && step.done_segment() != 0) trim(turn, step.done_segment());
    }
    // What follows the segment is the log from now on.
    void trim(turn_type& turn, std::uint64_t segment)
    {
        auto& roots = core_.index.roots();
        if (auto room = core_.index.reserve(0, 1); !room) return;
        core_.body.clear();
        if (Guards::remember) append_remembered(core_, core_.body);
        if (core_.index.space().doubtful()) return core_.index.space().rollback();
        if (auto done = turn.trim(segment + 1, core_.body); !done) return;
        auto& space = core_.index.space();
        space.touch(roots.log_bytes) -= roots.clean_frame - frames_begin;
        space.touch(roots.clean_segment) = segment + 1;
        space.touch(roots.clean_frame) = frames_begin;
        space.touch(roots.clean_record) = 0;
        core_.heard(turn.position());
        space.commit();
    }

    std::shared_ptr<void> kept_;
    std::unique_ptr<log_type> log_;
    core_type core_;            // under the turn
    replay<core_type> replay_;  // under the turn
    combiner<session> combined_{*this};
    control_words* control_;
    wake_word wake_;
    std::mutex drawing_;
    random_source random_;
    std::string location_;
    queuectl::durability mode_;
    queuectl::detail::home_process home_;
};

}  // namespace queuectl::inline v0::journal

#endif
