// Reads everything of a log that can be read, also behind damage.
#ifndef QUEUECTL_JOURNAL_SALVAGE_HPP
#define QUEUECTL_JOURNAL_SALVAGE_HPP

#include <queuectl/journal/log_view.hpp>
#include <queuectl/journal/log_words.hpp>

namespace queuectl::inline v0::journal {

// A part of the log that is gone.
struct lost_part {
    std::string file;
    std::uint64_t begin = 0;  // offsets in the file; both 0: all of it is missing
    std::uint64_t end = 0;
    std::uint64_t sequence = 0;  // of the first frame that is missing
    std::uint64_t frames = 0;    // how many are; 0: none, or nobody knows
    std::string why;

    // "0000000000000001.log: offsets 4096 to 4200: 1 frame missing, from 17 on: bad bytes"
    [[nodiscard]] std::string text() const
    {
        std::string t = file;
        if (end != 0) t += ": offsets " + std::to_string(begin) + " to " + std::to_string(end);
        if (frames != 0)
            t += ": " + std::to_string(frames) + (frames == 1 ? " frame" : " frames") + " missing, from " +
                 std::to_string(sequence) + " on";
        return t + ": " + why;
    }
};

struct salvaged_log {
    std::vector<lost_part> lost;  // in order
    std::uint64_t next = 0;       // the sequence behind the last frame that was found
    uid store{};                  // of the last header that can be read
};

namespace detail {

// One pass over the segments of a folder; see salvage_log.
template <file_system FileSystem, class Sink>
class salvage_pass {
public:
    salvage_pass(FileSystem& fs, Sink& sink) : fs_{fs}, sink_{sink} {}

    [[nodiscard]] result<salvaged_log> run()
    {
        if (auto listed = list_segments(); !listed) return fail(listed.error());
        if (numbers_.empty()) return fail(errc::not_found, "open the journal", "there is none");
        for (std::size_t i = 0; i < numbers_.size(); ++i) {
            if (i > 0)
                for (auto n = numbers_[i - 1] + 1; n < numbers_[i] && n < numbers_[i - 1] + named_max; ++n)
                    lose({segment_name(n), 0, 0, 0, 0, "the file is missing"});
            const bool last = i + 1 == numbers_.size();
            if (auto done = read_segment(numbers_[i], last ? 0 : numbers_[i + 1]); !done) return fail(done.error());
        }
        if (numbers_.front() > 1 && trimmed_to_ < numbers_.front())
            lost_.insert(lost_.begin(),
                         {segment_name(numbers_.front() - 1), 0, 0, 0, 0, "the segments up to this one are missing"});
        return salvaged_log{std::move(lost_), next_, store_};
    }

private:
    static constexpr std::uint64_t named_max = 1000;  // missing files that are told one by one

    result<void> list_segments()
    {
        const auto names = fs_.list();
        if (!names) return fail(names.error());
        for (const auto& name : *names)
            if (const auto number = segment_number(name); number != 0) numbers_.push_back(number);
        std::sort(numbers_.begin(), numbers_.end());
        return {};
    }
    void lose(lost_part part) { lost_.push_back(std::move(part)); }

    // The whole file, and its header; with a bad header, number and size are what the name and the file say, and the
    // file id is 0.
    result<segment_header> load(std::uint64_t number)
    {
        const std::string name = segment_name(number);
        auto file = fs_.open(name);
        if (!file) return fail(file.error());
        const auto size = fs_.size(*file);
        if (!size) return fail(size.error());
        bytes_.resize(static_cast<std::size_t>(*size));
        const auto got = fs_.read(*file, 0, bytes_.data(), bytes_.size());
        if (!got) return fail(got.error());
        bytes_.resize(*got);
        segment_header h;
        const char* why =
            bytes_.size() < segment_header_bytes ? "it is cut off in its header" : decode(bytes_.data(), h);
        if (why == nullptr && h.oldest_reader > format_version)
            return fail(errc::wrong_version, "open " + name, "its format is newer than this program");
        if (why == nullptr && h.number != number) why = "it is another segment under this name";
        if (why == nullptr && bytes_.size() < h.bytes)
            lose({name, bytes_.size(), h.bytes, 0, 0, "it is shorter than its header says: it was cut off"});
        if (why == nullptr) {
            store_ = h.store;
            return h;
        }
        lose({name, 0, std::min<std::uint64_t>(frames_begin, bytes_.size()), 0, 0, why});
        h = {};
        h.number = number;
        return h;
    }
    // The sequence from which on frames before segment `number` are void; the largest when it does not say.
    std::uint64_t first_of(std::uint64_t number)
    {
        if (number == 0) return ~std::uint64_t{0};
        char bytes[segment_header_bytes];
        segment_header h;
        auto file = fs_.open(segment_name(number));
        if (!file) return ~std::uint64_t{0};
        const auto got = fs_.read(*file, 0, bytes, sizeof bytes);
        const bool good = got && *got == sizeof bytes && decode(bytes, h) == nullptr && h.number == number;
        return good ? h.first_sequence : ~std::uint64_t{0};
    }

    result<void> read_segment(std::uint64_t number, std::uint64_t following)
    {
        auto header = load(number);
        if (!header) return fail(header.error());
        segment_header& h = *header;
        if (next_ == 0) next_ = number == 1 ? 1 : h.file_id != 0 ? h.first_sequence : 0;
        const std::uint64_t end = first_of(following);
        std::uint64_t at = frames_begin;
        std::uint64_t bad = 0;  // where what cannot be read begins; 0 = nowhere
        while (at + frame_header_bytes <= bytes_.size() && next_ < end) {
            const frame_header f = load_frame_header(bytes_.data() + at);
            if (!good(h, f, at) || f.sequence >= end) {
                if (bad == 0 && following == 0 && is_tail(h, at)) return {};
                if (bad == 0) bad = at;
                at += frame_alignment;
                continue;
            }
            h.file_id = f.file_id;
            if (f.sequence >= next_) {
                tell_gap(number, bad == 0 ? at : bad, at, f.sequence);
                tell(number, at, f);
            }
            bad = 0;
            at += frame_bytes(f.body_bytes);
        }
        if (following == number + 1 && next_ != 0 && end != ~std::uint64_t{0} && next_ < end)
            tell_gap(number, bad == 0 ? at : bad, bytes_.size(), end);
        return {};
    }
    [[nodiscard]] bool good(const segment_header& h, const frame_header& f, std::uint64_t at) const
    {
        if (f.file_id == 0 || (h.file_id != 0 && f.file_id != h.file_id)) return false;
        return plausible(f, f.file_id, bytes_.size() - at) && f.type <= frame_type::trim &&
               intact(f, bytes_.data() + at, f.file_id, at);
    }
    // Whether the log simply ends here, in the newest segment: no frame behind says that one was durable here.
    bool is_tail(const segment_header& h, std::uint64_t at)
    {
        if (all_zero(std::string_view{bytes_}.substr(static_cast<std::size_t>(at)))) return true;
        for (auto i = at; i + frame_header_bytes <= bytes_.size(); i += frame_alignment) {
            const frame_header f = load_frame_header(bytes_.data() + i);
            if (f.durable_upto >= next_ && f.sequence > next_ && good(h, f, i)) return false;
        }
        return true;
    }

    void tell_gap(std::uint64_t number, std::uint64_t begin, std::uint64_t end, std::uint64_t sequence)
    {
        const bool first = next_ == 0;  // the first frame of all is where a trimmed log begins
        const std::uint64_t missing = first || sequence <= next_ ? 0 : sequence - next_;
        const std::uint64_t from = std::exchange(next_, std::max(next_, sequence));
        if (missing == 0 && begin == end) return;
        if (missing > 0) sink_.gap(from);
        for (auto& part : lost_)  // a file that is missing, or cut off, since the last frame
            if (missing > 0 && part.frames == 0 && part.sequence == 0) {
                part.sequence = from;
                part.frames = missing;
                return;
            }
        if (missing == 0 && first) return;
        lose({segment_name(number), begin, std::max(end, begin + 1), from, missing, "bytes that are no frame"});
    }
    void tell(std::uint64_t number, std::uint64_t at, const frame_header& f)
    {
        for (auto& part : lost_)
            if (part.sequence == 0) part.sequence = f.sequence;  // nothing is missing there, or nobody knows
        const std::string_view body{bytes_.data() + at + frame_header_bytes, f.body_bytes};
        if (f.type == frame_type::trim) trimmed_to_ = std::max(trimmed_to_, trimmed_to(body));
        const std::uint64_t skip = f.type == frame_type::trim ? std::min(trim_head_bytes, body.size()) : 0;
        if (f.type != frame_type::watermark)
            sink_.frame(f.sequence, {number, at + frame_header_bytes + skip, f.type},
                        body.substr(static_cast<std::size_t>(skip)));
        next_ = f.sequence + 1;
    }

    FileSystem& fs_;
    Sink& sink_;
    std::vector<std::uint64_t> numbers_;
    std::vector<lost_part> lost_;
    std::string bytes_;
    std::uint64_t next_ = 0;  // the sequence that is expected; 0 = any
    std::uint64_t trimmed_to_ = 0;
    uid store_{};
};

}  // namespace detail

// Tells `sink` every frame that is intact, in order: sink.frame(sequence, place, body), as a log_sink's;
// sink.gap(sequence) says before a frame that those from `sequence` on are missing. Behind damage it looks for the next
// intact frame at every multiple of 8. Returns what is gone, in order; a torn tail, which nobody had been promised, is
// not. Writes nothing. errc::not_found: there is no log; wrong_version; io. Memory: the largest segment.
template <file_system FileSystem, class Sink>
[[nodiscard]] result<salvaged_log> salvage_log(FileSystem& fs, Sink& sink)
{
    return detail::salvage_pass<FileSystem, Sink>{fs, sink}.run();
}

// What the processes of a store remember beyond the frames that are there (`next` and `store` as in salvaged_log): of
// this boot, to have been written; of an earlier one, to have been synced. From FOLDER/control, which is not believed
// in anything else.
template <file_system FileSystem>
[[nodiscard]] std::optional<lost_part> remembered_loss(FileSystem& fs, const uid& store, std::uint64_t next,
                                                       const uid& boot)
{
    constexpr std::uint64_t words_at = 1024;
    alignas(64) char bytes[sizeof(log_words)] = {};
    auto file = fs.open("control");
    if (!file) return std::nullopt;
    const auto got = fs.read(*file, words_at, bytes, sizeof bytes);
    if (!got || *got != sizeof bytes) return std::nullopt;
    const auto& words = *reinterpret_cast<const log_words*>(bytes);
    const bool now = words.valid_for(boot, store) && words.poisoned.load() == 0;
    const bool ours = words.store_high.load() == store.high && words.store_low.load() == store.low;
    const auto last = now ? words.written.load() : ours ? words.synced.load() : 0;
    if (last < next) return std::nullopt;
    return lost_part{segment_name(words.segment.load()),
                     0,
                     0,
                     next,
                     last - next + 1,
                     now ? "they had been written" : "they had been synced"};
}

}  // namespace queuectl::inline v0::journal

#endif
