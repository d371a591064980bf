// What the command writes to a terminal: a real one, a pseudo-terminal, of a given width.
#include "../../examples/queuectl/terminal_text.hpp"
#include "run_command.hpp"

#include <algorithm>
#include <pty.h>
#include <sys/ioctl.h>

namespace command_tests {
namespace {

// Everything that a terminal could act on: colours and more, a title, a bell, overstriking, hidden text, C1 controls as
// UTF-8 and as bytes, one that appears when an escape sequence is taken out of its middle, and a change of direction.
const std::string hostile =
    "A\x1b[31mB\x1b]0;title\aC\x1b]8;;http://x\x1b\\D\aE\bF\rG\x7fH\xc2\x9b"
    "5mI\x9b"
    "5mJ\xc2\x1b[0m\x9b"
    "5mK\x1bP1;2|L\x1b\\M\xe2\x80\xaeN\x1b[";

// The first control in the text that is neither a line's end nor one of our own colours; npos = none.
std::size_t find_control(std::string text, bool colours)
{
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c == '\n' || (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n')) continue;
        if (c == '\x1b' && colours) {
            const std::size_t m = text.find('m', i);
            const auto code = text.substr(i + 1, m == std::string::npos ? 0 : m - i - 1);
            if (code.size() > 1 && code[0] == '[' && code.find_first_not_of("0123456789", 1) == std::string::npos)
                continue;
        }
        if (c < 32 || c == 127) return i;
        if (c == 0xc2 && i + 1 < text.size() && (text[i + 1] & 0xe0) == 0x80) return i;
        if (text.compare(i, 3, "\xe2\x80\xae") == 0) return i;
        if (c >= 0x80 && queuectl::command::utf8_length(std::string_view{text}.substr(i)) == 0) return i;
        if (c >= 0x80) i += queuectl::command::utf8_length(std::string_view{text}.substr(i)) - 1;
    }
    return std::string::npos;
}

TEST(control_filter, passes_the_same_wherever_the_text_is_divided)
{
    const std::string text = hostile + "\xe6\xbc\xa2\xf0\x9f\x98\x80 end\n";
    const std::string whole = queuectl::command::without_controls(text);
    EXPECT_EQ(find_control(whole, false), std::string::npos);
    for (std::size_t i = 0; i <= text.size(); ++i) {
        queuectl::command::control_filter filter;
        std::string parts = filter.pass(text.substr(0, i));
        parts += filter.pass(text.substr(i));
        EXPECT_EQ(parts + filter.end(), whole) << i;
    }
}

TEST(control_filter, goes_on_after_a_sequence_without_an_end)
{
    queuectl::command::control_filter filter;
    EXPECT_EQ(filter.pass("a\x1b]" + std::string(10'000, 'x')), "a");
    EXPECT_EQ(filter.pass("b"), "b");
    EXPECT_EQ(filter.pass("\xe6\xbc"), "");
    EXPECT_EQ(filter.end(), "\xef\xbf\xbd");
    EXPECT_EQ(filter.pass("c\x1b["), "c");
    EXPECT_EQ(filter.end(), "");
}

TEST(columns, of_wide_and_combining_characters)
{
    using queuectl::command::columns_of;
    using queuectl::command::fit;
    EXPECT_EQ(columns_of("abc"), 3u);
    EXPECT_EQ(columns_of("\xe6\xbc\xa2\xf0\x9f\x98\x80"), 4u);
    EXPECT_EQ(columns_of("e\xcc\x81"), 1u);
    EXPECT_EQ(fit("abc", 3), "abc");
    EXPECT_EQ(fit("abcd", 3), "ab\xe2\x80\xa6");
    EXPECT_EQ(fit("\xe6\xbc\xa2\xe6\xbc\xa2", 3), "\xe6\xbc\xa2\xe2\x80\xa6");
    EXPECT_EQ(fit("\xe6\xbc\xa2\xe6\xbc\xa2", 2), "\xe2\x80\xa6");
}

class terminal : public command_test {
protected:
    terminal() { environment_["TERM"] = "xterm"; }

    // Runs the command with these of its descriptors on a terminal of so many columns; what that showed.
    std::string show(const strings& words, int columns = 80, std::initializer_list<int> on = {1, 2}) const
    {
        int master = -1;
        winsize size{};
        size.ws_col = static_cast<unsigned short>(columns);
        size.ws_row = 25;
        const pid_t pid = ::forkpty(&master, nullptr, nullptr, &size);
        if (pid == 0) {
            for (const int fd : {1, 2})
                if (std::find(on.begin(), on.end(), fd) == on.end())
                    ::dup2(::open(path("elsewhere").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), fd);
            become(words);
        }
        std::string shown(1 << 20, '\0');
        std::size_t used = 0;
        for (ssize_t n; (n = ::read(master, shown.data() + used, shown.size() - used)) > 0;)
            used += static_cast<std::size_t>(n);
        shown.resize(used);
        int status = 0;
        ::waitpid(pid, &status, 0);
        ::close(master);
        EXPECT_TRUE(WIFEXITED(status)) << words.front();
        return shown;
    }

    // Columns of the widest line.
    static std::size_t widest(const std::string& shown)
    {
        std::size_t most = 0;
        std::istringstream lines{shown};
        for (std::string line; std::getline(lines, line);)
            most = std::max(most, queuectl::command::columns_of(queuectl::command::one_line(line)));
        return most;
    }

    void enqueue_some() const
    {
        ok({"enqueue", "--id", "good", "true"});
        ok({"enqueue", "--id", "bad", "--max-retries", "0", "--queue", "a-queue-of-a-rather-long-name",
            "echo a very long message about what has gone wrong here >&2; exit 3"});
        drain();
        ok({"enqueue", "--id", "wide", "echo " + std::string(60, 'x') + "\xe6\xbc\xa2\xe5\xad\x97\xf0\x9f\x98\x80"});
        ok({"enqueue", "--id", "wider", "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97"});
    }
};

TEST_F(terminal, colour_is_there_and_only_there)
{
    enqueue_some();
    for (const strings& words : {strings{"list"}, {"show", "good"}, {"dlq", "list"}}) {
        EXPECT_NE(show(words).find("\x1b[3"), std::string::npos) << words.front();
        EXPECT_EQ(ok(words).find('\x1b'), std::string::npos) << "a file";
        EXPECT_EQ(show(words, 80, {2}).find('\x1b'), std::string::npos) << "only standard error is a terminal";
        EXPECT_EQ(get("elsewhere").find('\x1b'), std::string::npos);
    }
    EXPECT_EQ(show({"list", "--json"}).find('\x1b'), std::string::npos);
}

TEST_F(terminal, no_colour_with_NO_COLOR_or_on_a_dumb_one)
{
    enqueue_some();
    for (const auto& [name, value] : {std::pair{"NO_COLOR", "1"}, {"TERM", "dumb"}, {"TERM", ""}}) {
        const auto before = environment_;
        environment_[name] = value;
        EXPECT_EQ(show({"list"}).find('\x1b'), std::string::npos) << name;
        environment_ = before;
    }
    environment_["NO_COLOR"] = "";
    EXPECT_NE(show({"list"}).find('\x1b'), std::string::npos) << "an empty NO_COLOR is none (no-color.org)";
    environment_.erase("TERM");
    EXPECT_EQ(show({"list"}).find('\x1b'), std::string::npos) << "no TERM";
}

TEST_F(terminal, tables_fit_its_width)
{
    enqueue_some();
    for (const strings& words :
         {strings{"list"}, {"list", "--state", "dead"}, {"dlq", "list"}, {"status"}, {"worker", "list"}})
        for (const int columns : {72, 80, 100, 200})
            EXPECT_LE(widest(show(words, columns)), static_cast<std::size_t>(columns)) << words.front();
    EXPECT_LE(widest(show({"show", "bad"}, 90)), 90u);
    EXPECT_NE(ok({"dlq", "list"}).find("exit 3"), std::string::npos) << "whole where there is no terminal";
}

TEST_F(terminal, an_id_that_is_wider_is_whole_and_the_rest_fills_the_line)
{
    const std::string id(100, 'x');
    ok({"enqueue", "--id", id, "echo " + std::string(300, 'y')});
    const std::string shown = show({"list"}, 80);
    EXPECT_NE(shown.find(id), std::string::npos);
    EXPECT_EQ(widest(shown) % 80, 0u) << shown;
}

TEST_F(terminal, the_text_of_jobs_brings_no_controls_to_it)
{
    put("hostile", hostile);
    ok({"enqueue", "--id", "argv", "--max-retries", "0", "--", "cat", hostile});
    ok({"enqueue", "--id", "text", "--max-retries", "0",
        "cat " + path("hostile") + "; cat " + path("hostile") + " >&2; exit 1"});
    const std::string log = show({"worker", "start", "--drain"});
    EXPECT_EQ(find_control(log, true), std::string::npos) << log;
    EXPECT_NE(log.find("dead argv"), std::string::npos) << log;
    const strings all[] = {
        {"list"},          {"list", "--json"},           {"show", "argv"},  {"show", "text"},
        {"dlq", "list"},   {"show", "text", "--json"},   {"logs", "text"},  {"logs", "argv", "--follow"},
        {"logs", hostile}, {"enqueue", "{\"" + hostile}, {"wait", hostile}, {hostile}};
    for (const auto& words : all) {
        const std::string shown = show(words);
        EXPECT_FALSE(shown.empty());
        const std::size_t at = find_control(shown, true);
        EXPECT_EQ(at, std::string::npos) << words.front() << " at " << at << ": " << ::testing::PrintToString(shown);
    }
    EXPECT_NE(show({"logs", "text"}).find("ABCDEFGH"), std::string::npos) << show({"logs", "text"});
}

TEST_F(terminal, logs_are_raw_when_asked_for_and_in_a_file)
{
    put("hostile", "\x1b[31mred\x1b[0m");
    ok({"enqueue", "--id", "a", "cat " + path("hostile")});
    drain();
    EXPECT_EQ(show({"logs", "a", "--raw"}), "\x1b[31mred\x1b[0m");
    EXPECT_EQ(show({"logs", "a"}), "red");
    EXPECT_EQ(ok({"logs", "a"}), "\x1b[31mred\x1b[0m");
}

}  // namespace
}  // namespace command_tests
