// Calls that wait in line to be run.
#ifndef QUEUECTL_JOURNAL_STORE_CALL_LINE_HPP
#define QUEUECTL_JOURNAL_STORE_CALL_LINE_HPP

#include <queuectl/detail/prefetch.hpp>
#include <queuectl/job.hpp>
#include <queuectl/journal/log_options.hpp>

#include <atomic>

namespace queuectl::inline v0::journal {

// A call on the stack of the thread that waits for it. Whoever serves the line runs it, and runs it again when what it
// did could not be kept. From end() on it belongs to its own thread.
template <class Core, class Turn>
class waiting_call {
public:
    // `new_job`: the only one that it brings; null = another call.
    waiting_call(const char* v, bool waits, bool hurry, const job* new_job) noexcept
        : verb{v},
          alone{new_job},
          id{new_job ? decltype(Core::index)::hash(new_job->id) : 0},
          waits_for_sync{waits},
          hurries{hurry}
    {
    }
    waiting_call(const waiting_call&) = delete;
    waiting_call& operator=(const waiting_call&) = delete;

    // Changes core's index, and puts the records that say so behind those in core.body. After an error neither counts.
    [[nodiscard]] virtual result<void> run(Core& core, Turn& turn) = 0;

    // Starts to load what run() looks at: first itself and what it brings, which another processor has written, and the
    // place of its id; then what is found there.
    void load(const Core& core) const noexcept
    {
        constexpr std::size_t usual_bytes = 256;
        queuectl::detail::prefetch(this, usual_bytes);
        if (alone == nullptr) return;
        queuectl::detail::prefetch(alone, sizeof(job));
        core.index.prefetch(id);
    }
    void load_more(const Core& core) const noexcept
    {
        if (alone != nullptr) core.index.prefetch_member(id);
    }

    // `done` and `ticket` are what they will be.
    [[nodiscard]] bool over() const noexcept { return over_.load(std::memory_order_acquire); }
    void end() noexcept { over_.store(true, std::memory_order_release); }
    void begin_again() noexcept
    {
        over_.store(false, std::memory_order_relaxed);
        thrown = false;
    }

    waiting_call* next = nullptr;  // the line's
    const char* const verb;
    const job* const alone;
    const std::uint32_t id;  // the hash of its id
    const bool waits_for_sync;
    const bool hurries;   // nobody waits for it to be durable
    bool thrown = false;  // it ran out of memory on a thread that is not its own; nothing has changed
    int repairs_left = 3;
    result<void> done;
    log_ticket ticket;
    std::uint64_t dropped = 0;  // the segment whose removal its own thread has to make durable

protected:
    ~waiting_call() = default;

private:
    std::atomic<bool> over_{false};
};

// First come, first served. Any thread may join; one at a time serves.
template <class Call>
class call_line {
public:
    // The call stays in line until it is taken out. Afterwards somebody has to serve.
    void join(Call& call) noexcept
    {
        call.next = newest_.load();
        while (!newest_.compare_exchange_weak(call.next, &call)) {}
    }
    // The caller serves from now on, unless somebody else does.
    [[nodiscard]] bool try_serve() noexcept { return !served_.load() && !served_.exchange(true); }

    // What follows is for who serves.

    // Whether some are left in line: one of them has to serve, and may sleep.
    [[nodiscard]] bool stop_serving() noexcept
    {
        const bool any = first_ != nullptr;
        served_.store(false);
        return any || newest_.load() != nullptr;
    }
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr && newest_.load() == nullptr; }
    // When all who were let in have been taken out: lets in who has joined. Whether there is somebody new.
    bool let_in_next() noexcept
    {
        if (first_ != nullptr) return false;
        let_in();
        return first_ != nullptr;
    }
    // Of those who were let in, the one that waits longest first.
    template <class Visit>
    void for_each(Visit&& visit) const
    {
        for (const Call* call = first_; call != nullptr; call = call->next) visit(*call);
    }
    // The one that waits longest; null = none.
    [[nodiscard]] Call* take() noexcept
    {
        static_cast<void>(let_in_next());
        Call* const call = first_;
        if (call != nullptr) first_ = call->next;
        return call;
    }
    // This one, if it is there.
    void take_out(Call& call) noexcept
    {
        let_in();
        Call** at = &first_;
        while (*at != nullptr && *at != &call) at = &(*at)->next;
        if (*at != nullptr) *at = call.next;
    }
    void put_first(Call& call) noexcept
    {
        call.next = first_;
        first_ = &call;
    }

private:
    void let_in() noexcept
    {
        Call* oldest = nullptr;
        for (Call* call = newest_.exchange(nullptr); call != nullptr;) {
            Call* const before = call->next;
            call->next = oldest;
            oldest = call;
            call = before;
        }
        Call** end = &first_;
        while (*end != nullptr) end = &(*end)->next;
        *end = oldest;
    }

    std::atomic<Call*> newest_{nullptr};  // who has joined and was not let in, the last first
    std::atomic<bool> served_{false};
    Call* first_ = nullptr;  // who was let in; of who serves
};

}  // namespace queuectl::inline v0::journal

#endif
