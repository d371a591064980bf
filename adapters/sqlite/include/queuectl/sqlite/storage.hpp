// sqlite_storage: jobs in a SQLite database.
#ifndef QUEUECTL_SQLITE_STORAGE_HPP
#define QUEUECTL_SQLITE_STORAGE_HPP

#include <queuectl/sqlite/facets.hpp>
#include <queuectl/sqlite/user_transaction.hpp>

namespace queuectl::inline v0 {

// A handle to the store at one path; movable. Any number of threads may call it, and any number of processes may open
// the same path. It must not be used after fork: the child opens its own (calls give errc::unsupported there).
class sqlite_storage : public detail::sqlite::facets {
public:
    // Opens the store, creating it where the options say so. Creating it is durable when this returns.
    // errc::not_found: there is none; corrupt: the file is no queuectl store; wrong_version: it is of a newer program;
    // permission, invalid_argument: a link, another user's file, or no regular file; unsupported: a network file
    // system.
    [[nodiscard]] static result<sqlite_storage> open(std::string path, sqlite_options options = {})
    {
        if (options.durability == durability::process)
            return fail(errc::unsupported, "open " + path, "a file outlives its process");
        auto full = detail::sqlite::resolve(path);
        if (!full) return fail(full.error());
        auto made = std::make_unique<detail::sqlite::session>(std::move(*full), options);
        if (auto opened = made->open(); !opened) return fail(opened.error());
        return sqlite_storage{std::move(made)};
    }

    // insert, claim, extend and settle within the transactions of the user's own connection.
    [[nodiscard]] static sqlite_transaction on(sqlite3* db) { return sqlite_transaction{db}; }

    // Makes the queue's tables in the user's database, all or none; nothing when they are there. They are called
    // store, jobs, dead_letter_queue, line, leases, attempts, queues, kinds, config and job_view. errc::conflict: a
    // name is taken.
    [[nodiscard]] static result<void> create_schema(sqlite3* db)
    {
        detail::sqlite::statements sql{db};
        detail::sqlite::transaction tx{sql};
        if (tx.read_header() == SQLITE_OK) return {};
        const auto run = [db](const char* text) { return sqlite3_exec(db, text, nullptr, nullptr, nullptr); };
        int rc = run(detail::sqlite::sql::savepoint);
        if (rc == SQLITE_OK) rc = run(detail::sqlite::schema_sql);
        if (rc == SQLITE_OK) rc = run(detail::sqlite::sql::release);
        if (rc == SQLITE_OK) return {};
        auto why = detail::sqlite::failed(db, rc, "create_schema");
        if (rc == SQLITE_ERROR) why.value.code = errc::conflict;
        if (run(detail::sqlite::sql::rollback_to) == SQLITE_OK) static_cast<void>(run(detail::sqlite::sql::release));
        return why;
    }

    // Tells the workers of the store at `path` that there may be work: after a commit of the user's own.
    [[nodiscard]] static result<void> notify(const std::string& path)
    {
        auto full = detail::sqlite::resolve(path);
        if (!full) return fail(full.error());
        detail::sqlite::store_files files;
        if (auto opened = files.open(*full, true); !opened) return opened;
        files.wake->bump_work();
        return {};
    }

private:
    explicit sqlite_storage(std::unique_ptr<detail::sqlite::session> s) : facets{std::move(s)} {}
};

static_assert(fused_storage<sqlite_storage> && inspectable_storage<sqlite_storage> &&
              configurable_storage<sqlite_storage> && notifying_storage<sqlite_storage> &&
              transferable_storage<sqlite_storage>);

}  // namespace queuectl::inline v0

#endif
