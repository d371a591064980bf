// An open store: how a transaction is begun, checked, committed and told of.
#ifndef QUEUECTL_LMDB_SESSION_HPP
#define QUEUECTL_LMDB_SESSION_HPP

#include <queuectl/lmdb/pages.hpp>
#include <queuectl/lmdb/transaction.hpp>
#include <queuectl/process/home_process.hpp>
#include <queuectl/random.hpp>

namespace queuectl::inline v0::detail::lmdb {

// What of a commit must have reached the disk when it returns: all; what the handle's durability says; or, as with
// interval, all but the end.
enum class durable : std::uint8_t { always, now, later };

// Which changes a verb makes: beginning something, claiming, ending something, or the store's state itself. Those that
// end something go on in a moving store, and when the disk or the map is full: from what is kept back.
enum class access : std::uint8_t { begins, claims, ends, state };

[[nodiscard]] constexpr change_of change_of_access(access a) noexcept
{
    return a == access::begins ? change_of::jobs : a == access::state ? change_of::the_state : change_of::runs;
}

// Refuses stores that this program may not read.
[[nodiscard]] inline int check_readable(transaction& tx, const char* verb)
{
    if (const int rc = tx.read_header(); rc != 0) return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
    if (tx.head.format < format_oldest)
        return tx.refuse(fail(errc::wrong_version, verb,
                              "the store has format " + std::to_string(tx.head.format) +
                                  ", from before the first release: this program knows " +
                                  std::to_string(format_oldest) + " and later ones"));
    if (tx.head.min_reader <= format_version) return 0;
    return tx.refuse(fail(errc::wrong_version, verb,
                          "the store has format " + std::to_string(tx.head.format) + ", this program knows " +
                              std::to_string(format_version) + ": use a newer queuectl"));
}
// … and those that it may not write, or that do not take such changes now.
[[nodiscard]] inline int check_writable(transaction& tx, const char* verb, access wanted)
{
    if (const int rc = check_readable(tx, verb); rc != 0) return rc;
    if (tx.head.min_writer > format_version)
        return tx.refuse(fail(errc::wrong_version, verb,
                              "writing this store needs format " + std::to_string(tx.head.min_writer) +
                                  ", this program knows " + std::to_string(format_version)));
    return tx.check_state(verb, change_of_access(wanted));
}

// Any number of threads. One writes at a time, under the store's lock.
class session {
public:
    session(std::string path, const lmdb_options& options) : path_{std::move(path)}, options_{options} {}
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    [[nodiscard]] result<void> open()
    {
        const bool writes = !options_.read_only;
        const bool creates = writes && options_.create;
        if (!options_.insist_network_fs)
            if (auto local = refuse_network_fs(path_.substr(0, path_.rfind('/') + 1)); !local) return local;
        if (auto opened = files_.open_folder(path_, creates); !opened) return opened;
        auto env = environments::open(*files_.folder, options_);
        if (!env) return fail(env.error());
        env_.reset(*env);
        if (auto looked = look_at_roots(); !looked) return looked;
        auto ready = open_tables(false);
        const bool missing = !ready && (is_empty_ || (options_.adopt && ready.error().code == errc::corrupt));
        if (!ready && !(creates && missing)) return ready;
        if (auto opened = files_.open_control(writes); !opened) return opened;
        if (missing) ready = open_tables(true);
        if (!ready) return ready;
        return read("open", [](transaction&) { return 0; });
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] const lmdb_options& options() const noexcept { return options_; }
    [[nodiscard]] store_files& files() noexcept { return files_; }
    [[nodiscard]] environment& env() noexcept { return *env_; }

    // Runs `body(transaction&)` and commits what it did. After an error nothing has changed, or it is
    // errc::outcome_unknown. The body is run again, from the start, when the map had to grow.
    template <class Body>
    [[nodiscard]] result<void> write(const char* verb, durable wanted, access kind, Body body)
    {
        if (auto usable = check_usable(verb); !usable) return usable;
        if (options_.read_only) return fail(errc::read_only, name(verb), "it was opened for reading");
        ends all;
        {
            auto held = files_.lock->acquire(options_.busy);
            if (!held) return fail(held.error());
            if (kind == access::begins)
                if (auto kept = files_.keep_reserve(); !kept) return fail(kept.error());
            for (bool again = true; again;)
                if (auto done = try_write(verb, sync_flags(wanted), kind, body, all, again); !done) return done;
            for (const auto& log : all.dead_logs)
                if (auto logs = files_.open_logs(false)) remove_log(**logs, log);
        }
        if (all.work) files_.wake->bump_work();
        if (all.control) files_.wake->bump_control();
        return {};
    }

    // Runs `body(transaction&)` on one state of the store. Takes no lock of the queue.
    template <class Body>
    [[nodiscard]] result<void> read(const char* verb, Body body)
    {
        if (auto usable = check_usable(verb); !usable) return usable;
        std::shared_lock<std::shared_mutex> hold;
        MDB_txn* txn = nullptr;
        int rc = env_->begin(MDB_RDONLY, hold, txn);
        if (rc != 0) return failed(rc, name(verb));
        std::optional<failure_value> refusal;
        {
            transaction tx{*env_, txn};
            rc = check_readable(tx, verb);
            if (rc == 0) rc = body(tx);
            refusal = std::move(tx.refusal);
        }
        mdb_txn_abort(txn);
        return rc == 0 ? result<void>{} : explain(refusal, rc, verb);
    }

    // Makes room in the map, twice as much. Requires: the caller has no transaction in this process.
    [[nodiscard]] result<void> grow()
    {
        if (auto usable = check_usable("grow"); !usable) return usable;
        auto held = files_.lock->acquire(options_.busy);
        if (!held) return fail(held.error());
        const int rc = env_->grow(0);
        return rc == 0 ? result<void>{} : failed(rc, name("grow"));
    }

    // Changes with every commit, also of programs that know nothing of us.
    [[nodiscard]] std::int64_t data_version()
    {
        if (forked()) return 0;
        const std::shared_lock hold{env_->map};
        MDB_envinfo info{};
        if (env_->env != nullptr) mdb_env_info(env_->env, &info);
        return static_cast<std::int64_t>(info.me_last_txnid);
    }

    [[nodiscard]] result<std::string> read_output(const std::string& log)
    {
        auto logs = files_.open_logs(false);
        if (!logs) return fail(logs.error());
        return read_log(**logs, log);
    }
    // The folder of output files; null when there is none yet.
    [[nodiscard]] const side_folder* logs()
    {
        auto opened = files_.open_logs(false);
        return opened ? *opened : nullptr;
    }

    // notifying_storage's wait, with a look at the data every five seconds for changes nobody told us of.
    change_counts wait(change_counts seen, duration most)
    {
        return files_.wake->wait_and_look(seen, most, [this] {
            const auto version = data_version();
            return seen_version_.exchange(version) != version;
        });
    }

    // An operation's name for people.
    [[nodiscard]] std::string name(const char* verb) const { return std::string{verb} + ' ' + path_; }

    [[nodiscard]] result<void> check_usable(const char* verb) const
    {
        if (!forked()) return {};
        return fail(errc::unsupported, name(verb), "a store must be opened again after fork");
    }

    [[nodiscard]] unsigned sync_flags(durable wanted) const noexcept
    {
        if (wanted == durable::always) return 0;
        if (options_.durability == durability::none) return MDB_NOSYNC;
        return wanted == durable::later || options_.durability == durability::interval ? MDB_NOMETASYNC : 0u;
    }

private:
    static constexpr unsigned clear_readers_every = 64;
    static constexpr std::size_t reserve_map_bytes = 1 << 20;

    struct ends {
        bool work = false;
        bool control = false;
        std::vector<std::string> dead_logs;
    };

    [[nodiscard]] bool forked() const noexcept { return home_.left(); }

    // One try; `again` when there is more room in the map now.
    template <class Body>
    result<void> try_write(const char* verb, unsigned flags, access kind, Body& body, ends& all, bool& again)
    {
        again = false;
        std::shared_lock<std::shared_mutex> hold;
        MDB_txn* txn = nullptr;
        if (++writes_ % clear_readers_every == 0) env_->clear_readers();
        int rc = env_->begin(0, hold, txn);
        if (rc != 0) return failed(rc, name(verb));
        // Nobody else in this process commits while we are LMDB's writer.
        mdb_env_set_flags(env_->env, flags, 1);
        std::optional<failure_value> refusal;
        std::vector<std::string> new_logs;
        {
            transaction tx{*env_, txn, &files_, &known_};
            rc = check_writable(tx, verb, kind);
            if (rc == 0) rc = body(tx);
            if (rc == 0) rc = tx.finish();
            all = {tx.work, tx.control, std::move(tx.dead_logs)};
            refusal = std::move(tx.refusal);
            new_logs = std::move(tx.new_logs);
        }
        const bool commits = rc == 0;
        if (commits)
            rc = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
        mdb_env_set_flags(env_->env, flags, 0);
        if (rc == 0) return {};
        hold = {};
        auto why = explain(refusal, rc, verb);
        if (commits && is_broken())
            why.value.code = errc::outcome_unknown;
        else if (rc == EIO && files_.is_nearly_full())
            why.value.code = errc::store_full;  // LMDB calls a short write so
        if (why.value.code != errc::outcome_unknown)
            for (const auto& log : new_logs)
                if (auto logs = files_.open_logs(false)) remove_log(**logs, log);
        again = make_room(rc, why.value.code, kind);
        return again ? result<void>{} : why;
    }

    bool make_room(int rc, errc code, access kind)
    {
        const bool ends_something = kind == access::ends || kind == access::state;
        if (rc == MDB_MAP_FULL) return env_->grow(ends_something ? reserve_map_bytes : 0) == 0;
        return ends_something && code == errc::store_full && files_.give_up_reserve();
    }

    // A failed write of data leaves what was there; of a meta page, nobody knows which of the two is on the disk.
    bool is_broken()
    {
        const std::shared_lock hold{env_->map};
        MDB_txn* txn = nullptr;
        const int rc = mdb_txn_begin(env_->env, nullptr, 0, &txn);
        if (rc == 0) mdb_txn_abort(txn);
        return rc == MDB_PANIC;
    }

    failure_value explain(std::optional<failure_value>& refusal, int rc, const char* verb) const
    {
        if (!refusal) return failed(rc, name(verb));
        auto why = std::move(*refusal);
        why.value.operation = name(verb);
        return why;
    }

    // LMDB trusts its pages, and ends the process where they are garbage: at least each tree has to begin with one.
    result<void> look_at_roots()
    {
        std::shared_lock<std::shared_mutex> hold;
        MDB_txn* txn = nullptr;
        int fd = -1;
        int rc = env_->begin(MDB_RDONLY, hold, txn);
        if (rc == 0) rc = mdb_env_get_fd(env_->env, &fd);
        if (rc != 0) return failed(rc, name("open"));
        verify_report report;
        static_cast<void>(page_check{fd, path_ + "/data.mdb", report, page_check::how::roots}.run(mdb_txn_id(txn)));
        mdb_txn_abort(txn);
        return report.damaged ? fail(errc::corrupt, name("open"), report.findings.front().text) : result<void>{};
    }

    // An environment without our tables is made a store, if it is empty or may be adopted.
    result<void> open_tables(bool creates)
    {
        const std::scoped_lock one{env_->opening_tables};
        if (env_->has_tables) return {};
        int rc = use_tables(false);
        if (rc == MDB_NOTFOUND && creates) {
            auto held = files_.lock->acquire(options_.busy);
            if (!held) return fail(held.error());
            rc = use_tables(true);
            if (rc == 0)
                if (auto synced = files_.folder->sync(); !synced) return synced;
            if (rc == 0)
                if (auto synced = sync_parent(path_); !synced) return synced;
        }
        if (rc == MDB_NOTFOUND)
            return is_empty_ ? fail(errc::not_found, name("open"), "no such store")
                             : fail(errc::corrupt, name("open"), "it is an LMDB environment, but no queuectl store");
        if (rc == EIO && files_.is_nearly_full()) rc = ENOSPC;  // LMDB calls a short write so
        if (rc != 0) return failed(rc, name("open"));
        env_->has_tables = true;
        return {};
    }

    int use_tables(bool create)
    {
        std::shared_lock<std::shared_mutex> hold;
        MDB_txn* txn = nullptr;
        int rc = env_->begin(create ? 0 : MDB_RDONLY, hold, txn);
        if (rc != 0) return rc;
        MDB_dbi main = 0;
        MDB_stat what{};
        rc = mdb_dbi_open(txn, nullptr, 0, &main);
        if (rc == 0) rc = mdb_stat(txn, main, &what);
        is_empty_ = what.ms_entries == 0;
        if (rc == 0) rc = env_->open_tables(txn, false);
        if (rc == MDB_NOTFOUND && create && (is_empty_ || options_.adopt)) rc = make_tables(txn);
        if (rc == 0) return mdb_txn_commit(txn);
        mdb_txn_abort(txn);
        return rc;
    }

    int make_tables(MDB_txn* txn)
    {
        if (const int rc = env_->open_tables(txn, true); rc != 0) return rc;
        random_source random;
        store_header head{};
        head.format = head.min_reader = head.min_writer = format_version;
        head.id_high = random();
        head.id_low = random();
        MDB_val key = val("h");
        MDB_val value = val(bytes_of(head));
        return mdb_put(txn, env_->dbi(table::store), &key, &value, MDB_NOOVERWRITE);
    }

    std::string path_;
    lmdb_options options_;
    queuectl::detail::home_process home_;
    store_files files_;
    environment_ref env_;
    known_rows known_;  // under the store's lock
    bool is_empty_ = false;
    unsigned writes_ = 0;  // under the store's lock
    std::atomic<std::int64_t> seen_version_{0};
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
