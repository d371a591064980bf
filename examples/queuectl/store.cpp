#include "store.hpp"

#include "missing_storage.hpp"
#include "store_parts.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace queuectl::command {

namespace {

constexpr char known_urls[] =
    "must be sqlite:PATH, journal:DIR[?durability=full|interval|none], "
#ifdef QUEUECTL_COMMAND_LMDB
    "lmdb:DIR[?durability=full|interval|none], "
#endif
#ifdef QUEUECTL_COMMAND_REDIS
    "redis://[USER:PASSWORD@]HOST[:PORT][/DB][?prefix=P], redis+unix:///PATH[?db=N&prefix=P] "
#endif
    "or memory:";

std::string from_environment(const char* name)
{
    const char* value = std::getenv(name);
    return value == nullptr ? std::string{} : std::string{value};
}

// Makes a relative path absolute: jobs run in other directories, and are told where the store is.
result<std::string> absolute(std::string_view path)
{
    if (path.front() == '/') return std::string{path};
    char here[4096];
    if (::getcwd(here, sizeof here) == nullptr) return fail(errc::unreachable, "getcwd", std::strerror(errno), errno);
    while (path.substr(0, 2) == "./") path.remove_prefix(2);
    return std::string{here} + "/" + std::string{path};
}

// mkdir -p with mode 0700 for what is created.
result<void> create_folders(const std::string& path)
{
    for (std::size_t i = 1; i <= path.size(); ++i) {
        if (i != path.size() && path[i] != '/') continue;
        const std::string part = path.substr(0, i);
        if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
            return fail(errc::unreachable, "mkdir " + part, std::strerror(errno), errno);
    }
    return {};
}

// Of a shared store, the locks of this machine lie in a folder that is the command's own.
result<void> create_lock_parents(const store_location& where)
{
    if (!where.shared() || where.path.empty()) return {};
    return create_folders(where.path.substr(0, where.path.rfind('/')));
}

// Whether anything is at the path; links are not followed.
result<bool> is_there(const std::string& path)
{
    struct stat about {};
    if (::lstat(path.c_str(), &about) == 0) return true;
    if (errno == ENOENT) return false;
    return fail(errc::unreachable, "open " + path, std::strerror(errno), errno);
}

failure_value refuse_memory()
{
    return fail(errc::unsupported,
                "store memory:", "holds jobs within one process only; use it with `worker start --file F --drain`");
}

// Of "durability=full", what may follow the folder of a store and a question mark.
result<durability> durability_of(std::string_view parameter)
{
    for (const auto one : {durability::full, durability::interval, durability::none})
        if (parameter == "durability=" + std::string{name(one)}) return one;
    return fail(errc::invalid_argument, "store", "a folder may be followed by ?durability=full, interval or none");
}

// Of a scheme that names a file or folder.
std::optional<store_kind> kind_of(std::string_view scheme)
{
    if (scheme == "sqlite") return store_kind::sqlite;
    if (scheme == "journal") return store_kind::journal;
#ifdef QUEUECTL_COMMAND_LMDB
    if (scheme == "lmdb") return store_kind::lmdb;
#endif
    return std::nullopt;
}

// What follows SCHEME: of a store that is a file or a folder.
result<store_location> locate_file(store_kind kind, const std::string& scheme, std::string path)
{
    const bool folder = kind != store_kind::sqlite;
    auto durable = durability::full;
    if (const auto question = path.find('?'); folder && question != std::string::npos) {
        auto chosen = durability_of(std::string_view{path}.substr(question + 1));
        if (!chosen) return fail(chosen.error());
        durable = *chosen;
        path.resize(question);
    }
    while (folder && path.size() > 1 && path.back() == '/') path.pop_back();
    if (path.empty() || path.back() == '/' || path.find('\0') != std::string::npos)
        return fail(errc::invalid_argument, "store",
                    folder ? scheme + ":DIR needs the path of a folder" : "sqlite:PATH needs the path of a file");
    auto full = absolute(path);
    if (!full) return fail(full.error());
    return store_location{kind, std::move(*full), false, durable};
}

result<store_location> locate_default()
{
    const std::string folder = state_folder();
    if (folder.empty())
        return fail(errc::invalid_argument, "store",
                    "neither --store, QUEUECTL_STORE, XDG_STATE_HOME nor HOME says where");
    return store_location{store_kind::sqlite, folder + "/queuectl.db", true};
}

result<std::unique_ptr<any_storage>> open_file(const store_location& where, open_mode mode, const open_options& options)
{
    if (where.kind == store_kind::sqlite) return open_sqlite(where.path, mode, options);
    if (where.kind == store_kind::redis) return open_redis(where, mode);
#ifdef QUEUECTL_COMMAND_LMDB
    if (where.kind == store_kind::lmdb) return open_lmdb(where.path, mode, {options.sync_claims, where.durability});
#endif
    return open_journal(where.path, mode, {options.sync_claims, where.durability});
}

result<open_store> open_existing(const store_location& where, open_mode mode)
{
    if (where.kind == store_kind::memory) return refuse_memory();
    auto there = where.shared() ? result<bool>{true} : is_there(where.path);
    if (!there) return fail(there.error());
    if (!*there) return open_store{erase_type(missing_storage{where.url()}), where, false};
    auto opened = open_file(where, mode, {});
    if (opened) return open_store{std::move(*opened), where, true};
    if (opened.error().code == errc::not_found)
        return open_store{erase_type(missing_storage{where.url()}), where, false};
    return fail(opened.error());
}

}  // namespace

// A relative XDG_STATE_HOME is ignored, as its specification says.
std::string state_folder()
{
    std::string base = from_environment("XDG_STATE_HOME");
    if (!base.empty() && base.front() == '/') return base + "/queuectl";
    base = from_environment("HOME");
    return base.empty() || base.front() != '/' ? std::string{} : base + "/.local/state/queuectl";
}

std::string store_location::url() const
{
    switch (kind) {
        case store_kind::sqlite: return "sqlite:" + path;
        case store_kind::journal:
        case store_kind::lmdb:
            return (kind == store_kind::lmdb ? "lmdb:" : "journal:") + path +
                   (durability == durability::full ? "" : "?durability=" + std::string{queuectl::name(durability)});
        case store_kind::redis: return public_url;
        case store_kind::memory: break;
    }
    return "memory:";
}

result<store_location> locate(std::string_view url)
{
    const std::string named = url.empty() ? from_environment("QUEUECTL_STORE") : std::string{url};
    if (named.empty()) return locate_default();
    if (named == "memory:") return store_location{store_kind::memory, {}, false};
    const std::size_t colon = named.find(':');
    if (colon == std::string::npos) return fail(errc::invalid_argument, "store", std::string{known_urls});
    const std::string scheme = named.substr(0, colon);
    for (const char* remote : {"redis", "rediss", "redis+unix"})
        if (scheme == remote) return locate_redis(named);
    if (const auto kind = kind_of(scheme)) return locate_file(*kind, scheme, named.substr(colon + 1));
    if (scheme == "lmdb")
        return fail(errc::unsupported, "store " + scheme + ":", std::string{"is not compiled in; "} + known_urls);
    return fail(errc::invalid_argument, "store", std::string{known_urls});
}

result<open_store> open_for_reading(const store_location& where) { return open_existing(where, open_mode::read); }
result<open_store> open_for_change(const store_location& where)
{
    if (auto created = create_lock_parents(where); !created) return fail(created.error());
    return open_existing(where, open_mode::change);
}

result<open_store> open_for_writing(const store_location& where, const open_options& options)
{
    if (where.kind == store_kind::memory) return refuse_memory();
    if (auto created = create_lock_parents(where); !created) return fail(created.error());
    if (where.default_path)
        if (auto created = create_folders(where.path.substr(0, where.path.rfind('/'))); !created)
            return fail(created.error());
    auto opened = open_file(where, open_mode::create, options);
    if (!opened) {
        error e = opened.error();
        if (e.code == errc::not_found) e.code = errc::unreachable;  // its folder is missing
        return fail(std::move(e));
    }
    return open_store{std::move(*opened), where, true};
}

result<open_store> open_for_reading(std::string_view url)
{
    auto where = locate(url);
    if (!where) return fail(where.error());
    return open_for_reading(*where);
}

result<open_store> open_for_change(std::string_view url)
{
    auto where = locate(url);
    if (!where) return fail(where.error());
    return open_for_change(*where);
}

result<open_store> open_for_writing(std::string_view url, const open_options& options)
{
    auto where = locate(url);
    if (!where) return fail(where.error());
    return open_for_writing(*where, options);
}

}  // namespace queuectl::command
