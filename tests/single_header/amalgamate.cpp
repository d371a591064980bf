// Writes the single header: amalgamate INCLUDE_DIR OUTPUT, or compares: amalgamate --check INCLUDE_DIR FILE.
//
// Each header of INCLUDE_DIR/queuectl once, after those it includes, in four sections: the portable core; what
// needs POSIX (process/, journal/ and all that includes them) if QUEUECTL_POSIX is defined; testing/ if
// QUEUECTL_TESTING is; what needs both. System includes appear once a section, or stay where they are inside
// their #if. Include guards stay, so that the single header and the folder can meet in one program.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct header {
    std::vector<std::string> lines;
    std::vector<std::string> includes;  // of our own
    unsigned needs = 0;                 // bits of `need`
};
enum need : unsigned { posix = 1, testing = 2, gtest = 4 };

using headers = std::map<std::string, header>;

constexpr std::string_view own = "#include <queuectl/";

std::string included(const std::string& line)
{
    const auto open = line.find('<');
    return line.substr(open + 1, line.find('>') - open - 1);
}

header read(const fs::path& file, const std::string& name)
{
    header h;
    std::ifstream in{file};
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(own)) h.includes.push_back(included(line));
        if (line == "#include <gtest/gtest.h>") h.needs |= gtest;
        h.lines.push_back(std::move(line));
    }
    if (name.starts_with("queuectl/process/") || name.starts_with("queuectl/journal/")) h.needs |= posix;
    if (name.starts_with("queuectl/testing/")) h.needs |= testing;
    return h;
}

headers read_all(const fs::path& root)
{
    headers all;
    for (const auto& entry : fs::recursive_directory_iterator{root / "queuectl"})
        if (entry.path().extension() == ".hpp") {
            const std::string name = fs::relative(entry.path(), root).generic_string();
            if (name != "queuectl/queuectl.hpp") all[name] = read(entry.path(), name);
        }
    return all;
}

// Appends `name` after all that it includes; inherits what they need.
void visit(headers& all, const std::string& name, std::set<std::string>& seen, std::vector<std::string>& order)
{
    if (!seen.insert(name).second) return;
    const auto found = all.find(name);
    if (found == all.end()) throw std::runtime_error{"no such header: " + name};
    header& h = found->second;
    for (const auto& other : h.includes) {
        visit(all, other, seen, order);
        h.needs |= all.at(other).needs;
    }
    const bool in_testing = name.starts_with("queuectl/testing/");
    if (!in_testing && (h.needs & testing)) throw std::runtime_error{name + " includes a part for tests"};
    order.push_back(name);
}

// The header's text without its own includes, and without the system includes that `seen` has outside any #if.
void append(std::ostream& out, const std::string& name, const header& h, std::set<std::string>& seen)
{
    out << "\n// ---- " << name << "\n";
    int depth = 0;  // of #if; the include guard is the first
    bool blank = true;
    for (const auto& line : h.lines) {
        if (line.starts_with(own)) continue;
        if (line.starts_with("#if")) ++depth;
        if (line.starts_with("#endif")) --depth;
        if (depth == 1 && line.starts_with("#include <") && !seen.insert(included(line)).second) continue;
        if (line.empty() && blank) continue;
        blank = line.empty();
        out << line << '\n';
    }
    if (depth != 0) throw std::runtime_error{"#if without #endif in " + name};
}

std::string section_condition(unsigned needs)
{
    std::string text = "#if ";
    if (needs & posix) text += "defined(QUEUECTL_POSIX) && ";
    if (needs & testing) text += "defined(QUEUECTL_TESTING) && ";
    if (needs & gtest) text += "__has_include(<gtest/gtest.h>) && ";
    return text.substr(0, text.size() - 4);
}

std::string amalgamate(const fs::path& root)
{
    headers all = read_all(root);
    std::set<std::string> seen;
    std::vector<std::string> order;
    for (const auto& [name, h] : headers{all}) visit(all, name, seen, order);

    std::ostringstream out;
    out << "// queuectl in one file, made from include/queuectl by tests/single_header/amalgamate.cpp: change those,\n"
           "// not this. Define QUEUECTL_POSIX for what needs a POSIX system (process_executor, the supervisor), and\n"
           "// QUEUECTL_TESTING for the conformance suite and its kit. License: see LICENSE.\n"
           "#ifndef QUEUECTL_SINGLE_HEADER_HPP\n#define QUEUECTL_SINGLE_HEADER_HPP\n"
           "#define QUEUECTL_QUEUECTL_HPP\n";
    std::set<std::string> everywhere;
    for (const unsigned needs : {0u, 1u, 2u, 3u, 6u, 7u}) {
        std::set<std::string> here = everywhere;
        std::ostringstream section;
        for (const auto& name : order)
            if (all[name].needs == needs) append(section, name, all[name], here);
        if (needs == 0) everywhere = here;
        if (section.str().empty()) continue;
        if (needs == 0)
            out << section.str();
        else
            out << "\n" << section_condition(needs) << "\n" << section.str() << "\n#endif\n";
    }
    out << "\n#endif\n";
    return out.str();
}

std::string contents(const fs::path& file)
{
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

int run(const std::vector<std::string>& arguments)
{
    const bool check = arguments.size() == 3 && arguments[0] == "--check";
    if (arguments.size() != 2 && !check) {
        std::cerr << "usage: amalgamate [--check] INCLUDE_DIR FILE\n";
        return 2;
    }
    const fs::path file = arguments.back();
    const std::string fresh = amalgamate(arguments[arguments.size() - 2]);
    const std::string old = contents(file);
    if (check && old != fresh) std::cerr << file << " is stale: build the target queuectl_single_header\n";
    if (check || old == fresh) return old == fresh ? 0 : 1;
    fs::create_directories(file.parent_path());
    std::ofstream{file, std::ios::binary} << fresh;
    return 0;
}

}  // namespace

int main(int argc, char** argv)
{
    try {
        return run({argv + 1, argv + argc});
    } catch (const std::exception& e) {
        std::cerr << "amalgamate: " << e.what() << "\n";
        return 2;
    }
}
