// What is executed for a job.
#include <queuectl/process/exec_plan.hpp>
#include <queuectl/process/job_environment.hpp>

#include <gtest/gtest.h>

namespace {
using namespace queuectl;
using namespace std::string_literals;

const auto usual = "PATH=/usr/bin:/bin\0HOME=/\0"s;

process::exec_plan plan(std::string_view payload, bool argv = false, std::string_view environment = usual)
{
    process::exec_plan out;
    process::planner{}.plan(out, argv, payload, environment, "");
    return out;
}

TEST(ExecPlan, PlainCommandsAreExecutedDirectly)
{
    auto p = plan("sleep 5");
    EXPECT_FALSE(p.shell);
    EXPECT_EQ(p.path, "/usr/bin/sleep");
    char** const words = p.words.pointers(1);
    EXPECT_EQ(words[0], nullptr);
    EXPECT_STREQ(words[1], "sleep");
    EXPECT_STREQ(words[2], "5");
    EXPECT_EQ(words[3], nullptr);
    EXPECT_FALSE(plan("true").shell);
}

TEST(ExecPlan, OthersGoThroughTheShellWhole)
{
    const auto p = plan("sleep 5; ls");
    EXPECT_TRUE(p.shell);
    EXPECT_EQ(p.path, "/bin/sh");
    EXPECT_EQ(p.words.at(2), "sleep 5; ls");
    EXPECT_EQ(plan("-x").words.at(2), "--");
}

TEST(ExecPlan, AnEnvironmentThatChangesTheLookUpNeedsTheShell)
{
    EXPECT_TRUE(plan("sleep 5", false, "").shell);
    EXPECT_TRUE(plan("sleep 5", false, "PATH=bin:/usr/bin\0"s).shell);
    EXPECT_TRUE(plan("sleep 5", false, "PATH=/usr/bin\0BASH_FUNC_sleep%%=() { :; }\0"s).shell);
    EXPECT_TRUE(plan("true", false, "PATH=/nowhere\0"s).shell);
    EXPECT_FALSE(plan("/bin/sleep 5", false, "").shell);
}

TEST(ExecPlan, WhatIsNotThereIsTold)
{
    EXPECT_EQ(plan("no-such-program").error, ENOENT);
    EXPECT_EQ(plan("/etc/passwd x").error, EACCES);
    EXPECT_EQ(plan("a\0b"s).error, EINVAL);
    EXPECT_EQ(plan("", true).error, EINVAL);
    EXPECT_EQ(plan("no-such-program\0"s, true).error, ENOENT);
}

TEST(JobEnvironment, TheRunsVariablesReplaceTheJobs)
{
    process::string_block block;
    process::build_environment(block, "A=1\0PWD=/old\0QUEUECTL_RUN=old\0QUEUECTL_STORE=kept\0\0B=\0"s,
                               {"id", "2", "", "mark.1", "/new"});
    std::string all;
    for (std::size_t i = 0; i < block.size(); ++i) all.append(block.at(i)) += ' ';
    EXPECT_EQ(all, "QUEUECTL_JOB_ID=id QUEUECTL_ATTEMPT=2 QUEUECTL_RUN=mark.1 PWD=/new A=1 B= ");
    EXPECT_EQ(process::environment_value("AB=1\0A=2\0"s, "A"), "2");
    EXPECT_EQ(process::environment_value("AB=1\0"s, "A"), "");
}

}  // namespace
