// sqlite_storage: jobs in a SQLite database.
#ifndef QUEUECTL_SQLITE_STORAGE_HPP
#define QUEUECTL_SQLITE_STORAGE_HPP

#include <queuectl/sqlite/facets.hpp>

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

private:
    explicit sqlite_storage(std::unique_ptr<detail::sqlite::session> s) : facets{std::move(s)} {}
};

static_assert(fused_storage<sqlite_storage> && inspectable_storage<sqlite_storage> &&
              configurable_storage<sqlite_storage> && notifying_storage<sqlite_storage>);

}  // namespace queuectl::inline v0

#endif
