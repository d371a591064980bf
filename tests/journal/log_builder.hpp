// Writes segments and frames by the format alone, for tests of what reads them.
#ifndef QUEUECTL_TESTS_JOURNAL_LOG_BUILDER_HPP
#define QUEUECTL_TESTS_JOURNAL_LOG_BUILDER_HPP

#include <queuectl/journal/log_reader.hpp>
#include <queuectl/testing/simulated_disk.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace queuectl::journal_testing {

using file_system = simulated_file_system;
using reader = journal::log_reader<file_system>;

class log_builder {
public:
    explicit log_builder(std::uint64_t segment_bytes = 4096) : bytes_{segment_bytes} {}

    simulated_disk disk;
    file_system fs{disk};
    // What the next frames say; changed by tests that build something wrong.
    std::uint64_t sequence = 1;
    std::uint64_t durable_upto = 0;
    std::uint32_t previous_crc = 0;
    journal::frame_type type = journal::frame_type::transaction;
    std::uint8_t flags = 0;
    uid store{1, 2};
    std::vector<std::uint64_t> offsets;  // of the frames, in their files

    journal::segment_header header(std::uint64_t number) const
    {
        journal::segment_header h;
        h.store = store;
        h.number = number;
        h.file_id = 0x1234'5678'9abc'0000 + number;
        h.first_sequence = sequence;
        h.bytes = bytes_;
        return h;
    }
    void begin(std::uint64_t number) { begin(header(number)); }
    void begin(const journal::segment_header& h)
    {
        auto made = journal::prepare_segment(fs, h, {});
        ASSERT_TRUE(made) << made.error().message();
        ASSERT_TRUE(journal::publish_segment(fs, h.number));
        current_ = std::move(*made);
        offset_ = journal::frames_begin;
    }
    void add(std::string_view body)
    {
        journal::frame_header h;
        h.sequence = sequence++;
        h.durable_upto = durable_upto;
        h.file_id = current_.header.file_id;
        h.previous_crc = previous_crc;
        h.type = type;
        h.flags = flags;
        std::string bytes;
        previous_crc = journal::append_frame(bytes, h, body, offset_);
        ASSERT_TRUE(fs.write(current_.file, offset_, bytes));
        offsets.push_back(offset_);
        offset_ += bytes.size();
    }
    [[nodiscard]] std::string& bytes(std::uint64_t number)
    {
        return disk.state().cached.find(journal::segment_name(number))->second->cached;
    }
    [[nodiscard]] std::uint64_t end() const noexcept { return offset_; }

    reader read(std::uint64_t newest) { return {fs, {}, newest}; }

private:
    std::uint64_t bytes_;
    journal::segment<file_system> current_{};
    std::uint64_t offset_ = 0;
};

// All there is to read: the bodies, and how it ended.
struct read_log {
    std::vector<std::string> bodies;
    journal::read_status status = journal::read_status::frame;
    errc failure{};
    std::string text;  // of the error; empty = none
    journal::tail_kind tail = journal::tail_kind::clean;
};
inline read_log read_all(reader r)
{
    read_log log;
    journal::frame_view frame;
    for (;;) {
        const auto got = r.next(frame);
        if (!got) {
            log.failure = got.error().code;
            log.text = got.error().message();
            return log;
        }
        log.status = *got;
        if (*got != journal::read_status::frame) break;
        log.bodies.emplace_back(frame.body);
    }
    const auto tail = r.inspect_end();
    if (tail)
        log.tail = tail->kind;
    else {
        log.failure = tail.error().code;
        log.text = tail.error().message();
    }
    return log;
}

}  // namespace queuectl::journal_testing

#endif
