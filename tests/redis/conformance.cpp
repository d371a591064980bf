// redis_storage keeps the contract.
#if defined(__GNUC__) && !defined(__clang__)
// False alarms of GCC 12 on "literal" + std::to_string(n).
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wrestrict"
#pragma GCC diagnostic ignored "-Warray-bounds"
#endif

#include "redis/server.hpp"

#include <queuectl/testing/conformance.hpp>
#include <queuectl/testing/conformance/gtest.hpp>

namespace queuectl_test {
namespace {

// The instants of the checks stand for the server's clock, so that they can move it.
struct redis_backend {
    using storage_type = redis_storage;
    static constexpr bool processes = true;

    ~redis_backend()
    {
        for (const auto& key : server().ask({"KEYS", prefix_ + "*"}).elements) server().ask({"UNLINK", key.text});
    }
    std::unique_ptr<storage_type> make() { return open(); }
    std::unique_ptr<storage_type> reopen() { return open(); }
    std::unique_ptr<storage_type> another() { return open(); }
    // Commands that Redis has run, those of scripts included; how many elements each may touch is in the scripts.
    [[nodiscard]] std::uint64_t operations() const
    {
        std::uint64_t calls = 0;
        const std::string info = server().ask({"INFO", "commandstats"}).text;
        for (std::size_t at = info.find("calls="); at != info.npos; at = info.find("calls=", at + 1))
            calls += std::strtoull(info.c_str() + at + 6, nullptr, 10);
        return calls;
    }
    void make_read_only()
    {
        auto s = open();
        EXPECT_TRUE(s->set_state(store_state::read_only));
    }

private:
    static redis_server& server() { return shared_server(); }
    [[nodiscard]] std::unique_ptr<storage_type> open() const
    {
        redis_options options;
        options.clock = redis_clock::caller;
        return std::make_unique<storage_type>(open_store(server().address(prefix_), options));
    }

    std::string prefix_ = fresh_prefix();
};

}  // namespace
}  // namespace queuectl_test

using queuectl_test::redis_backend;
QUEUECTL_CONFORMANCE(redis, redis_backend);
