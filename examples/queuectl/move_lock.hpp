// Who moves a store: one process at a time, of whatever machine.
#ifndef QUEUECTL_COMMAND_MOVE_LOCK_HPP
#define QUEUECTL_COMMAND_MOVE_LOCK_HPP

#include "store.hpp"

#include <queuectl/process/owned_fd.hpp>
#include <queuectl/uid.hpp>

namespace queuectl::command {

// On this machine, a locked file: the kernel frees it when the process ends, however that happens. A store that several
// machines share holds an entry besides, "move/lock": HOLDER HOST PID, which runs out when it is not renewed. The file
// names its last holder too, so that on the same machine the entry of a dead one is known as such, and taken over at
// once. Movable; the store must outlive it.
class move_lock {
public:
    // errc::busy when another process moves the store.
    [[nodiscard]] static result<move_lock> take(open_store& store);
    move_lock(move_lock&&) = default;
    move_lock& operator=(move_lock&&) = delete;
    ~move_lock();

    // Renews the entry when a part of its life is over: to be called before every step, of less than a few seconds.
    // errc::busy when it ran out, and with it the right to go on. Nothing to do in a store of one machine.
    [[nodiscard]] result<void> keep();

private:
    move_lock(owned_fd file, any_storage& storage, const uid& holder);
    [[nodiscard]] result<void> enter(const uid& last_here);
    [[nodiscard]] result<void> renew();

    owned_fd file_;
    any_storage* storage_;
    uid holder_;
    std::uint64_t version_ = 0;  // of the entry; 0 = there is none
    duration renewed_at_{};      // instant::boot
};

}  // namespace queuectl::command

#endif
