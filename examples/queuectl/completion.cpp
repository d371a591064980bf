// completion: a script that teaches a shell the commands, their options and the jobs' ids.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"

namespace queuectl::command {

namespace {

// The options come from the help of the command that is being typed, so that they are always those of the program.
constexpr char bash_head[] = R"(_queuectl() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]}
    local words=() i candidates
    for ((i = 1; i < COMP_CWORD; ++i)); do
        case ${COMP_WORDS[i]} in
            --store) ((++i)) ;;
            -*) ;;
            *) words+=("${COMP_WORDS[i]}") ;;
        esac
    done
    COMPREPLY=()
    case "$before" in
        --state) candidates="pending processing completed failed dead cancelled" ;;
        --file | --store | --from | --to | --cwd) compopt -o default 2> /dev/null; return ;;
        *)
            case "${words[0]}" in
)";

constexpr char bash_tail[] = R"(                show | logs | why | wait | cancel | delete)
                    candidates=$("$program" list 2> /dev/null | awk 'NR > 1 { print $1 }') ;;
            esac
            ;;
    esac
    if [[ $word == -* ]]; then
        candidates=$("$program" "${words[@]:0:2}" --help 2> /dev/null | grep -oE -e '--[a-z][a-z-]*')
    fi
    mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$word")
}
complete -F _queuectl queuectl
)";

std::string_view first_word(std::string_view name) { return name.substr(0, name.find(' ')); }

// `case` branches: "" for the first words, and GROUP for the second words of each group.
void print_bash(writer& out)
{
    std::string first;
    std::string groups;
    std::string_view last;
    for (const auto& command : all_commands()) {
        if (command.summary == nullptr) continue;
        const std::string_view name = command.name;
        const auto group = first_word(name);
        if (group != last) first.append(first.empty() ? "" : " ").append(group);
        if (group != name) {
            groups += group != last ? (groups.empty() ? "" : "\" ;;\n") + std::string(16, ' ') + std::string{group} +
                                          ") candidates=\"" + std::string{name.substr(group.size() + 1)}
                                    : std::string{name.substr(group.size())};
        }
        last = group;
    }
    out << bash_head << std::string(16, ' ') << "\"\") candidates=\"" << first << "\" ;;\n"
        << groups << "\" ;;\n"
        << bash_tail;
}

}  // namespace

int completion_command(context& c)
{
    std::vector<std::string> words;
    command_line line{"completion", "Prints a script that completes commands, options and ids in a shell."};
    line.words("bash", 1, 1, words).examples("  source <(queuectl completion bash)    # in ~/.bashrc\n");
    if (const auto ended = line.parse(c)) return *ended;
    if (words[0] != "bash") {
        complain("completion: the shells are: bash");
        return exit_usage;
    }
    print_bash(c.out);
    return exit_done;
}

}  // namespace queuectl::command
