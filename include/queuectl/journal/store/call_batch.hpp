// Calls that are run together.
#ifndef QUEUECTL_JOURNAL_STORE_CALL_BATCH_HPP
#define QUEUECTL_JOURNAL_STORE_CALL_BATCH_HPP

#include <queuectl/journal/store/call_line.hpp>

#include <utility>

namespace queuectl::inline v0::journal {

// Calls out of a line, whose records will be one frame. What is not over in the end goes back into it. For who serves.
template <class Call>
struct call_batch {
    explicit call_batch(call_line<Call>& l) noexcept : line{l} {}
    call_batch(const call_batch&) = delete;
    call_batch& operator=(const call_batch&) = delete;
    ~call_batch()
    {
        while (newest != nullptr) give_back();
    }

    // The next in line, or null.
    Call* add() noexcept
    {
        Call* const call = line.take();
        if (call == nullptr) return nullptr;
        call->next = newest;
        newest = call;
        ++count;
        return call;
    }
    // The newest.
    void give_back() noexcept
    {
        Call* const call = newest;
        newest = call->next;
        --count;
        line.put_first(*call);
    }
    // All are over, and belong to their own threads.
    void end() noexcept
    {
        while (newest != nullptr) std::exchange(newest, newest->next)->end();
    }

    call_line<Call>& line;
    Call* newest = nullptr;
    int count = 0;
};

}  // namespace queuectl::inline v0::journal

#endif
