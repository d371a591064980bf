// Runs the command in a fresh folder and tells what it said.
#ifndef QUEUECTL_TESTS_COMMAND_RUN_COMMAND_HPP
#define QUEUECTL_TESTS_COMMAND_RUN_COMMAND_HPP

#include "command/redis_process.hpp"
#include "test_store.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace command_tests {

struct command_result {
    int code = -1;  // 128 + n when signalled
    std::string out;
    std::string err;
};

using strings = std::vector<std::string>;

// A folder of its own, removed at the end, and a store in it that nothing else uses.
class command_test : public ::testing::Test {
protected:
    command_test()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "queuectl-test-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        if (test_store::on_redis()) redis_.emplace(folder_);
        environment_["QUEUECTL_STORE"] = url();
        environment_["HOME"] = folder_;
        environment_["PATH"] = "/usr/local/bin:/usr/bin:/bin";
    }
    ~command_test() override
    {
        redis_.reset();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
    [[nodiscard]] bool store_exists() const
    {
        if (!test_store::on_redis()) return std::filesystem::exists(store_path());
        return run({"status", "--json"}).out.find("\"exists\":true") != std::string::npos;
    }
    [[nodiscard]] std::string store_path() const { return test_store::path_in(folder_, test_store::name()); }
    [[nodiscard]] std::string side_folder() const
    {
        if (test_store::on_redis()) return folder_ + "/.local/state/queuectl";
        return test_store::side_folder_in(folder_, test_store::name());
    }
    [[nodiscard]] std::string url(const std::string& name = "q") const
    {
        if (redis_) return redis_->url(name);
        return test_store::url_in(folder_, test_store::name(), name);
    }

    // Runs `queuectl WORDS…` in the folder, with the environment and that standard input.
    command_result run(const strings& words, const std::string& input = {}) const
    {
        put("in", input);
        const pid_t pid = ::fork();
        if (pid == 0) execute(words);
        int status = 0;
        while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
        const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        return {code, get("out"), get("err")};
    }

    // The output of a run that must succeed, without its last newline.
    std::string ok(const strings& words, const std::string& input = {}) const
    {
        auto r = run(words, input);
        EXPECT_EQ(r.code, 0) << words.front() << ": " << r.err;
        if (!r.out.empty() && r.out.back() == '\n') r.out.pop_back();
        return r.out;
    }

    // Runs what is due, and what comes due by a retry.
    void drain() const { EXPECT_EQ(run({"worker", "start", "--drain"}).code, 0) << get("err"); }

    // A refusal: exit code 2, one line, with those words in it.
    void expect_refused(const command_result& r, std::initializer_list<std::string> words) const
    {
        EXPECT_EQ(r.code, 2) << r.err;
        EXPECT_EQ(r.out, "");
        EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
        for (const auto& word : words) EXPECT_NE(r.err.find(word), std::string::npos) << word << " in: " << r.err;
    }

    void put(const std::string& name, const std::string& text) const
    {
        std::ofstream{path(name), std::ios::binary} << text;
    }
    [[nodiscard]] std::string get(const std::string& name) const
    {
        std::ostringstream text;
        text << std::ifstream{path(name), std::ios::binary}.rdbuf();
        return text.str();
    }

    std::map<std::string, std::string> environment_;

    // Becomes `queuectl WORDS…` in the folder, with the environment.
    [[noreturn]] void become(const strings& words) const
    {
        std::vector<std::string> env;
        for (const auto& [name, value] : environment_) env.push_back(name + "=" + value);
        std::vector<char*> envp, argv{const_cast<char*>("queuectl")};
        for (auto& e : env) envp.push_back(e.data());
        for (const auto& w : words) argv.push_back(const_cast<char*>(w.c_str()));
        envp.push_back(nullptr);
        argv.push_back(nullptr);
        if (::chdir(folder_.c_str()) == 0) ::execve(QUEUECTL_COMMAND, argv.data(), envp.data());
        ::_exit(121);
    }

private:
    [[noreturn]] void execute(const strings& words) const
    {
        const auto redirect = [this](const char* name, int flags, int fd) {
            ::dup2(::open(path(name).c_str(), flags, 0600), fd);
        };
        redirect("in", O_RDONLY, 0);
        redirect("out", O_WRONLY | O_CREAT | O_TRUNC, 1);
        redirect("err", O_WRONLY | O_CREAT | O_TRUNC, 2);
        become(words);
    }

    std::string folder_;
    std::optional<redis_process> redis_;
};

}  // namespace command_tests

#endif
