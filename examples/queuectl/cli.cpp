#include "cli.hpp"

#include "exit_codes.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace queuectl::command {

struct command_line::parser {
    CLI::App app;
    std::string name;
    std::string words_usage;
    std::size_t least = 0;
    std::size_t most = 0;
    std::vector<std::string>* words = nullptr;
    std::string dashes_usage;
    std::optional<std::vector<std::string>>* after = nullptr;
    const char* examples = nullptr;

    int usage(const std::string& text) const
    {
        complain(name + ": " + text + " (see queuectl " + name + " --help)");
        return exit_usage;
    }

    // Moves what follows `--` out of `all`.
    std::vector<std::string> cut_at_dashes(std::vector<std::string>& all)
    {
        const auto at = std::find(all.begin(), all.end(), "--");
        if (at == all.end()) return {};
        std::vector<std::string> rest(std::make_move_iterator(at + 1), std::make_move_iterator(all.end()));
        all.erase(at, all.end());
        if (after == nullptr) return rest;
        *after = std::move(rest);
        return {};
    }

    // A word that begins with a dash, but "-" and negative numbers.
    static bool is_option(const std::string& word)
    {
        return word.size() > 1 && word[0] == '-' && !(word[1] >= '0' && word[1] <= '9');
    }

    std::optional<int> take_words(std::vector<std::string> found, std::vector<std::string> rest)
    {
        for (const auto& word : found)
            if (is_option(word)) return usage("unknown option " + word);
        std::move(rest.begin(), rest.end(), std::back_inserter(found));
        if (found.size() > most) return usage("unexpected '" + found[most] + "'");
        if (found.size() < least) return usage("needs " + words_usage);
        if (words != nullptr) *words = std::move(found);
        return std::nullopt;
    }

    void print_help(context& c)
    {
        std::string usage_line = "Usage: queuectl " + name + " [OPTIONS]";
        if (!words_usage.empty()) usage_line += " " + words_usage;
        if (!dashes_usage.empty()) usage_line += "\n   or: queuectl " + name + " [OPTIONS] -- " + dashes_usage;
        std::string text = app.help();
        if (const auto at = text.find("Options:"); at != std::string::npos) text.erase(0, at);
        c.out << app.get_description() << "\n\n" << usage_line << "\n\n" << text;
        if (examples != nullptr) c.out << "\nExamples:\n" << examples;
        c.out << "\n" << exit_codes_help;
    }
};

command_line::command_line(const char* name, const char* summary) : p_{std::make_unique<parser>()}
{
    p_->name = name;
    p_->app.name(std::string{"queuectl "} + name);
    p_->app.description(summary);
    p_->app.allow_extras();
    p_->app.set_help_flag("-h,--help", "Print this and exit");
}
command_line::~command_line() = default;

command_line& command_line::option(const char* names, const char* value, std::optional<std::string>& into,
                                   const char* help)
{
    p_->app
        .add_option_function<std::string>(
            names, [&into](const std::string& text) { into = text; }, help)
        ->type_name(value);
    return *this;
}

command_line& command_line::options(const char* names, const char* value, std::vector<std::string>& into,
                                    const char* help)
{
    p_->app.add_option(names, into, help)->type_name(value)->allow_extra_args(false);
    return *this;
}

command_line& command_line::flag(const char* names, bool& into, const char* help)
{
    p_->app.add_flag(names, into, help);
    return *this;
}

command_line& command_line::words(const char* usage, std::size_t least, std::size_t most,
                                  std::vector<std::string>& into)
{
    p_->words_usage = usage;
    p_->least = least;
    p_->most = most;
    p_->words = &into;
    return *this;
}

command_line& command_line::after_dashes(const char* usage, std::optional<std::vector<std::string>>& into)
{
    p_->dashes_usage = usage;
    p_->after = &into;
    return *this;
}

command_line& command_line::examples(const char* text)
{
    p_->examples = text;
    return *this;
}

std::optional<int> command_line::parse(context& c)
{
    std::optional<std::string> store;
    option("--store", "URL", store, "The store; else QUEUECTL_STORE, else sqlite: in the state folder");
    flag("--json", c.json, "JSON on standard output");

    std::vector<std::string> line = std::move(c.words);
    std::vector<std::string> rest = p_->cut_at_dashes(line);
    std::reverse(line.begin(), line.end());
    try {
        p_->app.parse(std::move(line));
    } catch (const CLI::CallForHelp&) {
        p_->print_help(c);
        return exit_done;
    } catch (const CLI::Error& e) {
        return p_->usage(e.what());
    }
    if (store) c.store = std::move(*store);
    return p_->take_words(p_->app.remaining(), std::move(rest));
}

}  // namespace queuectl::command
