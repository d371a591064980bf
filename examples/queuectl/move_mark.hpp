// The traces that a move leaves in both stores, and what those who use one make of them.
#ifndef QUEUECTL_COMMAND_MOVE_MARK_HPP
#define QUEUECTL_COMMAND_MOVE_MARK_HPP

#include "store.hpp"

#include <optional>
#include <string>

namespace queuectl::command {

// In the store that jobs move to, from before the first of them until the move has ended: what is in it are copies.
struct move_mark {
    uid source{};       // id of the store that they come from
    uid move{};         // which move; the same stands in the source while it goes on
    timestamp begun{};  // before the source was set moving
    std::string from;   // the source's URL
};

// Of no use in another store: never copied.
inline constexpr std::string_view move_key_prefix = "move/";

[[nodiscard]] result<std::optional<move_mark>> read_move_mark(any_storage& target, const instant& now);
// With `first`, errc::conflict when there is one.
[[nodiscard]] result<void> write_move_mark(any_storage& target, const move_mark& mark, bool first, const instant& now);
// With what else the move has left in the target.
[[nodiscard]] result<void> erase_move_mark(any_storage& target);

// In the target: how far a move has come. Written after the jobs it speaks of.
struct move_progress {
    uid move{};
    std::uint64_t after = 0;  // page_request::after of the source's next page; 0 = the first
    std::uint64_t jobs = 0;
    std::uint64_t runs = 0;
};
// Of that move; at its beginning when there is none.
[[nodiscard]] result<move_progress> read_move_progress(any_storage& target, const uid& move, const instant& now);
[[nodiscard]] result<void> write_move_progress(any_storage& target, const move_progress& p, const instant& now);

// The move that the source is in, or was in last; none.
[[nodiscard]] result<uid> read_move_id(any_storage& source, const instant& now);
[[nodiscard]] result<void> write_move_id(any_storage& source, const uid& move, const instant& now);

// Whether workers may start: errc::busy while the store is moving, or while jobs are still being moved into it;
// errc::moved.
[[nodiscard]] result<void> check_settled(any_storage& store, const instant& now);

// For a supervisor: whether its store is moving, or has moved. Logs where to, once. A look at a counter when nothing
// has changed.
class move_watch {
public:
    [[nodiscard]] bool moves(any_storage& store);

private:
    std::optional<change_counts> seen_;
    bool moves_ = false;
};

}  // namespace queuectl::command

#endif
