// An open store: the connections, and how a transaction is begun, checked, committed and told of.
#ifndef QUEUECTL_SQLITE_SESSION_HPP
#define QUEUECTL_SQLITE_SESSION_HPP

#include <queuectl/sqlite/connection.hpp>
#include <queuectl/process/home_process.hpp>
#include <queuectl/process/output_files.hpp>
#include <queuectl/sqlite/store_files.hpp>
#include <queuectl/sqlite/transaction.hpp>

namespace queuectl::inline v0::detail::sqlite {

// What of a commit must have reached the disk when it returns: nothing, what the store's options promise, all.
enum class durable : std::uint8_t { later, now, always };

// Any number of threads. Writers share one connection, under the store's lock; readers another.
class session {
public:
    session(std::string path, const sqlite_options& options) : path_{std::move(path)}, options_{options} {}
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    // In a forked child everything is left as it is: it belongs to the parent.
    ~session()
    {
        if (forked()) {
            static_cast<void>(writer_.release());
            static_cast<void>(reader_.release());
            static_cast<void>(spare_.release());
            return;
        }
        close_log();
    }

    [[nodiscard]] result<void> open()
    {
        const bool writes = !options_.read_only;
        auto there = check_file(path_);
        if (!there) return fail(there.error());
        if (!*there && (!writes || !options_.create)) return fail(errc::not_found, "open " + path_, "no such store");
        for (const char* beside : {"-wal", "-shm"})
            if (auto checked = check_file(path_ + beside); !checked) return fail(checked.error());
        if (!options_.insist_network_fs)
            if (auto local = refuse_network_fs(path_.substr(0, path_.rfind('/') + 1)); !local) return local;
        if (auto opened = files_.open(path_, writes); !opened) return opened;
        if (!*there)
            if (auto made = initialise(); !made) return made;
        return check_header();
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] const sqlite_options& options() const noexcept { return options_; }
    [[nodiscard]] store_files& files() noexcept { return files_; }

    // Runs `body(transaction&)` and commits what it did, on a store that takes such changes. After an error nothing has
    // changed, or it is errc::outcome_unknown.
    template <class Body>
    [[nodiscard]] result<void> write(const char* verb, durable wanted, change_of what, Body body)
    {
        return write_checked(verb, wanted, [verb, what, &body](transaction& tx) {
            const int rc = tx.check_writable(verb, what);
            return rc == SQLITE_OK ? body(tx) : rc;
        });
    }
    template <class Body>
    [[nodiscard]] result<void> write(const char* verb, durable wanted, Body body)
    {
        return write(verb, wanted, change_of::jobs, std::move(body));
    }

    // Runs `body(transaction&)` on one state of the store. Takes no lock of the queue.
    template <class Body>
    [[nodiscard]] result<void> read(const char* verb, Body body)
    {
        if (auto usable = check_usable(verb); !usable) return usable;
        const std::scoped_lock one_reader{reading_};
        if (auto ready = take(reader_); !ready) return fail(ready.error());
        transaction tx{reader_->sql};
        int rc = reader_->sql.get(sql::begin_read).run();
        if (rc == SQLITE_OK) rc = tx.check_readable(verb);
        if (rc == SQLITE_OK) rc = body(tx);
        if (rc != SQLITE_OK) {
            auto why = explain(tx, *reader_, rc, verb, stage::before_commit);
            reader_->roll_back();
            return why;
        }
        static_cast<void>(reader_->sql.get(sql::commit).run());
        return {};
    }

    // Changes with every commit of another connection, also of programs that know nothing of us.
    [[nodiscard]] std::int64_t data_version()
    {
        const std::scoped_lock one_reader{reading_};
        if (forked() || !take(reader_)) return 0;
        auto row = reader_->sql.get(sql::data_version);
        return row.step() == SQLITE_ROW ? row.integer(0) : 0;
    }

    [[nodiscard]] result<std::string> read_output(const std::string& log)
    {
        const std::scoped_lock one_reader{reading_};
        auto logs = files_.open_logs(false);
        if (!logs) return fail(logs.error());
        return read_log(**logs, log);
    }

    // The folder of output files; null when there is none yet.
    [[nodiscard]] const side_folder* logs()
    {
        const std::scoped_lock one_reader{reading_};
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

private:
    static constexpr std::int64_t log_bytes = 4 << 20;
    static constexpr std::int64_t log_bytes_left = 256 << 10;
    static constexpr std::int64_t log_bytes_at_close = 512 << 10;

    struct transaction_ends {
        bool work = false;
        bool control = false;
        std::vector<std::string> dead_logs;
    };

    [[nodiscard]] bool forked() const noexcept { return home_.left(); }

    template <class Body>
    result<void> write_checked(const char* verb, durable wanted, Body body)
    {
        if (auto usable = check_usable(verb); !usable) return usable;
        if (options_.read_only) return fail(errc::read_only, name(verb), "it was opened for reading");
        const auto start = monotonic_us();
        transaction_ends ends;
        {
            auto held = files_.lock->acquire(options_.busy);
            if (!held) return fail(held.error());
            if (auto ready = take_writer(); !ready) return ready;
            writer_->busy(options_.busy - duration{monotonic_us() - start});
            if (auto done = run_write(verb, wanted, ends, body); !done) return done;
            writer_->checkpoint_past(log_bytes);
            files_.log().pages.store(static_cast<std::uint32_t>(writer_->log_pages()));
            for (const auto& log : ends.dead_logs)
                if (auto logs = files_.open_logs(false)) remove_log(**logs, log);
        }
        if (ends.work) files_.wake->bump_work();
        if (ends.control) files_.wake->bump_control();
        return {};
    }

    template <class Body>
    result<void> run_write(const char* verb, durable wanted, transaction_ends& ends, Body& body)
    {
        connection& db = *writer_;
        transaction tx{db.sql, &files_, &hints_};
        const bool kept = wanted == durable::now && options_.durability == durability::full;
        const bool full = kept || wanted == durable::always;
        errno = 0;
        int rc = db.sync(full ? sync_level::full : sync_level::normal);
        if (rc == SQLITE_OK) rc = db.sql.get(sql::begin).run();
        if (rc == SQLITE_OK) rc = body(tx);
        if (rc == SQLITE_OK) rc = tx.finish();
        auto when = stage::before_commit;
        if (rc == SQLITE_OK) {
            when = stage::commit;
            errno = 0;
            rc = db.sql.get(sql::commit).run();
        }
        if (rc == SQLITE_OK) {
            ends = {tx.work, tx.control, std::move(tx.dead_logs)};
            return {};
        }
        auto why = explain(tx, db, rc, verb, when);
        db.roll_back();
        if (why.value.code != errc::outcome_unknown)
            for (const auto& log : tx.new_logs) remove_log(*files_.logs, log);
        if (why.value.code == errc::outcome_unknown || why.value.code == errc::io) writer_.reset();
        return why;
    }

    failure_value explain(transaction& tx, connection& db, int rc, const char* verb, stage when) const
    {
        if (!tx.refusal) return failed(db.db(), rc, name(verb), when);
        auto why = std::move(*tx.refusal);
        why.value.operation = name(verb);
        return why;
    }

    result<void> take(std::unique_ptr<connection>& role)
    {
        if (role) return {};
        const std::scoped_lock one{sparing_};
        if (!spare_) {
            auto opened = connection::open(path_, options_.read_only, options_.busy);
            if (!opened) return fail(opened.error());
            spare_ = std::move(*opened);
        }
        role = std::move(spare_);
        return {};
    }

    result<void> take_writer()
    {
        if (writer_) return {};
        take_over_reader();
        if (auto ready = take(writer_); !ready) return ready;
        writer_->checkpoint_left(files_.log().pages.load(), log_bytes_left);
        return {};
    }

    // A process that reads and then writes, like most that live for one command, needs one connection.
    void take_over_reader()
    {
        const std::unique_lock idle{reading_, std::try_to_lock};
        if (!idle || !reader_) return;
        const std::scoped_lock one{sparing_};
        if (!spare_) spare_ = std::move(reader_);
    }

    // A file without our tables is made a store, if it is empty.
    result<void> check_header()
    {
        auto checked = read("open", [](transaction&) { return SQLITE_OK; });
        if (!checked && checked.error().backend_code == SQLITE_ERROR) {
            if (!options_.read_only && options_.create)
                if (auto made = initialise(); !made) return made;
            checked = read("open", [](transaction&) { return SQLITE_OK; });
            if (!checked && checked.error().backend_code == SQLITE_ERROR)
                return fail(errc::corrupt, name("open"), "it is an SQLite database, but no queuectl store");
        }
        if (checked && !options_.read_only) checked = ensure_log_mode(*reader_);
        spare_ = std::move(reader_);
        return checked;
    }

    // A database made by create_schema() may have another journal mode.
    result<void> ensure_log_mode(connection& db)
    {
        auto row = db.sql.get(sql::journal_mode);
        if (row.step() == SQLITE_ROW && row.bytes(0) == "wal") return {};
        row.reset();
        auto held = files_.lock->acquire(options_.busy);
        if (!held) return fail(held.error());
        if (const int rc = db.run("PRAGMA journal_mode=WAL"); rc != SQLITE_OK) return failed(db.db(), rc, name("open"));
        return {};
    }

    // Makes the file and the tables that are missing, one process at a time.
    result<void> initialise()
    {
        auto held = files_.lock->acquire(options_.busy);
        if (!held) return fail(held.error());
        if (auto made = create_file(*files_.folder, path_); !made) return made;
        if (auto ready = take(writer_); !ready) return fail(ready.error());
        connection& db = *writer_;
        int tables = 0;
        int rc = count_tables(db, tables);
        if (rc == SQLITE_OK && tables == 0) rc = make_tables(db);
        if (rc != SQLITE_OK) {
            auto why = failed(db.db(), rc, name("create"));
            db.roll_back();
            return why;
        }
        spare_ = std::move(writer_);
        return sync_parent(path_);
    }

    static int count_tables(connection& db, int& tables)
    {
        auto row = db.sql.get(sql::tables);
        const int rc = row.step();
        if (rc == SQLITE_ROW) tables = row.int32(0);
        return rc == SQLITE_ROW ? SQLITE_OK : rc;
    }

    static int make_tables(connection& db)
    {
        int rc = db.run("PRAGMA journal_mode=WAL; BEGIN IMMEDIATE");
        if (rc == SQLITE_OK) rc = db.run(schema_sql);
        if (rc == SQLITE_OK) rc = db.run(identity_sql);
        return rc == SQLITE_OK ? db.run("COMMIT") : rc;
    }

    // A long log makes the next open slow: it is read when no other process has the store open.
    void close_log()
    {
        if (!writer_ || !files_.lock) return;
        if (auto held = files_.lock->acquire(duration{0})) writer_->empty_log_past(log_bytes_at_close);
    }

    std::string path_;
    sqlite_options options_;
    queuectl::detail::home_process home_;
    store_files files_;
    std::atomic<std::int64_t> seen_version_{0};
    std::mutex reading_;
    std::mutex sparing_;
    lease_hints hints_;                   // under the store's lock
    std::unique_ptr<connection> writer_;  // under the store's lock
    std::unique_ptr<connection> reader_;  // under reading_
    std::unique_ptr<connection> spare_;   // under sparing_
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
