// 64 KiB of journal, each of its 524,288 bits flipped in turn: what the reader then says is known beforehand.
// Instrumented, each sixteenth bit, from one that chance decides.
#include "instrumented.hpp"
#include "log_builder.hpp"
#include "record_samples.hpp"

#include <algorithm>
#include <cstdio>
#include <random>

namespace {

using namespace queuectl;
using namespace queuectl::journal;
using namespace queuectl::journal_testing;

constexpr std::uint64_t segment_bytes = 16 << 10;
constexpr std::uint64_t segments = 4;

struct written_frame {
    std::uint64_t segment;
    std::uint64_t begin;
    std::uint64_t end;
    std::uint64_t durable_upto;
    std::string body;
};

// Four segments of transactions of real records; a frame knows of those that are at least three before it. The last
// one says, as a watermark, that all before it are durable, unless `idle` is false.
struct whole_journal : log_builder {
    std::vector<written_frame> frames;

    explicit whole_journal(bool idle) : log_builder{segment_bytes}
    {
        seeded_random random{5};
        const auto samples = fixed_samples::all();
        for (std::uint64_t number = 1; number <= segments; ++number) {
            begin(number);
            durable_upto = std::max(durable_upto, sequence - 1);  // a segment is synced before the next one begins
            const std::uint64_t last = number == segments ? segment_bytes * 3 / 4 : segment_bytes - 2000;
            while (end() < last) {
                std::string body;
                for (auto n = 1 + random.below(6); n-- > 0;) body += samples[random.below(samples.size())];
                if (sequence > 3) durable_upto = std::max(durable_upto, sequence - 3);
                put(number, body);
            }
        }
        durable_upto = sequence - 1;
        type = frame_type::watermark;
        if (idle) put(segments, {});
    }
    void put(std::uint64_t number, const std::string& body)
    {
        const std::uint64_t begin = end();
        add(body);
        frames.push_back({number, begin, end(), durable_upto, body});
    }
};

// What must be read when byte `at` of segment `number` is wrong.
struct expectation {
    std::size_t bodies;
    bool damage;
    tail_kind tail;
};
expectation expected(const std::vector<written_frame>& frames, std::uint64_t number, std::uint64_t at)
{
    const auto in_segment = [&](const auto& f) { return f.segment == number; };
    const auto first = std::find_if(frames.begin(), frames.end(), in_segment);
    if (at < segment_header_bytes) {
        // The next segment is opened when the reader comes to the begin of the one before it.
        const auto before =
            std::find_if(frames.begin(), frames.end(), [&](const auto& f) { return f.segment + 1 >= number; });
        return {static_cast<std::size_t>(before - frames.begin()), true, {}};
    }
    const auto hit = std::find_if(first, frames.end(),
                                  [&](const auto& f) { return f.segment == number && f.begin <= at && at < f.end; });
    if (hit == frames.end()) {
        const bool behind = number == segments && at >= frames.back().end;
        return {frames.size(), false, behind ? tail_kind::torn : tail_kind::clean};
    }
    const auto index = static_cast<std::size_t>(hit - frames.begin());
    bool known = number < segments;
    for (auto later = hit + 1; later != frames.end(); ++later) known = known || later->durable_upto >= index + 1;
    return {index, known, tail_kind::torn};
}

// What is read with one bit of segment `number` flipped is what is expected.
void check_flip(whole_journal& log, std::uint64_t number, std::size_t bit)
{
    std::string& bytes = log.bytes(number);
    const auto flip = [&] { bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8); };
    flip();
    const read_log all = read_all(log.read(segments));
    flip();
    const expectation e = expected(log.frames, number, bit / 8);
    ASSERT_EQ(all.bodies.size(), e.bodies) << all.text;
    for (std::size_t i = 0; i < e.bodies; ++i) ASSERT_EQ(all.bodies[i], log.frames[i].body);
    ASSERT_EQ(all.text.empty(), !e.damage) << all.text;
    if (e.damage)
        ASSERT_EQ(all.failure, errc::corrupt) << all.text;
    else
        ASSERT_EQ(all.tail, e.tail);
}

// Flips the bits of bytes [begin, end) of a segment: each `every` of them.
class flips {
public:
    explicit flips(whole_journal& log) : log_{log}
    {
        if (every > 1) first_ = std::random_device{}() % every;
    }
    void check(std::uint64_t number, std::uint64_t begin, std::uint64_t end)
    {
        for (auto bit = static_cast<std::size_t>(begin * 8) + first_; bit < end * 8; bit += every, ++count_) {
            check_flip(log_, number, bit);
            if (testing::Test::HasFatalFailure()) FAIL() << "segment " << number << " bit " << bit;
        }
    }
    // How many, and which.
    std::size_t tell() const
    {
        std::printf("%zu bits flipped: one of %zu, from bit %zu\n", count_, every, first_);
        return count_;
    }

private:
    static constexpr std::size_t every = instrumented ? 16 : 1;

    whole_journal& log_;
    std::size_t first_ = 0;
    std::size_t count_ = 0;
};

TEST(BitFlips, OfAJournalAtRest)
{
    whole_journal log{true};
    // All that was acknowledged is there or missed: only the watermark itself may go unnoticed.
    for (const auto& frame : log.frames) {
        const auto e = expected(log.frames, frame.segment, frame.begin);
        EXPECT_EQ(e.damage, &frame != &log.frames.back());
    }
    const read_log all = read_all(log.read(segments));
    ASSERT_EQ(all.bodies.size(), log.frames.size());
    ASSERT_EQ(all.tail, tail_kind::clean);
    flips bits{log};
    for (std::uint64_t number = 1; number <= segments && !HasFatalFailure(); ++number)
        bits.check(number, 0, segment_bytes);
    EXPECT_EQ(bits.tell(), instrumented ? 32'768U : 524'288U);
}

// Without the last watermark, the last frames are known to nobody behind them.
TEST(BitFlips, OfAJournalInUse)
{
    whole_journal log{false};
    std::size_t known = 0;
    for (const auto& frame : log.frames) known += expected(log.frames, frame.segment, frame.begin).damage;
    EXPECT_EQ(known, log.frames.size() - 3);
    flips bits{log};
    bits.check(segments, log.frames[log.frames.size() - 5].begin, log.end() + 8);
    EXPECT_GT(bits.tell(), 0U);
}

}  // namespace
