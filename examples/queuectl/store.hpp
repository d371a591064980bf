// Store URLs, and opening what they name.
#ifndef QUEUECTL_COMMAND_STORE_HPP
#define QUEUECTL_COMMAND_STORE_HPP

#include "any_storage.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace queuectl::command {

enum class store_kind { sqlite, journal, lmdb, redis, memory };

// Where a store is.
struct store_location {
    store_kind kind = store_kind::sqlite;
    std::string path;           // absolute; empty for memory; of redis: this machine's folder for its workers
    bool default_path = false;  // nobody named it: its folders are created, 0700, with the store
    queuectl::durability durability = queuectl::durability::full;  // of what is written by way of this URL
    std::string public_url{};   // redis: what is shown, and told to jobs: without user and password
    std::string private_url{};  // redis: as it was given

    // Whether workers on other machines may use it: they are known by their entries in the store alone.
    [[nodiscard]] bool shared() const { return kind == store_kind::redis; }
    // "sqlite:/home/me/jobs.db", "journal:/home/me/jobs?durability=interval", "memory:"
    [[nodiscard]] std::string url() const;
    // The folder of locks, wake word, worker registry and logs: beside a file, the journal's own. Empty for memory.
    [[nodiscard]] std::string side_folder() const { return kind == store_kind::sqlite ? path + ".d" : path; }
};

// Of the URL, else of QUEUECTL_STORE, else sqlite:queuectl.db in $XDG_STATE_HOME/queuectl (~/.local/state/queuectl).
// Errors: unsupported for stores that are not compiled in, invalid_argument for anything else.
[[nodiscard]] result<store_location> locate(std::string_view url);

struct open_options {
    bool sync_claims = false;                                      // a claim is durable before its jobs start
    queuectl::durability durability = queuectl::durability::full;  // of a journal or LMDB
};

struct open_store {
    std::unique_ptr<any_storage> storage;
    store_location where;
    bool exists = true;  // false: a store to be read that is not there, empty to every read

    [[nodiscard]] storage_ref<any_storage> ref() const { return storage_ref<any_storage>{*storage}; }
};

// Never creates anything. memory: is refused, as in open_for_writing: its jobs would end with this process.
[[nodiscard]] result<open_store> open_for_reading(const store_location& where);
// To change what is there; a store that is not there is as in open_for_reading: nothing in it can be changed.
[[nodiscard]] result<open_store> open_for_change(const store_location& where);
// Creates the store unless it is there.
[[nodiscard]] result<open_store> open_for_writing(const store_location& where, const open_options& options = {});
// A memory store, for programs that enqueue and run in one process.
[[nodiscard]] open_store open_memory();

// locate() and open_*() of --store.
[[nodiscard]] result<open_store> open_for_reading(std::string_view url);
[[nodiscard]] result<open_store> open_for_change(std::string_view url);
[[nodiscard]] result<open_store> open_for_writing(std::string_view url, const open_options& options = {});

}  // namespace queuectl::command

#endif
