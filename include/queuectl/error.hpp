// What can go wrong, as a value.
#ifndef QUEUECTL_ERROR_HPP
#define QUEUECTL_ERROR_HPP

#include <queuectl/config.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace queuectl::inline v0 {

enum class errc : std::uint8_t {
    invalid_argument,  // a field is outside its limits; the text names the field and what is allowed
    unsupported,       // this storage, version or build lacks what was asked for
    exists,            // the id is taken
    not_found,         // no such job, key or store
    conflict,          // the thing is in a state that does not allow this, or a compare-and-set lost
    busy,              // contended beyond the deadline: try again
    store_full,        // disk, map or memory limit: nothing changed, try again when there is room
    unreachable,       // the store cannot be opened or reached
    corrupt,           // the store's bytes are damaged
    read_only,         // the store may be read but not written
    moved,             // the store was moved; the text is its new URL
    wrong_version,     // the store's format is newer than this program
    io,                // a system call failed; nothing changed
    permission,        // access denied, loose modes, or a link where none may be
    outcome_unknown,   // it may or may not have happened; repeating the same call is safe
    spawn_failed,      // no process or thread could be started: nothing ran, nothing is counted
    no_memory,         // an allocation failed; nothing changed
};

// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name(errc code) noexcept
{
    constexpr std::string_view names[] = {
        "invalid_argument", "unsupported",  "exists",    "not_found", "conflict",      "busy", "store_full",
        "unreachable",      "corrupt",      "read_only", "moved",     "wrong_version", "io",   "permission",
        "outcome_unknown",  "spawn_failed", "no_memory"};
    return names[static_cast<std::size_t>(code)];
}

// One failure: what kind, in which operation, and the backend's own code and words.
struct error {
    errc code = errc::io;
    std::string operation;  // the verb that failed and on what: "insert", "open /var/q.db"
    std::string detail;     // the reason in the backend's words, one line
    int backend_code = 0;   // errno, SQLite's extended code, …; 0 when there is none

    // One line for people: "open /var/q.db: permission denied".
    [[nodiscard]] std::string message() const
    {
        if (operation.empty()) return detail;
        return detail.empty() ? operation : operation + ": " + detail;
    }
};

}  // namespace queuectl::inline v0

#endif
