// A throw-away store on this machine and short ways to use it, for the storages that share their tests. A storage's
// `kind` says how it is opened and looked at:
//
//     storage, options                     its types
//     file                                 of a store in its folder
//     side_folder                          of that store, where long outputs lie
//
// and what else the shared headers name that the folder includes.
#ifndef QUEUECTL_TESTS_SHARED_STORE_HPP
#define QUEUECTL_TESTS_SHARED_STORE_HPP

#include <queuectl/facets.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace queuectl_test {

using namespace queuectl;

class temporary_folder {
public:
    temporary_folder()
    {
        const char* base = std::getenv("TMPDIR");
        std::string pattern = std::string{base != nullptr ? base : "/tmp"} + "/queuectl-XXXXXX";
        path_ = ::mkdtemp(pattern.data());
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + '/' + name; }

private:
    std::string path_;
};

inline instant at(std::int64_t us, std::uint64_t boot = 1)
{
    return {timestamp{duration{us}}, duration{us}, uid{boot, boot}};
}
inline uid fresh()
{
    static std::uint64_t last = 0;
    return {static_cast<std::uint64_t>(::getpid()) << 32, ++last};
}

inline job make_job(std::string id, std::string queue = "default")
{
    job j;
    j.id = std::move(id);
    j.queue = std::move(queue);
    j.kind = "shell";
    j.payload = "true";
    j.retention = std::chrono::hours{1};
    j.nonce = fresh();
    return j;
}

inline std::vector<job> batch_of(const std::string& name, std::size_t n, std::size_t payload_bytes)
{
    std::vector<job> jobs(n);
    for (auto& j : jobs) {
        j = make_job(name + "." + std::to_string(&j - jobs.data()));
        j.payload.assign(payload_bytes, 'x');
    }
    return jobs;
}

template <class Kind>
typename Kind::storage open_as(const std::string& path, typename Kind::options options = {})
{
    auto s = Kind::storage::open(path, options);
    EXPECT_TRUE(s) << (s ? "" : s.error().message());
    return std::move(*s);
}

template <class Storage>
insert_status put(Storage& s, const job& j, const instant& now = at(1))
{
    insert_status status{};
    const auto done = s.insert({&j, 1}, {&status, 1}, now);
    EXPECT_TRUE(done) << (done ? "" : done.error().message());
    return status;
}

template <class Storage>
std::vector<lease> take(Storage& s, std::size_t most, const instant& now = at(2), std::string_view worker = "w")
{
    claim_request request;
    request.max = most;
    request.worker = worker;
    request.nonce = fresh();
    std::vector<lease> leases;
    const auto done = s.claim(request, leases, now);
    EXPECT_TRUE(done) << (done ? "" : done.error().message());
    return leases;
}

inline settlement ended(const lease& l, verdict_kind kind, run_status status = run_status::succeeded)
{
    settlement s;
    s.receipt = l.receipt();
    s.verdict.kind = kind;
    s.report.emplace();
    s.report->status = status;
    s.report->exit_code = status == run_status::succeeded ? 0 : 1;
    if (status != run_status::succeeded) s.report->error = "it failed";
    return s;
}

template <class Storage>
settle_status settle(Storage& s, const settlement& what, const instant& now = at(3))
{
    settle_status status{};
    const auto done = s.settle({&what, 1}, {&status, 1}, now);
    EXPECT_TRUE(done) << (done ? "" : done.error().message());
    return status;
}

template <class Storage>
state state_of(Storage& s, const std::string& id)
{
    const auto found = s.find(id);
    EXPECT_TRUE(found && *found) << id;
    return (*found)->state;
}

// Waits for a child's end; -1 when it was killed.
inline int exit_code_of(pid_t child)
{
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// What shared tests start from: a folder and the path of a store in it, which is not there yet.
template <class Kind>
class store_of : public ::testing::Test {
protected:
    [[nodiscard]] typename Kind::storage open(typename Kind::options options = {}) const
    {
        return open_as<Kind>(path, options);
    }

    const temporary_folder folder;
    const std::string path = folder / Kind::file;
};

}  // namespace queuectl_test

#endif
