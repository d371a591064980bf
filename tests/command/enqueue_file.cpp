// enqueue --file: one JSON object a line.
#include "run_command.hpp"

#include <algorithm>

namespace command_tests {

class enqueue_file : public command_test {};

TEST_F(enqueue_file, each_refused_line_is_reported_by_number_and_the_others_go_in)
{
    const auto r = run({"enqueue", "--file", "-"},
                       "{\"id\":\"a\",\"command\":\"x\"}\n"
                       "\n"
                       "{\"id\":\"b\",\"command\":\n"
                       "{\"id\":\"c\",\"command\":\"x\",\"state\":\"dead\"}\r\n"
                       "{\"id\":\"a\",\"command\":\"again\"}\n"
                       "{\"id\":\"d\",\"command\":\"x\"}");
    EXPECT_EQ(r.code, 1);
    EXPECT_EQ(r.out, "a\nd\n");
    EXPECT_NE(r.err.find("line 3: json"), std::string::npos) << r.err;
    EXPECT_NE(r.err.find("line 4: state"), std::string::npos) << r.err;
    EXPECT_NE(r.err.find("line 5: id: a exists"), std::string::npos) << r.err;
    EXPECT_NE(r.err.find("2 enqueued, 3 refused"), std::string::npos) << r.err;
}

TEST_F(enqueue_file, takes_many_in_batches)
{
    std::string lines, ids;
    for (int i = 0; i < 2'500; ++i) {
        const std::string n = std::to_string(i);
        lines.append("{\"id\":\"j").append(n).append("\",\"command\":\"true\"}\n");
        ids.append("j").append(n).append("\n");
    }
    put("jobs", lines);
    const auto r = run({"enqueue", "--file", path("jobs"), "--queue", "bulk"});
    EXPECT_EQ(r.code, 0) << r.err;
    EXPECT_EQ(r.out, ids);
    const std::string all = ok({"list", "--json", "--queue", "bulk"});
    EXPECT_EQ(std::count(all.begin(), all.end(), '{'), 2'500);
}

TEST_F(enqueue_file, an_empty_file_is_no_error)
{
    const auto r = run({"enqueue", "--file", "-"}, "");
    EXPECT_EQ(r.code, 0);
    EXPECT_EQ(r.out, "");
}

TEST_F(enqueue_file, long_lines_and_bytes_of_any_kind_are_refused_by_number)
{
    std::string lines(1'000'000, 'x');
    lines.append("\n").append(5, '\0').append("\xff\xfe\n");
    lines.append(200'000, '[').append("\n{\"id\":\"a\",\"command\":\"x\"}\n");
    const auto r = run({"enqueue", "--file", "-"}, lines);
    EXPECT_EQ(r.code, 1);
    EXPECT_EQ(r.out, "a\n");
    for (const char* line : {"line 1:", "line 2:", "line 3:"}) EXPECT_NE(r.err.find(line), std::string::npos) << r.err;
    EXPECT_LT(r.err.size(), 4'000u);
}

}  // namespace command_tests
