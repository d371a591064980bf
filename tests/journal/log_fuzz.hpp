// What must hold for the readers of a log, whatever bytes lie in its files.
#ifndef QUEUECTL_TESTS_JOURNAL_LOG_FUZZ_HPP
#define QUEUECTL_TESTS_JOURNAL_LOG_FUZZ_HPP

#include <queuectl/journal/log.hpp>
#include <queuectl/journal/salvage.hpp>
#include <queuectl/testing/simulated_disk.hpp>

#include <map>
#include <string>
#include <vector>

namespace queuectl::journal_testing {

class fuzz_gate {
public:
    struct guard {};
    [[nodiscard]] result<guard> acquire(duration) { return guard{}; }
    [[nodiscard]] bool try_lead() { return true; }
    void stop_leading() {}
};

// What was heard of a log: bodies by sequence.
struct fuzz_sink {
    std::map<std::uint64_t, std::string> bodies;
    journal::log_position at{};
    bool in_order = true;

    [[nodiscard]] journal::log_position heard() const { return at; }
    void frame(const journal::log_position& behind, const journal::frame_place& place, std::string_view body)
    {
        in_order = in_order && at.sequence < behind.sequence;
        at = behind;
        if (place.type == journal::frame_type::transaction) bodies[behind.sequence - 1] = body;
    }
    void restart() { *this = {}; }
};

// Files made from bytes: one of a few sound logs, or nothing, and then changes of it. Each change is an operation, a
// file, and what it needs.
class fuzz_files {
public:
    explicit fuzz_files(std::string_view bytes) : left_{bytes}
    {
        static constexpr std::uint64_t segments_max = 4;
        build(number(1) % 8);
        while (!left_.empty()) {
            const auto operation = number(1) % 8;
            change(operation, files_[number(1) % segments_max + 1]);
        }
    }

    [[nodiscard]] simulated::disk_state disk() const
    {
        simulated::disk_state state;
        for (const auto& [n, content] : files_) {
            if (content.empty()) continue;
            auto file = std::make_shared<simulated::inode>();
            file->cached = file->stored = content;
            state.cached[journal::segment_name(n)] = state.stored[journal::segment_name(n)] = std::move(file);
        }
        return state;
    }

private:
    [[nodiscard]] std::string_view take(std::size_t bytes)
    {
        const auto taken = left_.substr(0, bytes);
        left_.remove_prefix(taken.size());
        return taken;
    }
    [[nodiscard]] std::size_t number(std::size_t bytes)
    {
        std::size_t value = 0;
        for (const char c : take(bytes)) value = value << 8 | static_cast<unsigned char>(c);
        return value;
    }

    // Kind 0: nothing. Else up to four segments; odd ones know that half of their frames are durable.
    void build(std::size_t kind)
    {
        std::uint64_t sequence = 1;
        std::uint32_t previous_crc = 0;
        const std::uint64_t first = kind == 7 ? 2 : 1;
        for (std::uint64_t n = first; n < first + (kind + 1) / 2; ++n) {
            journal::segment_header h;
            h.store = {1, 2};
            h.number = n;
            h.file_id = 0x1234'5678'9abc'0000 + n;
            h.first_sequence = sequence;
            h.bytes = 1024;
            auto& file = files_[n] = encode(h);
            for (int i = 0; i < 5; ++i, ++sequence) {
                journal::frame_header f;
                f.sequence = sequence;
                f.durable_upto = kind % 2 != 0 ? sequence / 2 : 0;
                f.file_id = h.file_id;
                f.previous_crc = previous_crc;
                const bool trim = n == 2 && i == 2;
                f.type = trim     ? journal::frame_type::trim
                         : i == 3 ? journal::frame_type::watermark
                                  : journal::frame_type::transaction;
                const std::string body =
                    trim ? journal::detail::encode_trim(2, "rest") : std::string(sequence * 3, 'b');
                previous_crc = append_frame(file, f, i == 3 ? std::string_view{} : body, file.size());
            }
            file.resize(h.bytes);
        }
    }

    void change(std::size_t operation, std::string& file)
    {
        const std::size_t at = number(2) % 4096;
        switch (operation) {
            case 0:
            case 1: {  // bytes
                const auto bytes = take(number(1));
                if (file.size() < at + bytes.size()) file.resize(at + bytes.size());
                file.replace(at, bytes.size(), bytes);
                break;
            }
            case 2:  // a flipped bit
                if (at < file.size()) file[at] = static_cast<char>(file[at] ^ 1 << number(1) % 8);
                break;
            case 3: return correct_frame(file, at / journal::frame_alignment * journal::frame_alignment);
            case 4: return correct_header(file);
            case 5: file.resize(at); break;
            case 6: {  // a part of a file, elsewhere
                const auto& from = files_[number(1) % 4 + 1];
                const auto begin = std::min(number(2) % 4096, from.size());
                const std::string part = from.substr(begin, number(1));
                if (file.size() < at + part.size()) file.resize(at + part.size());
                file.replace(at, part.size(), part);
                break;
            }
            default: {  // zeros
                const auto begin = std::min(at, file.size());
                const auto zeros = std::min(number(1), file.size() - begin);
                file.replace(begin, zeros, zeros, '\0');
            }
        }
        if (file.size() > file_bytes_max) file.resize(file_bytes_max);
    }
    // Makes the checksum of the frame there right.
    static void correct_frame(std::string& file, std::size_t at)
    {
        if (at + journal::frame_header_bytes > file.size()) return;
        const auto h = journal::load_frame_header(file.data() + at);
        if (h.body_bytes > file.size() - at - journal::frame_header_bytes) return;
        journal::detail::store_le(file.data() + at, journal::frame_crc(file.data() + at, h.body_bytes, h.file_id, at));
    }
    static void correct_header(std::string& file)
    {
        if (file.size() >= journal::segment_header_bytes)
            journal::detail::store_le(file.data() + 20, journal::detail::segment_header_crc(file.data()));
    }

    static constexpr std::size_t file_bytes_max = 8192;

    std::string_view left_;
    std::map<std::uint64_t, std::string> files_;
};

class log_fuzz {
public:
    explicit log_fuzz(std::string_view bytes) : files_{bytes} {}

    // The first property that does not hold; null = all do.
    [[nodiscard]] const char* run()
    {
        if (const char* why = read(); why != nullptr) return why;
        if (const char* why = save(); why != nullptr) return why;
        return use();
    }

    // Opens the log and tells `sink` all of it; whether that is possible.
    static bool hear(simulated_disk& disk, fuzz_sink& sink, uid boot)
    {
        fuzz_gate gate;
        journal::log_words words{};
        journal::log_options options;
        options.sizes = {1024, 2048};
        options.boot = boot;
        options.random = random_source{1};
        auto log =
            journal::log<simulated_file_system, fuzz_gate>::open(simulated_file_system{disk}, gate, words, options);
        return log && (*log)->take_turn(sink);
    }

private:
    // What log_reader hands out are the frames that are there, one behind the other; and where it says that the log
    // ends, nothing says that more had been durable.
    const char* read()
    {
        simulated_disk disk{files_.disk()};
        simulated_file_system fs{disk};
        const auto found = journal::find_segments(fs);
        if (!found || found->newest == 0) return nullptr;
        journal::log_reader<simulated_file_system> reader{fs, {}, found->newest};
        reader.begin(found->lowest, found->newest);
        journal::frame_view frame;
        for (std::size_t frames = 0;; ++frames) {
            if (frames > frames_max) return "it reads for ever";
            const auto before = reader.position();
            const auto got = reader.next(frame);
            if (!got || *got == journal::read_status::rewound) return nullptr;
            if (*got == journal::read_status::end) break;
            if (const char* why = judge(disk, before, reader.position(), frame)) return why;
            if (frame.header.type == journal::frame_type::transaction)
                read_[frame.header.sequence] = std::string{frame.body};
        }
        ended_ = reader.inspect_end().has_value();
        return ended_ && proves_more(disk, reader.position()) ? "it takes damage for the end" : nullptr;
    }

    static const std::string& content(simulated_disk& disk, std::uint64_t segment)
    {
        return disk.state().cached.at(journal::segment_name(segment))->cached;
    }
    static const char* judge(simulated_disk& disk, const journal::log_position& before,
                             const journal::log_position& behind, const journal::frame_view& frame)
    {
        const auto& h = frame.header;
        const auto& file = content(disk, behind.segment);
        const auto bytes = journal::frame_bytes(h.body_bytes);
        const auto at = behind.offset - bytes;
        if (behind.offset > file.size() || at % journal::frame_alignment != 0) return "a frame lies outside";
        if (h.sequence + 1 != behind.sequence || (before.sequence != 0 && h.sequence != before.sequence))
            return "a frame is out of order";
        if (before.previous_crc != 0 && h.previous_crc != before.previous_crc) return "a frame follows another";
        const auto file_id = journal::detail::load_le<std::uint64_t>(file.data() + 48);
        if (journal::frame_crc(file.data() + at, h.body_bytes, file_id, at) != h.crc) return "a frame is damaged";
        return std::string_view{file}.substr(at + journal::frame_header_bytes, h.body_bytes) == frame.body
                   ? nullptr
                   : "a frame is not what is in the file";
    }
    // Whether a frame behind the end says that what is missing there had been durable; or is the next one.
    static bool proves_more(simulated_disk& disk, const journal::log_position& end)
    {
        const auto& file = content(disk, end.segment);
        const auto file_id = journal::detail::load_le<std::uint64_t>(file.data() + 48);
        const auto size =
            std::min<std::uint64_t>(journal::detail::load_le<std::uint64_t>(file.data() + 64), file.size());
        for (auto at = end.offset; at + journal::frame_header_bytes <= size; at += journal::frame_alignment) {
            const auto h = journal::load_frame_header(file.data() + at);
            const bool next = at == end.offset && h.sequence == end.sequence && h.previous_crc == end.previous_crc;
            if ((next || h.durable_upto >= end.sequence) && journal::plausible(h, file_id, size - at) &&
                journal::intact(h, file.data() + at, file_id, at))
                return true;
        }
        return false;
    }

    // What is saved from a log that can be read is what was read.
    const char* save()
    {
        simulated_disk disk{files_.disk()};
        simulated_file_system fs{disk};
        struct sink {
            std::map<std::uint64_t, std::string> bodies;
            void gap(std::uint64_t) {}
            void frame(std::uint64_t sequence, const journal::frame_place& place, std::string_view body)
            {
                if (place.type == journal::frame_type::transaction) bodies[sequence] = body;
            }
        } saved;
        const auto done = journal::salvage_log(fs, saved);
        if (!done || !ended_) return nullptr;
        for (const auto& [sequence, body] : read_)
            if (const auto it = saved.bodies.find(sequence); it == saved.bodies.end() || it->second != body)
                return "what can be read is not saved";
        return nullptr;
    }

    // A process that opens the log hears the same, and so does the next one, after another boot.
    const char* use()
    {
        simulated_disk disk{files_.disk()};
        fuzz_sink first;
        fuzz_sink second;
        if (!hear(disk, first, {7, 7})) return nullptr;
        if (!first.in_order) return "it is heard out of order";
        if (ended_ && first.bodies != read_) return "something else is heard than is read";
        if (!hear(disk, second, {8, 8})) return "what was opened once cannot be opened again";
        return second.bodies == first.bodies ? nullptr : "another boot hears something else";
    }
    static constexpr std::size_t frames_max = 4 * 8192 / journal::frame_header_bytes + 1;

    fuzz_files files_;
    std::map<std::uint64_t, std::string> read_;
    bool ended_ = false;
};

// The first property that does not hold; null = all do.
[[nodiscard]] inline const char* fuzz_log(const unsigned char* data, std::size_t size)
{
    return log_fuzz{{reinterpret_cast<const char*>(data), size}}.run();
}

}  // namespace queuectl::journal_testing

#endif
