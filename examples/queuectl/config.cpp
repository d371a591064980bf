// config set, get, list, unset
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "json_writer.hpp"
#include "settings.hpp"
#include "store.hpp"
#include "text.hpp"

namespace queuectl::command {

namespace {

constexpr char config_examples[] =
    "  queuectl config set max-retries 5\n"
    "  queuectl config get backoff-base\n"
    "  queuectl config list --json\n"
    "  queuectl config unset timeout\n";

// The settings of the store that --store names.
result<settings> stored_settings(const context& c)
{
    auto store = open_for_reading(c.store);
    if (!store) return fail(store.error());
    return load_settings(*store->storage, c.now());
}

// A number or a boolean as such, anything else as its text.
void write_value(json_writer& json, const std::string& text)
{
    const auto number = parse_number({}, text, 0, 1e15);
    if (number)
        json.value(*number);
    else if (text == "on" || text == "off")
        json.value(text == "on");
    else
        json.value(text);
}

void print_line(context& c, const setting& s, const settings& values)
{
    std::string line{s.name};
    line.resize(18, ' ');
    line += s.write(values);
    line.resize(std::max<std::size_t>(line.size() + 2, 32), ' ');
    c.out << line << s.help << " (" << s.allowed << ")\n";
}

int print_all(context& c)
{
    auto values = stored_settings(c);
    if (!values) return complain(values.error());
    if (c.json) {
        json_writer json{c.out.buffer()};
        json.begin_object();
        for (const auto& s : all_settings()) write_value(json.key(s.name), s.write(*values));
        json.end_object();
        c.out << "\n";
    } else {
        for (const auto& s : all_settings()) print_line(c, s, *values);
    }
    return exit_done;
}

}  // namespace

int config_set_command(context& c)
{
    std::vector<std::string> words;
    command_line line{"config set", "Changes a setting of the store; jobs that are there keep theirs."};
    line.words("KEY VALUE", 2, 2, words).examples(config_examples);
    if (const auto ended = line.parse(c)) return *ended;
    auto s = find_setting(words[0]);
    if (!s) return complain(s.error());
    auto value = canonical(**s, words[1]);
    if (!value) return complain(value.error());
    auto store = open_for_writing(c.store);
    if (!store) return complain(store.error());
    auto put = store->storage->config_put({storage_key(**s), *value, any_version, timestamp_max}, c.now());
    return put ? int{exit_done} : complain(put.error());
}

int config_get_command(context& c)
{
    std::vector<std::string> words;
    command_line line{"config get", "Prints the bare value of a setting, or every setting."};
    line.words("[KEY]", 0, 1, words).examples(config_examples);
    if (const auto ended = line.parse(c)) return *ended;
    if (words.empty()) return print_all(c);
    auto s = find_setting(words[0]);
    if (!s) return complain(s.error());
    auto values = stored_settings(c);
    if (!values) return complain(values.error());
    const std::string value = (*s)->write(*values);
    if (c.json) {
        json_writer json{c.out.buffer()};
        write_value(json, value);
    } else {
        c.out << value;
    }
    c.out << "\n";
    return exit_done;
}

int config_list_command(context& c)
{
    command_line line{"config list", "Prints every setting."};
    line.examples(config_examples);
    if (const auto ended = line.parse(c)) return *ended;
    return print_all(c);
}

int config_unset_command(context& c)
{
    std::vector<std::string> words;
    command_line line{"config unset", "Goes back to the default of a setting."};
    line.words("KEY", 1, 1, words).examples(config_examples);
    if (const auto ended = line.parse(c)) return *ended;
    auto s = find_setting(words[0]);
    if (!s) return complain(s.error());
    auto store = open_for_change(c.store);
    if (!store) return complain(store.error());
    auto erased = store->storage->config_erase(storage_key(**s));
    return erased ? int{exit_done} : complain(erased.error());
}

}  // namespace queuectl::command
