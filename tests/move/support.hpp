// Stores that jobs are moved between, filled with jobs of every kind, by way of the command.
#ifndef QUEUECTL_TESTS_MOVE_SUPPORT_HPP
#define QUEUECTL_TESTS_MOVE_SUPPORT_HPP

#include "command/run_command.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include <pty.h>

namespace move_tests {

using command_tests::command_result;
using command_tests::strings;

// The kinds of stores of this build that processes share. Another one: a word in tests/CMakeLists.txt.
inline std::vector<std::string> kinds()
{
    std::vector<std::string> all;
    std::stringstream words{QUEUECTL_TEST_STORES};
    for (std::string word; words >> word;) all.push_back(word);
    return all;
}

inline std::string hex_id(std::uint64_t n)
{
    char text[33];
    std::snprintf(text, sizeof text, "%016llx%016llx", 0x6d6f7665ULL, static_cast<unsigned long long>(n + 1));
    return text;
}

// What `queuectl export` prints of n jobs of every state, with runs, output of all lengths, and bytes of all kinds.
inline std::string exported_jobs(std::size_t n)
{
    constexpr const char* states[] = {"pending", "completed", "failed", "dead", "cancelled"};
    std::string out = "{\"queuectl\":\"export\",\"format\":1}\n";
    for (std::size_t i = 0; i < n; ++i) {
        const std::string at = std::to_string(1'700'000'000'000'000 + i * 1000);
        out += "{\"id\":\"job-" + std::to_string(i) + "\",\"queue\":\"q" + std::to_string(i % 3) +
               "\",\"kind\":\"shell\",";
        out += i % 7 == 0 ? "\"payload_base64\":\"/wABAg==\"," : "\"payload\":\"echo \xc3\xa9 " + at + "\",";
        out += "\"run_at_us\":" + at + ",\"timeout_us\":0,\"retention_us\":3153600000000000,\"backoff_base\":2.5," +
               "\"max_retries\":3,\"priority\":" + std::to_string(static_cast<int>(i % 5) - 2) + ",\"hold\":0," +
               "\"nonce\":\"" + hex_id(i) + "\",";
        if (i % 4 == 0) out += "\"tag\":\"t\",\"unique_key\":\"only " + std::to_string(i) + "\",";
        out += "\"env\":\"A=1\\u0000B=2\\u0000\",\"state\":\"" + std::string{states[i % 5]} + "\",";
        const bool ran = i % 5 != 0;
        out += "\"attempts\":" + std::string{ran ? "1" : "0"} + ",\"crashes\":0,\"created_at_us\":" + at +
               ",\"updated_at_us\":" + at + ",";
        if (ran) out += "\"settled_token\":\"" + hex_id(i) + "/" + std::to_string(i % 9) + "\",";
        const bool failed = ran && i % 5 != 1;
        const std::string code = std::string{"\"exit_code\":"} + (!ran ? "-1" : failed ? "1" : "0") + ",\"signal\":0";
        const std::string error = failed ? ",\"error\":\"exit code 1\"" : "";
        out += code + error;
        if (ran) {
            const std::string text(i % 500 == 1 ? 6000 : i % 60, 'o');
            out +=
                ",\"runs\":[{\"number\":1,\"status\":\"" + std::string{failed ? "failed" : "succeeded"} + "\"," + code;
            out += ",\"started_at_us\":" + at + ",\"ended_at_us\":" + at + error +
                   ",\"worker\":\"w\",\"output_bytes\":" + std::to_string(text.size()) + ",\"dropped_bytes\":0";
            out += (text.empty() ? "" : ",\"head\":\"" + text + "\"") + "}]";
        }
        out += "}\n";
    }
    return out + "{\"config\":\"config/max-retries\",\"value\":\"7\"}\n";
}

// "sqlite:"
inline std::string scheme_of(const std::string& url) { return url.substr(0, url.find(':') + 1); }

// Whether they are the same; else the first line that differs.
inline ::testing::AssertionResult same(const std::string& lines, const std::string& expected)
{
    if (lines == expected) return ::testing::AssertionSuccess();
    std::stringstream a{lines}, b{expected};
    std::string x, y;
    while (x == y && a && b) std::getline(a, x), std::getline(b, y);
    return ::testing::AssertionFailure() << "it has\n" << x << "\nwhere it should have\n" << y;
}

// Two stores, "from" and "to", and a seed that a failure tells.
class move_test : public command_tests::command_test {
protected:
    [[nodiscard]] std::string url_of(const std::string& kind, const std::string& name) const
    {
        if (kind != "redis") return test_store::url_in(path("."), kind, name);
        if (!server_) server_.emplace(path("."));
        return server_->url(name);
    }
    // A process of the command, to be waited for; its standard error is the file `err`.
    [[nodiscard]] pid_t start(const strings& words, const std::string& err) const
    {
        const pid_t pid = ::fork();
        if (pid == 0) {
            for (const int fd : {0, 1}) ::dup2(::open("/dev/null", O_RDWR), fd);
            ::dup2(::open(path(err).c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 2);
            become(words);
        }
        return pid;
    }
    // 128 + n when signalled.
    static int wait(pid_t pid)
    {
        int status = 0;
        while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    // Starts a move and kills it, `kills` times at random moments of its first 400 ms; then lets it end. How often it
    // was killed.
    std::size_t move_with_kills(const std::string& from, const std::string& to, std::size_t kills, std::uint32_t seed)
    {
        std::minstd_rand random{seed};
        std::size_t killed = 0;
        int longest_ms = 20;
        for (std::size_t i = 0; i < kills; ++i) {
            const pid_t pid = start({"migrate", "--from", from, "--to", to, "--batch", "100"}, "migrate.err");
            std::this_thread::sleep_for(
                std::chrono::microseconds{std::uniform_int_distribution<int>{0, longest_ms * 1000}(random)});
            ::kill(pid, SIGKILL);
            const int code = wait(pid);
            killed += code == 128 + SIGKILL ? 1 : 0;
            if (code == 0) break;
            longest_ms = std::min(longest_ms + 15, 400);
        }
        const auto last = run({"migrate", "--from", from, "--to", to});
        EXPECT_EQ(last.code, 0) << last.err;
        return killed;
    }
    // Starts a move and kills it shortly after it says that so many jobs are copied. Whether that was in time.
    bool move_until(const std::string& from, const std::string& to, std::size_t copied, std::size_t batch,
                    std::chrono::microseconds then) const
    {
        int terminal = -1;
        const pid_t pid = ::forkpty(&terminal, nullptr, nullptr, nullptr);
        if (pid == 0) become({"migrate", "--from", from, "--to", to, "--batch", std::to_string(batch)});
        std::string said;
        char part[4096];
        for (std::size_t now = 0; now < copied;) {
            const auto n = ::read(terminal, part, sizeof part);
            if (n <= 0) break;
            said.append(part, static_cast<std::size_t>(n));
            const auto end = said.rfind(" jobs copied");
            const auto line = end == std::string::npos ? end : said.rfind("\x1b[K", end);
            if (line != std::string::npos) now = std::strtoull(said.c_str() + line + 3, nullptr, 10);
        }
        std::this_thread::sleep_for(then);
        ::kill(pid, SIGKILL);
        ::close(terminal);
        const int code = wait(pid);
        EXPECT_TRUE(code == 0 || code == 128 + SIGKILL) << said;
        return code != 0;
    }
    static std::uint32_t seed()
    {
        const char* const given = std::getenv("QUEUECTL_SEED");
        const auto seed = given != nullptr ? static_cast<std::uint32_t>(std::atol(given)) : std::random_device{}();
        std::printf("QUEUECTL_SEED=%u\n", seed);
        return seed;
    }
    [[nodiscard]] std::string exported(const std::string& url) const { return ok({"export", "--store", url}); }
    void import(const std::string& url, const std::string& lines) const
    {
        const auto r = run({"import", "-", "--store", url}, lines);
        EXPECT_EQ(r.code, 0) << r.err;
    }
    void expect_one_line(const command_result& r, int code, const std::string& words) const
    {
        EXPECT_EQ(r.code, code) << r.err;
        EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
        EXPECT_NE(r.err.find(words), std::string::npos) << r.err;
    }

private:
    mutable std::optional<command_tests::redis_process> server_;  // made when it is needed
};

}  // namespace move_tests

#endif
