// lmdb_storage: jobs in an LMDB environment.
#ifndef QUEUECTL_LMDB_STORAGE_HPP
#define QUEUECTL_LMDB_STORAGE_HPP

#include <queuectl/lmdb/facets.hpp>
#include <queuectl/lmdb/user_transaction.hpp>

namespace queuectl::inline v0 {

// A handle to the store in one folder; movable. Any number of threads may call it, any number of handles share the
// process's one LMDB environment, and any number of processes may open the same folder. It must not be used after fork:
// the child opens its own (calls give errc::unsupported there). The map grows by itself, which waits for the reads
// under way in this process.
class lmdb_storage : public detail::lmdb::facets {
public:
    // Opens the store, creating it where the options say so. Creating it is durable when this returns.
    // errc::not_found: there is none; corrupt: the files are no queuectl store; wrong_version: it is of a newer
    // program; permission, invalid_argument: a link, another user's folder, or one that holds other things;
    // unsupported: a network file system.
    [[nodiscard]] static result<lmdb_storage> open(std::string path, lmdb_options options = {})
    {
        if (options.durability == durability::process)
            return fail(errc::unsupported, "open " + path, "a file outlives its process");
        auto full = detail::lmdb::resolve(std::move(path));
        if (!full) return fail(full.error());
        auto made = std::make_unique<detail::lmdb::session>(std::move(*full), options);
        if (auto opened = made->open(); !opened) return fail(opened.error());
        return lmdb_storage{std::move(made)};
    }

    // The four verbs within a write transaction of the user's own on env().
    [[nodiscard]] static lmdb_transaction on(MDB_txn* txn) { return lmdb_transaction{txn}; }

    // The environment, for the user's own named databases beside the queue's (all of which begin with "queuectl.").
    // Never open its folder with LMDB itself in this process. A handle must stay open as long as it is used.
    [[nodiscard]] MDB_env* env() const noexcept { return store().env().env; }

    // Ours is the next write transaction: see lmdb_turn.
    [[nodiscard]] result<lmdb_turn> turn() { return lmdb_turn::begin(store()); }

    // Doubles the map, for a transaction that it was too small for. errc::store_full at lmdb_options::map_bytes_max.
    [[nodiscard]] result<void> grow() { return store().grow(); }

    // Rows that this process looked at or wrote in the store so far: what a call's cost grows with.
    [[nodiscard]] std::uint64_t steps() const noexcept { return store().env().steps; }

private:
    explicit lmdb_storage(std::unique_ptr<detail::lmdb::session> s) : facets{std::move(s)} {}
};

static_assert(fused_storage<lmdb_storage> && inspectable_storage<lmdb_storage> && configurable_storage<lmdb_storage> &&
              notifying_storage<lmdb_storage> && transferable_storage<lmdb_storage>);

}  // namespace queuectl::inline v0

#endif
