// Calls that wait in line to be run.
#ifndef QUEUECTL_JOURNAL_STORE_CALL_LINE_HPP
#define QUEUECTL_JOURNAL_STORE_CALL_LINE_HPP

#include <queuectl/journal/log_options.hpp>

#include <atomic>

namespace queuectl::inline v0::journal {

// A call on the stack of the thread that waits for it. Whoever serves the line runs it, and runs it again when what it
// did could not be kept. From end() on it belongs to its own thread.
template <class Core, class Turn>
class waiting_call {
public:
    waiting_call(const char* v, bool waits, bool hurry) noexcept : verb{v}, waits_for_sync{waits}, hurries{hurry} {}
    waiting_call(const waiting_call&) = delete;
    waiting_call& operator=(const waiting_call&) = delete;

    // Changes core's index, and puts the records that say so behind those in core.body. After an error neither counts.
    [[nodiscard]] virtual result<void> run(Core& core, Turn& turn) = 0;

    // `done` and `ticket` are what they will be.
    [[nodiscard]] bool over() const noexcept { return over_.load(std::memory_order_acquire); }
    void end() noexcept { over_.store(true, std::memory_order_release); }
    void begin_again() noexcept
    {
        over_.store(false, std::memory_order_relaxed);
        thrown = false;
    }

    const char* const verb;
    const bool waits_for_sync;
    const bool hurries;   // nobody waits for it to be durable
    bool thrown = false;  // it ran out of memory on a thread that is not its own; nothing has changed
    int repairs_left = 3;
    result<void> done;
    log_ticket ticket;
    std::uint64_t dropped = 0;     // the segment whose removal its own thread has to make durable
    waiting_call* next = nullptr;  // the line's

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
    // The one that waits longest; null = none.
    [[nodiscard]] Call* take() noexcept
    {
        if (first_ == nullptr) let_in();
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
