// How much work SQLite did: virtual machine steps of every connection of this process.
#ifndef QUEUECTL_TESTS_SQLITE_VM_STEPS_HPP
#define QUEUECTL_TESTS_SQLITE_VM_STEPS_HPP

#include "sqlite/store.hpp"

#include <atomic>

namespace queuectl_test {

inline std::atomic<std::uint64_t> steps_counted{0};

inline int add_steps(unsigned, void*, void* statement, void*)
{
    const int steps = sqlite3_stmt_status(static_cast<sqlite3_stmt*>(statement), SQLITE_STMTSTATUS_VM_STEP, 1);
    steps_counted += static_cast<std::uint64_t>(steps);
    return 0;
}

inline int trace_connection(sqlite3* db, char**, const void*)
{
    return sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, &add_steps, nullptr);
}

// From now on opened connections are counted.
inline void count_vm_steps() { sqlite3_auto_extension(reinterpret_cast<void (*)()>(&trace_connection)); }

// A number that only grows.
[[nodiscard]] inline std::uint64_t vm_steps() { return steps_counted; }

}  // namespace queuectl_test

#endif
