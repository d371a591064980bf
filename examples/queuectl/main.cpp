// queuectl: finds the subcommand, takes --store and --json from before it, and runs it.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"

#include <queuectl/config.hpp>

#include <csignal>
#include <string_view>

namespace queuectl::command {

namespace {

constexpr char help_head[] =
    "queuectl: durable background jobs\n\n"
    "Usage: queuectl COMMAND [OPTIONS]\n"
    "\n"
    "Options, before or after the command:\n"
    "  --store URL   sqlite:PATH, journal:DIR or redis://HOST; else QUEUECTL_STORE, else sqlite: in the state folder\n"
    "  --json        JSON on standard output\n"
    "  -h, --help    Print this, or the help of the command, and exit\n"
    "  --version     Print the version and exit\n"
    "\n"
    "Commands:\n";

constexpr char help_tail[] =
    "\n"
    "Examples:\n"
    "  queuectl enqueue 'make backup'\n"
    "  queuectl enqueue '{\"id\":\"job1\",\"command\":\"sleep 2\"}'\n"
    "  queuectl enqueue --priority 5 --timeout 10m -- tar czf /tmp/home.tgz /home\n"
    "  queuectl worker start --count 2\n"
    "  queuectl list --state failed\n"
    "  queuectl dlq retry --all\n"
    "\n";

void print_help(context& c)
{
    c.out << help_head;
    for (const auto& command : all_commands()) {
        if (command.summary == nullptr) continue;
        std::string line = "  " + std::string{command.name};
        line.resize(16, ' ');
        c.out << line << command.summary << "\n";
    }
    c.out << help_tail << exit_codes_help;
}

// The words of a process can be read by everybody: what may be user and password in a URL is blotted out.
void hide_passwords(int argc, char** argv)
{
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const auto scheme = word.find("redis://");
        const auto at = word.rfind('@');
        if (scheme == word.npos || at == word.npos) continue;
        for (auto place = scheme + 8; place < at; ++place) argv[i][place] = 'x';
    }
}

int usage(const std::string& text)
{
    complain(text + " (see queuectl --help)");
    return exit_usage;
}

// The words before, within and after the subcommand's name.
struct split {
    std::string name;
    std::vector<std::string> rest;
};

bool is_group(std::string_view word)
{
    for (const auto& command : all_commands()) {
        const std::string_view name = command.name;
        if (name.size() > word.size() && name.substr(0, word.size()) == word && name[word.size()] == ' ') return true;
    }
    return false;
}

const subcommand* find_command(std::string_view name)
{
    for (const auto& command : all_commands())
        if (command.name == name) return &command;
    return nullptr;
}

// Takes the global options up to the subcommand's name; an exit code when it ends there.
std::optional<int> take_name(context& c, split& s, int argc, char** argv)
{
    int i = 1;
    for (; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--json") {
            c.json = true;
        } else if (word == "--store") {
            if (++i == argc) return usage("--store needs a URL");
            c.store = argv[i];
        } else if (word.substr(0, 8) == "--store=") {
            c.store = word.substr(8);
        } else if (word == "--version") {
            c.out << "queuectl " QUEUECTL_VERSION "\n";
            return exit_done;
        } else if (word == "--help" || word == "-h" || (word == "help" && s.name.empty())) {
            print_help(c);
            return exit_done;
        } else if (word.substr(0, 1) == "-") {
            return usage("unknown option " + std::string{word} + (s.name.empty() ? "" : " after " + s.name));
        } else if (s.name.empty() && is_group(word)) {
            s.name = word;
        } else {
            s.name += s.name.empty() ? std::string{word} : " " + std::string{word};
            break;
        }
    }
    for (++i; i < argc; ++i) s.rest.emplace_back(argv[i]);
    hide_passwords(argc, argv);
    return std::nullopt;
}

int run(int argc, char** argv)
{
    context c;
    split s;
    int code = exit_done;
    if (const auto ended = take_name(c, s, argc, argv)) {
        code = *ended;
    } else if (const auto* command = find_command(s.name)) {
        c.words = std::move(s.rest);
        code = command->run(c);
    } else if (s.name.empty()) {
        return usage("which command?");
    } else {
        return usage(is_group(s.name) ? "which " + s.name + " command?" : "unknown command '" + s.name + "'");
    }
    c.out.flush();
    if (!c.out.failed()) return code;
    complain("standard output cannot be written");
    return code == exit_done ? int{exit_failed} : code;
}

}  // namespace

}  // namespace queuectl::command

int main(int argc, char** argv)
{
    try {
        return queuectl::command::run(argc, argv);
    } catch (const std::bad_alloc&) {
        queuectl::command::complain("out of memory");
        return queuectl::command::exit_again;
    }
}
