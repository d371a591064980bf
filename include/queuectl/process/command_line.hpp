// Command texts: which ones need a shell, and the words of those that do not. Pure, but for find_program.
#ifndef QUEUECTL_PROCESS_COMMAND_LINE_HPP
#define QUEUECTL_PROCESS_COMMAND_LINE_HPP

#include <queuectl/config.hpp>

#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace queuectl::inline v0::process {

// A byte that a shell takes literally, whatever shell and locale. Blanks are not literal: they part words.
[[nodiscard]] constexpr bool is_literal(char c) noexcept
{
    return c > ' ' && c <= '~' && std::string_view{"|&;<>()$`\\\"'*?[]#~=%!{}"}.find(c) == std::string_view::npos;
}

// A word that sh, whichever it is, does not look up on PATH: the builtins and keywords of dash, bash, ksh and busybox.
// `true` and `false` are left out: alone, their programs do the same.
[[nodiscard]] constexpr bool is_shell_word(std::string_view word) noexcept
{
    constexpr std::string_view words =
        " . : alias bg bind break builtin caller case cd chdir command compgen complete compopt continue coproc declare"
        " dirs disown do done echo elif else enable esac eval exec exit export fc fg fi for function getopts hash help"
        " history if in jobs kill let local logout mapfile namespace nameref newgrp popd print printf pushd pwd read"
        " readarray readonly return select set shift shopt source suspend test then time times trap type typeset ulimit"
        " umask unalias unset until wait whence while ";
    if (word.empty() || word.find(' ') != std::string_view::npos) return false;
    for (auto at = words.find(word); at != std::string_view::npos; at = words.find(word, at + 1))
        if (words[at - 1] == ' ' && words[at + word.size()] == ' ') return true;
    return false;
}

// The words of a command that may be executed directly, because `sh -c` would look its first word up on PATH and pass
// the others unchanged; no words when it takes a shell (an empty command, say). Words point into `text`.
inline void split_plain(std::string_view text, std::vector<std::string_view>& words)
{
    words.clear();
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] == ' ' || text[i] == '\t') {
            ++i;
            continue;
        }
        const auto begin = i;
        while (i < text.size() && is_literal(text[i])) ++i;
        words.push_back(text.substr(begin, i - begin));
        if (i < text.size() && text[i] != ' ' && text[i] != '\t') return words.clear();
    }
    if (words.empty()) return;
    const auto first = words.front();
    const bool option = first.front() == '-' || first.front() == '+';
    const bool stub = first == "true" || first == "false";
    if (option || is_shell_word(first) || (stub && words.size() > 1)) words.clear();
}

// The words of an argv payload: each ended by NUL. A last word without its NUL counts.
inline void split_argv(std::string_view payload, std::vector<std::string_view>& words)
{
    words.clear();
    while (!payload.empty()) {
        const auto end = payload.find('\0');
        words.push_back(payload.substr(0, end));
        payload.remove_prefix(end == std::string_view::npos ? payload.size() : end + 1);
    }
}

// Every entry of the search path is absolute: what is found does not depend on the directory.
[[nodiscard]] constexpr bool is_absolute_path_list(std::string_view list) noexcept
{
    for (;;) {
        if (list.empty() || list.front() != '/') return false;
        const auto end = list.find(':');
        if (end == std::string_view::npos) return true;
        list.remove_prefix(end + 1);
    }
}

// A regular file that may be executed: 0, else ENOENT or EACCES.
[[nodiscard]] inline int check_program(const char* path) noexcept
{
    struct stat info {};
    if (::stat(path, &info) != 0) return errno == EACCES ? EACCES : ENOENT;
    return S_ISREG(info.st_mode) && ::access(path, X_OK) == 0 ? 0 : EACCES;
}

// Looks `name` up as execvp does: a name with a slash is a path, else the first entry of `path_list` that has it;
// relative entries start at `cwd`. 0 and the path in `found`, else ENOENT, or EACCES when only unusable files have it.
[[nodiscard]] inline int find_program(std::string_view name, std::string_view path_list, std::string_view cwd,
                                      std::string& found)
{
    const auto under_cwd = [&](std::string_view path) {
        found.assign(path.starts_with('/') || cwd.empty() ? std::string_view{} : cwd);
        if (!found.empty()) found += '/';
        found += path;
    };
    if (name.empty()) return ENOENT;
    if (name.find('/') != std::string_view::npos) {
        under_cwd(name);
        const int error = check_program(found.c_str());
        found.assign(name);
        return error;
    }
    int error = ENOENT;
    for (;;) {
        const auto end = path_list.find(':');
        const auto entry = path_list.substr(0, end);
        under_cwd(entry.empty() ? std::string_view{"."} : entry);
        found += '/';
        found += name;
        if (const int e = check_program(found.c_str()); e != ENOENT) error = e;
        if (error == 0) return 0;
        if (end == std::string_view::npos) return error;
        path_list.remove_prefix(end + 1);
    }
}

}  // namespace queuectl::inline v0::process

#endif
