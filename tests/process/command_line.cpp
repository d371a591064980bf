// Which commands need a shell: compared with the shell itself.
#include <queuectl/process/command_line.hpp>

#include <gtest/gtest.h>

#include <process/process_testing.hpp>
#include <process/temporary_directory.hpp>

#include <fstream>
#include <random>

namespace {
using namespace queuectl;
using namespace queuectl::process_testing;

std::vector<std::string> words_of(std::string_view text)
{
    std::vector<std::string_view> views;
    process::split_plain(text, views);
    return {views.begin(), views.end()};
}
using words = std::vector<std::string>;

TEST(CommandLine, PlainWordsAreSplitAtBlanks)
{
    EXPECT_EQ(words_of("ls -l /tmp"), (words{"ls", "-l", "/tmp"}));
    EXPECT_EQ(words_of(" \t ls\t-l  "), (words{"ls", "-l"}));
    EXPECT_EQ(words_of("./run.sh a,b @x 1:2 ^"), (words{"./run.sh", "a,b", "@x", "1:2", "^"}));
    EXPECT_EQ(words_of("true"), words{"true"});
}

TEST(CommandLine, WhatAShellWouldReadGoesToTheShell)
{
    for (const char c : std::string_view{"|&;<>()$`\\\"'*?[]#~=%!{}\n\r\v\x7f\x80\xff"}) {
        EXPECT_EQ(words_of(std::string{"ls a"} + c), words{}) << int{c};
        EXPECT_EQ(words_of(std::string{c} + "ls"), words{}) << int{c};
        EXPECT_EQ(words_of(std::string{"ls "} + c + " b"), words{}) << int{c};
    }
    EXPECT_EQ(words_of({"ls\0a", 4}), words{});
    for (const auto* text :
         {"",       " ",        "\t",     "-c ls",  "+x",   "true --help", "false x", "cd /", ". x", ": x",
          "echo a", "printf a", "test a", "kill 1", "wait", "time ls",     "exec ls", "if",   "pwd", "command ls"})
        EXPECT_EQ(words_of(text), words{}) << text;
}

TEST(CommandLine, EveryProgramThatTheShellDoesNotLookUpIsKnown)
{
    std::string list;
    for (const auto* directory : {"/usr/bin", "/usr/sbin"})
        for (const auto& entry : std::filesystem::directory_iterator{directory})
            if (const auto name = entry.path().filename().string();
                entry.is_regular_file() && words_of(name).size() == 1)
                list += ' ' + name;
    const auto what =
        run_process("for w in" + list + "; do p=$(command -v $w); test \"${p#/}\" != \"$p\" || echo $w; done");
    // `true` and `false` alone do the same as their programs.
    EXPECT_EQ(what.report.output.head.find_first_not_of("aeflrstu\n"), std::string::npos) << what.report.output.head;
}

TEST(CommandLine, SplitsAsTheShellDoes)
{
    temporary_directory directory;
    const auto show = directory.path() + "/show";
    std::ofstream{show} << "#!/bin/sh\nfor a; do echo \"<$a>\"; done\n";
    std::filesystem::permissions(show, std::filesystem::perms::owner_all);
    constexpr unsigned seed = 20240607;
    RecordProperty("seed", static_cast<int>(seed));
    std::minstd_rand random{seed};
    constexpr std::string_view alphabet = "  \t\tab-+.,:/@^_~=%#!{}*?[]$";
    int direct = 0;
    for (int i = 0; i < 300; ++i) {
        std::string text = show;
        for (auto n = random() % 8; n > 0; --n) text += alphabet[random() % (n % 2 != 0 ? 16 : alphabet.size())];
        const auto split = words_of(text);
        if (split.empty() || split.front() != show) continue;
        ++direct;
        std::string expected;
        for (std::size_t w = 1; w < split.size(); ++w) expected += '<' + split[w] + ">\n";
        // The trailing comment sends it through the shell.
        EXPECT_EQ(run_process(text + " #").report.output.head, expected) << text;
    }
    EXPECT_GT(direct, 40);
}

TEST(CommandLine, ArgvWordsEndWithNul)
{
    std::vector<std::string_view> split;
    process::split_argv({"a\0\0b c\0", 7}, split);
    EXPECT_EQ(split, (std::vector<std::string_view>{"a", "", "b c"}));
    process::split_argv({"a\0b", 3}, split);
    EXPECT_EQ(split, (std::vector<std::string_view>{"a", "b"}));
    process::split_argv({}, split);
    EXPECT_TRUE(split.empty());
}

TEST(CommandLine, FindsProgramsAsExecvpDoes)
{
    temporary_directory directory;
    const auto d = directory.path();
    std::filesystem::create_directories(d + "/a/tool");
    std::filesystem::create_directories(d + "/b");
    std::ofstream{d + "/b/tool"} << "";
    std::string found;
    EXPECT_EQ(process::find_program("tool", d + "/none", "", found), ENOENT);
    EXPECT_EQ(process::find_program("tool", d + "/a:" + d + "/b", "", found), EACCES);
    std::filesystem::permissions(d + "/b/tool", std::filesystem::perms::owner_all);
    EXPECT_EQ(process::find_program("tool", d + "/a:" + d + "/b", "", found), 0);
    EXPECT_EQ(found, d + "/b/tool");
    EXPECT_EQ(process::find_program("tool", "x:b", d, found), 0);
    EXPECT_EQ(found, d + "/b/tool");
    EXPECT_EQ(process::find_program("tool", "", d + "/b", found), 0);
    EXPECT_EQ(process::find_program("b/tool", "/bin", d, found), 0);
    EXPECT_EQ(found, "b/tool");
    EXPECT_EQ(process::find_program("", "/bin", "", found), ENOENT);
    EXPECT_TRUE(process::is_absolute_path_list("/bin:/usr/bin"));
    for (const auto* list : {"", "bin", "/bin:", ":/bin", "/bin::/x", "/bin:."})
        EXPECT_FALSE(process::is_absolute_path_list(list)) << list;
}

}  // namespace
