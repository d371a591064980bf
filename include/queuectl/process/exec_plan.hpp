// What a job executes, ready for execve: program, words and environment, built before the process exists.
#ifndef QUEUECTL_PROCESS_EXEC_PLAN_HPP
#define QUEUECTL_PROCESS_EXEC_PLAN_HPP

#include <queuectl/process/command_line.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

namespace queuectl::inline v0::process {

// Strings in one buffer, and the null-terminated array of pointers that execve wants. `spare` empty places stay in
// front of the array. Reused from run to run without allocating once it is warm.
class string_block {
public:
    void clear() noexcept
    {
        bytes_.clear();
        starts_.clear();
    }
    void add(std::string_view a, std::string_view b = {}, std::string_view c = {}, std::string_view d = {})
    {
        starts_.push_back(bytes_.size());
        bytes_.append(a).append(b).append(c).append(d).push_back('\0');
    }
    [[nodiscard]] std::size_t size() const noexcept { return starts_.size(); }
    [[nodiscard]] std::string_view at(std::size_t i) const { return bytes_.c_str() + starts_[i]; }

    // Valid until the next change; its places `0 … spare − 1` are null.
    [[nodiscard]] char** pointers(std::size_t spare = 0)
    {
        pointers_.assign(spare, nullptr);
        for (const auto start : starts_) pointers_.push_back(bytes_.data() + start);
        pointers_.push_back(nullptr);
        return pointers_.data();
    }

private:
    std::string bytes_;
    std::vector<std::size_t> starts_;
    std::vector<char*> pointers_;
};

// The environment of this process as a job carries it: NAME=VALUE, each ended by NUL.
[[nodiscard]] inline std::string current_environment()
{
    std::string block;
    for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) block.append(*entry).push_back('\0');
    return block;
}

// The value of a variable in such a block; empty when it is not there.
[[nodiscard]] inline std::string_view environment_value(std::string_view block, std::string_view name) noexcept
{
    while (!block.empty()) {
        const auto end = block.find('\0');
        const auto entry = block.substr(0, end);
        if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name))
            return entry.substr(name.size() + 1);
        block.remove_prefix(end == std::string_view::npos ? block.size() : end + 1);
    }
    return {};
}

// A program to execute, or why there is none: `error` is ENOENT or EACCES of `name`, or EINVAL for no command.
struct exec_plan {
    std::string path;
    string_block words;
    std::string name;              // the first word, for messages
    bool shell = false;            // through /bin/sh -c
    bool script_fallback = false;  // a file without a known format is a script for /bin/sh
    int error = 0;
};

// Plans command texts and argv payloads (kind "argv"). `environment` is the job's block, `cwd` its directory.
class planner {
public:
    void plan(exec_plan& out, bool argv, std::string_view payload, std::string_view environment, std::string_view cwd)
    {
        out.words.clear();
        out.shell = false;
        out.error = 0;
        const auto path = environment_value(environment, "PATH");
        if (argv) return plan_argv(out, payload, path, cwd);
        if (payload.find('\0') != std::string_view::npos) return refuse(out, "a command with a NUL byte");
        split_plain(payload, words_);
        if (!words_.empty() && is_direct(out, path, environment, cwd)) return plan_direct(out);
        plan_shell(out, payload);
    }

private:
    // A program with the words of `words_`, or the reason why a shell would not find it either.
    [[nodiscard]] bool is_direct(exec_plan& out, std::string_view path, std::string_view environment,
                                 std::string_view cwd)
    {
        const auto name = words_.front();
        if (environment.find("BASH_FUNC_") != std::string_view::npos) return false;
        if (name.find('/') == std::string_view::npos && !is_absolute_path_list(path)) return false;
        out.error = find_program(name, path, cwd, out.path);
        return out.error == 0 || (name != "true" && name != "false");
    }

    void plan_direct(exec_plan& out)
    {
        out.name.assign(words_.front());
        out.script_fallback = true;
        for (const auto word : words_) out.words.add(word);
    }

    void plan_argv(exec_plan& out, std::string_view payload, std::string_view path, std::string_view cwd)
    {
        split_argv(payload, words_);
        if (words_.empty()) return refuse(out, "no command");
        if (path.empty()) path = "/usr/local/bin:/usr/bin:/bin";
        out.error = find_program(words_.front(), path, cwd, out.path);
        plan_direct(out);
        out.script_fallback = false;
    }

    void plan_shell(exec_plan& out, std::string_view text)
    {
        out.error = 0;
        out.shell = true;
        out.script_fallback = false;
        out.path.assign("/bin/sh");
        out.name.assign("/bin/sh");
        out.words.add("sh");
        out.words.add("-c");
        if (text.starts_with('-') || text.starts_with('+')) out.words.add("--");
        out.words.add(text);
    }

    static void refuse(exec_plan& out, std::string_view what)
    {
        out.name.assign(what);
        out.error = EINVAL;
    }

    std::vector<std::string_view> words_;
};

}  // namespace queuectl::inline v0::process

#endif
