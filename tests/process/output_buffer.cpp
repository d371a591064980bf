// Bounded output against a plain model.
#include <queuectl/process/output_buffer.hpp>

#include <gtest/gtest.h>

#include <random>

namespace {
using namespace queuectl;
using process::output_buffer;

TEST(OutputBuffer, KeepsAllThatFits)
{
    output_buffer b{4, 8};
    b.append("abcdef");
    b.append("ghijkl");
    EXPECT_EQ(b.total_bytes(), 12u);
    const auto out = b.take();
    EXPECT_EQ(out.head, "abcdefghijkl");
    EXPECT_EQ(out.tail, "");
    EXPECT_EQ(out.dropped_bytes, 0u);
}

TEST(OutputBuffer, DropsTheMiddle)
{
    output_buffer b{4, 8};
    b.append("abcdefghijklm");
    const auto out = b.take();
    EXPECT_EQ(out.head, "abcd");
    EXPECT_EQ(out.tail, "fghijklm");
    EXPECT_EQ(out.dropped_bytes, 1u);
}

TEST(OutputBuffer, AgreesWithAModel)
{
    constexpr unsigned seed = 7;
    std::minstd_rand random{seed};
    for (int round = 0; round < 2000; ++round) {
        const auto head = random() % 20;
        const auto tail = random() % 20;
        output_buffer b{head, tail};
        std::string all;
        for (auto n = random() % 8; n > 0; --n) {
            std::string piece(random() % 30, '\0');
            for (auto& c : piece) c = static_cast<char>(random() % 256);
            b.append(piece);
            all += piece;
        }
        std::string kept;
        b.visit([&](std::string_view bytes) { kept += bytes; });
        const auto out = b.take();
        EXPECT_EQ(kept, out.head + out.tail);
        EXPECT_EQ(out.dropped_bytes, all.size() > head + tail ? all.size() - head - tail : 0) << "seed " << seed;
        EXPECT_EQ(out.head, out.dropped_bytes > 0 ? all.substr(0, head) : all);
        EXPECT_EQ(out.tail, out.dropped_bytes > 0 ? all.substr(all.size() - tail) : "");
    }
}

TEST(LastLine, IsTheLastThatShowsAnything)
{
    EXPECT_EQ(process::last_line({"one\ntwo\n\n  \n", "", 0}, 200), "two");
    EXPECT_EQ(process::last_line({"one", "x\ny\tz\r\n", 5}, 200), "y z");
    EXPECT_EQ(process::last_line({"\x1b[31mred\x1b[0m \a\x7f"
                                  "bell",
                                  "", 0},
                                 200),
              "red bell");
    EXPECT_EQ(process::last_line({"", "", 0}, 200), "");
    EXPECT_EQ(process::last_line({"\x1b[", "", 0}, 200), "");
}

TEST(LastLine, IsCutBetweenCharacters)
{
    EXPECT_EQ(process::last_line({std::string(300, 'x'), "", 0}, 200), std::string(200, 'x'));
    EXPECT_EQ(process::last_line({"ab\xc3\xa4", "", 0}, 3), "ab");
    EXPECT_EQ(process::last_line({"ab\xc3\xa4", "", 0}, 4), "ab\xc3\xa4");
}

}  // namespace
