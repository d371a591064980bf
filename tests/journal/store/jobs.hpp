// Short ways to use a journal.
#ifndef QUEUECTL_TESTS_JOURNAL_STORE_JOBS_HPP
#define QUEUECTL_TESTS_JOURNAL_STORE_JOBS_HPP

#include "journal/store/folder.hpp"

#include <atomic>

#include <sys/wait.h>
#include <unistd.h>

namespace queuectl::journal_testing {

inline instant at(std::int64_t us) { return {timestamp{duration{us}}, duration{us}, uid{1, 1}}; }

inline uid fresh()
{
    static std::atomic<std::uint64_t> last{0};
    return {static_cast<std::uint64_t>(::getpid()) << 32, ++last};
}

inline job make_job(std::string id, std::size_t payload_bytes = 4)
{
    job j;
    j.id = std::move(id);
    j.queue = "default";
    j.kind = "shell";
    j.payload.assign(payload_bytes, 'x');
    j.retention = std::chrono::hours{1};
    j.nonce = fresh();
    return j;
}

// Nothing, or why it failed; settle() too.
[[nodiscard]] inline std::optional<error> put(journal_storage& store, const job& j)
{
    insert_status status{};
    auto done = store.insert({&j, 1}, {&status, 1}, at(1));
    if (!done) return done.error();
    EXPECT_EQ(status, insert_status::inserted) << j.id;
    return {};
}

inline std::vector<lease> take(journal_storage& store, std::size_t most)
{
    claim_request request;
    request.max = most;
    request.worker = "w";
    request.nonce = fresh();
    std::vector<lease> leases;
    const auto done = store.claim(request, leases, at(2));
    EXPECT_TRUE(done) << (done ? "" : done.error().message());
    return leases;
}

inline settlement completed(const lease& l)
{
    settlement s;
    s.receipt = l.receipt();
    s.verdict.kind = verdict_kind::complete;
    s.report.emplace();
    s.report->status = run_status::succeeded;
    return s;
}

[[nodiscard]] inline std::optional<error> settle(journal_storage& store, const settlement& what)
{
    settle_status status{};
    const auto done = store.settle({&what, 1}, {&status, 1}, at(3));
    if (!done) return done.error();
    EXPECT_EQ(status, settle_status::applied);
    return {};
}

[[nodiscard]] inline std::optional<state> state_of(journal_storage& store, const std::string& id)
{
    const auto found = store.find(id);
    EXPECT_TRUE(found) << (found ? "" : found.error().message());
    return found && *found ? std::optional{(*found)->state} : std::nullopt;
}

// Runs body() in a forked child; what it returns, or −1 when it was killed. 0 also says that no check in it failed.
template <class Body>
[[nodiscard]] int in_child(Body&& body)
{
    const auto child = ::fork();
    if (child == 0) {
        const int code = body();
        ::_exit(code == 0 && ::testing::Test::HasFailure() ? 120 : code);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace queuectl::journal_testing

#endif
