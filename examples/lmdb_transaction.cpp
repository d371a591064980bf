// A row of the user's and the job that belongs to it, in one LMDB transaction: both are there, or neither.
#include <queuectl/lmdb.hpp>
#include <queuectl/queuectl.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

using namespace queuectl;

namespace {

MDB_val bytes(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }

// Stores the order with a job that will confirm it. `false`: nothing was stored.
bool place_order(lmdb_storage& store, std::string_view number, bool with_money)
{
    auto turn = store.turn();  // nobody else writes until it ends; its end wakes the workers
    if (!turn) return false;
    MDB_txn* txn = nullptr;
    MDB_dbi orders = 0;
    if (mdb_txn_begin(store.env(), nullptr, 0, &txn) != 0) return false;
    MDB_val key = bytes(number);
    MDB_val value = bytes("paid");
    bool good = mdb_dbi_open(txn, "orders", MDB_CREATE, &orders) == 0 && mdb_put(txn, orders, &key, &value, 0) == 0;

    producer<lmdb_transaction> queue{lmdb_storage::on(txn)};
    good = good && queue.enqueue({.payload = std::string{number}, .kind = "confirm"});
    if (good && with_money) return mdb_txn_commit(txn) == 0;
    mdb_txn_abort(txn);
    return false;
}

}  // namespace

int main()
{
    std::string folder = (std::filesystem::temp_directory_path() / "queuectl-example-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) return 1;
    int confirmed = 0;
    {
        auto store = lmdb_storage::open(folder + "/store");
        if (!store) return std::puts(store.error().message().c_str()), 1;
        place_order(*store, "order-1", true);
        place_order(*store, "order-2", false);

        basic_queue queue{*std::move(store), inline_executor{[&](const job& j) {
                              std::printf("%s is confirmed\n", j.payload.c_str());
                              ++confirmed;
                          }}};
        static_cast<void>(queue.run_until_idle());
    }
    std::filesystem::remove_all(folder);
    return confirmed == 1 ? 0 : 1;
}
