// One table: every line of the contract of a storage on every storage of this build. Runs the conformance suites
// where they are, and prints how many checks passed, and what does not apply, and why.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct line_of_contract {
    const char* title;
    std::vector<std::string> prefixes;  // of the checks that belong to it
};

const std::vector<line_of_contract>& lines()
{
    static const std::vector<line_of_contract> all = {
        {"1  a call is atomic, and may be repeated", {"line1_"}},
        {"2  one current token a job decides", {"line2_"}},
        {"3  order: priority, due time, insertion", {"line3_"}},
        {"4  invisible before due, leased, held", {"line4_"}},
        {"5  one state a job; counts equal a recount", {"line5_"}},
        {"6  the cost of a claim", {"line6_"}},
        {"7  bounded calls", {"line7_"}},
        {"8  limits of the fields", {"line8_"}},
        {"9  time", {"line9_"}},
        {"10 reopening, threads, processes", {"line10_"}},
        {"11 header: formats, id, state", {"line11_"}},
        {"   verdicts, leases, next_at", {"settle_", "claim_", "extend_", "next_at_"}},
        {"   inspectable",
         {"find_", "list_", "attempts_", "output_", "record_", "records_", "revive_", "cancel_", "remove_", "purge_",
          "reprioritise_", "free_worker_", "changes_"}},
        {"   transferable", {"restore_", "restored_"}},
        {"   configurable", {"config_"}},
        {"   notifying", {"notify_"}},
        {"   random operations equal the model", {"random_"}},
    };
    return all;
}

// Why a storage does without checks that others have.
struct exemption {
    const char* storage;
    const char* prefix;
    const char* reason;
};
constexpr exemption exemptions[] = {
    {"memory", "line10_reopen", "nothing survives the process, or the object"},
    {"memory", "line10_killed_processes", "memory is not shared between processes"},
    {"memory", "line10_threads_with_own_handles", "one object is the store"},
    {"memory", "line10_handles", "one object is the store"},
    {"memory", "line11_reopen", "nothing survives the process, or the object"},
    {"memory", "line11_a_read_only", "no second handle could set the state behind its back"},
    {"memory", "line11_another_handle", "one object is the store"},
    {"memory", "restored_jobs_survive", "nothing survives the process, or the object"},
    {"memory", "notify_another_handle", "one object is the store"},
};

struct outcome {
    std::set<std::string> passed;
    std::set<std::string> failed;
    [[nodiscard]] bool knows(const std::string& check) const { return passed.count(check) + failed.count(check) > 0; }
};

// Runs the checks of one suite; reads what the test program writes down about them.
outcome run_suite(const std::string& program, const std::string& suite)
{
    const auto report =
        std::filesystem::temp_directory_path() / ("queuectl-table-" + suite + "-" + std::to_string(::rand()) + ".xml");
    const std::string command = "'" + program + "' --gtest_filter='" + suite +
                                ".*' --gtest_output='xml:" + report.string() + "' >/dev/null 2>&1";
    static_cast<void>(std::system(command.c_str()));
    outcome told;
    std::ifstream file{report};
    std::string check;
    for (std::string line; std::getline(file, line);) {
        constexpr char begin[] = "<testcase name=\"";
        if (const auto at = line.find(begin); at != line.npos) {
            const auto from = at + sizeof begin - 1;
            check = line.substr(from, line.find('"', from) - from);
            told.passed.insert(check);
        }
        if (line.find("<failure") == line.npos) continue;
        told.passed.erase(check);
        told.failed.insert(check);
    }
    std::filesystem::remove(report);
    return told;
}

bool begins_with(const std::string& text, const std::string& prefix) { return text.rfind(prefix, 0) == 0; }

const line_of_contract* line_of(const std::string& check)
{
    for (const auto& line : lines())
        for (const auto& prefix : line.prefixes)
            if (begins_with(check, prefix)) return &line;
    return nullptr;
}

const char* why_not(const std::string& storage, const std::string& check)
{
    for (const auto& e : exemptions)
        if (storage == e.storage && begins_with(check, e.prefix)) return e.reason;
    return nullptr;
}

// NAME=PROGRAM words; a program that is not in this build is empty.
std::vector<std::pair<std::string, std::string>> storages()
{
    std::vector<std::pair<std::string, std::string>> all;
    std::stringstream words{QUEUECTL_TABLE};
    for (std::string word; words >> word;)
        all.emplace_back(word.substr(0, word.find('=')), word.substr(word.find('=') + 1));
    return all;
}

class table {
public:
    table()
    {
        for (const auto& [name, program] : storages()) {
            if (program.empty()) continue;
            results_[name] = run_suite(program, name);
            EXPECT_FALSE(results_[name].passed.empty()) << program << " tells nothing of " << name;
            for (const auto* some : {&results_[name].passed, &results_[name].failed})
                checks_.insert(some->begin(), some->end());
        }
    }

    void print()
    {
        std::printf("\n%-44s", "contract");
        for (const auto& [name, program] : storages()) std::printf("%-16s", name.c_str());
        std::printf("\n");
        for (const auto& line : lines()) {
            std::printf("%-44s", line.title);
            for (const auto& [name, program] : storages())
                std::printf("%-16s", (program.empty() ? std::string{"not built"} : cell(name, line)).c_str());
            std::printf("\n");
        }
        for (const auto& [about, checks] : reasons_) std::printf("n/a  %s (%zu checks)\n", about.c_str(), checks);
        std::printf("\n");
    }

private:
    std::string cell(const std::string& storage, const line_of_contract& line)
    {
        std::size_t passed = 0, failed = 0, without = 0;
        const auto& told = results_[storage];
        if (told.passed.empty() && told.failed.empty()) return "NO RESULT";
        for (const auto& check : checks_) {
            if (line_of(check) != &line) continue;
            passed += told.passed.count(check);
            failed += told.failed.count(check);
            if (told.knows(check)) continue;
            ++without;
            const char* const reason = why_not(storage, check);
            EXPECT_NE(reason, nullptr) << storage << " is not checked with " << check;
            if (reason != nullptr) ++reasons_[storage + ", " + std::string{line.title} + ": " + reason];
        }
        EXPECT_EQ(failed, 0U) << storage << ", line " << line.title;
        EXPECT_GT(passed + without, 0U) << storage << ", line " << line.title;
        std::string text = failed > 0 ? std::to_string(failed) + " FAILED" : std::to_string(passed) + " pass";
        if (without > 0) text = passed == 0 ? "n/a" : text + ", " + std::to_string(without) + " n/a";
        return text;
    }

    std::map<std::string, outcome> results_;
    std::set<std::string> checks_;  // of all storages
    std::map<std::string, std::size_t> reasons_;

public:
    [[nodiscard]] const std::set<std::string>& checks() const { return checks_; }
};

TEST(contract, every_line_on_every_storage)
{
    table t;
    for (const auto& check : t.checks()) EXPECT_NE(line_of(check), nullptr) << check << " belongs to no line";
    t.print();
}

}  // namespace
