// A job in one's own transaction: the order and its confirmation mail are both there, or neither.
#include <queuectl/queuectl.hpp>
#include <queuectl/sqlite.hpp>

#include <cstdio>
#include <filesystem>

namespace {

bool run(sqlite3* db, const char* sql) { return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK; }

// The shop's own connection, with what sqlite_transaction asks of it.
sqlite3* open_shop(const std::string& path)
{
    sqlite3* db = nullptr;
    if (sqlite3_open(path.c_str(), &db) != SQLITE_OK) return nullptr;
    sqlite3_busy_timeout(db, 5000);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0");
    run(db, "CREATE TABLE orders(id TEXT PRIMARY KEY)");
    return db;
}

bool order(sqlite3* db, const char* id, bool paid)
{
    if (!run(db, "BEGIN IMMEDIATE")) return false;
    const std::string insert = std::string{"INSERT INTO orders VALUES('"} + id + "')";
    queuectl::basic_queue queue{queuectl::sqlite_storage::on(db), queuectl::no_executor{}};
    const bool stored = run(db, insert.c_str()) && queue.enqueue({.payload = id, .kind = "confirmation"});
    return run(db, stored && paid ? "COMMIT" : "ROLLBACK") && stored;
}

bool shop(const std::string& path)
{
    sqlite3* db = open_shop(path);
    const bool taken = db && queuectl::sqlite_storage::create_schema(db) &&  //
                       order(db, "order-1", true) && order(db, "order-2", false);
    sqlite3_close(db);
    return taken;
}

bool worker(const std::string& path)
{
    auto storage = queuectl::sqlite_storage::open(path);
    if (!storage) return std::puts(storage.error().message().c_str()), false;
    std::string confirmed;
    queuectl::basic_queue queue{*std::move(storage),
                                queuectl::inline_executor{[&](const queuectl::job& j) { confirmed += j.payload; }}};
    const auto summary = queue.run_until_drained();
    std::printf("confirmed: %s\n", confirmed.c_str());
    return summary && confirmed == "order-1";  // order-2 was rolled back, and its mail with it
}

}  // namespace

int main()
{
    namespace fs = std::filesystem;
    const fs::path folder = fs::temp_directory_path() / "queuectl_user_transaction";
    fs::remove_all(folder);
    fs::create_directory(folder);
    const std::string path = (folder / "shop.db").string();
    const bool done = shop(path) && worker(path);
    fs::remove_all(folder);
    return done ? 0 : 1;
}
