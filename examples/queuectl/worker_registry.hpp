// Who works on a store: a lock held for life, and an entry that tells people and peers about its holder.
#ifndef QUEUECTL_COMMAND_WORKER_REGISTRY_HPP
#define QUEUECTL_COMMAND_WORKER_REGISTRY_HPP

#include "store.hpp"
#include "worker_entry.hpp"

#include <queuectl/process/side_folder.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace queuectl::command {

// A worker or supervisor as `worker list` shows it.
struct known_worker {
    worker_entry entry;
    bool alive = false;    // its lock is held; without one here, on a shared store: its entry is fresh
    bool foreign = false;  // of another host: whether it lives cannot be told from here
};

// Holds PATH.d/workers/NAME.lock and the entry "worker/NAME" of the store until it is destroyed. The lock is the
// truth: the kernel frees it when the process ends, however that happens. Movable; the storage must outlive it.
class registration {
public:
    registration(registration&&) = default;
    registration& operator=(registration&&) = delete;
    ~registration();

    [[nodiscard]] const worker_entry& entry() const noexcept { return entry_; }

private:
    friend class worker_registry;
    registration(side_folder folder, owned_fd lock, any_storage& storage, worker_entry entry);

    side_folder folder_;
    owned_fd lock_;
    any_storage* storage_;
    worker_entry entry_;
};

// The entries of a shared store, wherever their workers run; none of them has a lock here.
[[nodiscard]] result<std::vector<known_worker>> list_entries(any_storage& storage);

// The workers of one store, as this machine sees them.
class worker_registry {
public:
    // Of an existing or new side folder. errc::not_found without `create` when nobody has worked on the store yet.
    [[nodiscard]] static result<worker_registry> open(const std::string& side_folder_path, bool create);

    // Of a shared store, an entry is forgotten when it is not refreshed; the lock only tells this machine.
    [[nodiscard]] result<registration> enter(any_storage& storage, worker_entry entry, bool shared = false) const;
    // The entries of a supervisor and its workers, of a shared store: to be called every few seconds.
    result<void> refresh(any_storage& storage, const std::string& supervisor) const;

    // Everyone whose lock or entry is there, by name.
    [[nodiscard]] result<std::vector<known_worker>> list(any_storage& storage) const;
    // Those of this machine whose lock is held, without a look into the store.
    [[nodiscard]] std::vector<worker_entry> living() const;
    // Whether the lock of that name is held now.
    [[nodiscard]] bool holds_lock(const std::string& name) const;

    // A dead one: its lock is ours meanwhile, so that one process at a time cleans up after it.
    struct dead_worker {
        owned_fd lock;
        worker_entry entry;
    };
    // Those of this machine whose lock is free. Cheap when there is none: no access to the store.
    [[nodiscard]] std::vector<dead_worker> dead() const;
    // Forgets it: entry and lock file. To be called once its leases are freed.
    result<void> forget(any_storage& storage, dead_worker worker) const;
    // Entries of this machine without a lock file: what remains when somebody removed the folder.
    [[nodiscard]] result<std::vector<worker_entry>> lockless(any_storage& storage) const;

private:
    explicit worker_registry(side_folder folder) : folder_{std::move(folder)} {}
    [[nodiscard]] std::vector<std::string> lock_files() const;
    [[nodiscard]] bool has_lock_file(const std::string& name) const;

    side_folder folder_;
};

}  // namespace queuectl::command

#endif
