// What must hold for the readers of records, whatever bytes they are given.
#ifndef QUEUECTL_TESTS_JOURNAL_RECORD_FUZZ_HPP
#define QUEUECTL_TESTS_JOURNAL_RECORD_FUZZ_HPP

#include <queuectl/journal/records.hpp>

#include <string>
#include <vector>

namespace queuectl::journal_testing {

// What was read is written; that is read and written again: the same bytes, one record of the type.
// write(out, content) → whether the content could be read.
template <class Write>
[[nodiscard]] bool is_stable(std::string_view content, journal::record_type type, Write&& write)
{
    std::string first, second;
    if (!write(first, content)) return first.empty();
    const auto record = journal::read_record(first);
    if (!record || record->type != type || record->bytes != first.size()) return false;
    return write(second, record->content) && second == first;
}

[[nodiscard]] inline bool fuzz_job(std::string_view content)
{
    using namespace journal;
    job reused;
    job_head head;
    const bool known = read_head(content, head).has_value();
    const auto image = read_image(content);
    const auto asked = read_job(content, reused);
    if ((image && !known) || (asked && !known) || (image && !asked)) return false;
    if (image && image->attempts.size() > content.size()) return false;
    return is_stable(content, record_type::job, [](std::string& out, std::string_view bytes) {
        const auto read = read_image(bytes);
        if (read) append_job(out, *read);
        return read.has_value();
    });
}

[[nodiscard]] inline bool fuzz_end(std::string_view content)
{
    using namespace journal;
    return is_stable(content, record_type::end, [](std::string& out, std::string_view bytes) {
        const auto read = read_end(bytes);
        if (!read) return false;
        const stored_attempt ended = to_attempt(*read);
        const attempt* const run = read->has_run ? &ended.run : nullptr;
        append_end(out, {read->sequence, read->previous, read->state, read->now, read->run_at, read->attempts,
                         read->crashes, read->token, read->was_failed, read->counts_crash, run, ended.output_file,
                         read->set_error, read->error, read->set_result, read->result, read->image_bytes});
        return true;
    });
}

// `append(out, value)` and `read(content)` → result of a value.
template <class Append, class Read>
[[nodiscard]] bool fuzz_value(std::string_view content, journal::record_type type, Append append, Read read)
{
    return is_stable(content, type, [&](std::string& out, std::string_view bytes) {
        const auto value = read(bytes);
        if (value) append(out, *value);
        return value.has_value();
    });
}

[[nodiscard]] inline bool fuzz_content(journal::record_type type, std::string_view content)
{
    using namespace journal;
    std::vector<std::uint64_t> sequences;
    std::vector<std::string_view> names;
    switch (type) {
        case record_type::job: return fuzz_job(content);
        case record_type::end: return fuzz_end(content);
        case record_type::claim:
            return fuzz_value(content, type, append_claim, [&](auto c) { return read_claim(c, sequences); }) &&
                   sequences.size() <= content.size() + 12;
        case record_type::extend:
            return fuzz_value(content, type, append_extend, [&](auto c) { return read_extend(c, sequences); });
        case record_type::change: return fuzz_value(content, type, append_change, read_change);
        case record_type::config: return fuzz_value(content, type, append_config, read_config);
        case record_type::header: return fuzz_value(content, type, append_header, read_header);
        case record_type::unconfig:
            return fuzz_value(
                content, type, [](auto& out, const auto& e) { append_unconfig(out, e.key, e.version); }, read_unconfig);
        case record_type::remove:
            return is_stable(content, type, [&](std::string& out, std::string_view bytes) {
                const auto read = read_remove(bytes, sequences);
                if (read) append_remove(out, sequences);
                return read.has_value();
            });
        case record_type::queues:
            return is_stable(content, type, [&](std::string& out, std::string_view bytes) {
                const auto read = read_queues(bytes, names);
                if (read) append_queues(out, names);
                return read.has_value();
            });
    }
    return true;
}

// The first byte chooses the reader: a record's type, else a whole body of records. False = a property is broken.
[[nodiscard]] inline bool fuzz_records(const unsigned char* data, std::size_t size)
{
    using namespace journal;
    std::string_view bytes{reinterpret_cast<const char*>(data), size};
    if (bytes.empty()) return true;
    const auto type = static_cast<record_type>(data[0]);
    bytes.remove_prefix(1);
    if (type != record_type{} && type <= last_record_type) return fuzz_content(type, bytes);
    while (!bytes.empty()) {
        const auto record = read_record(bytes);
        if (!record) return true;
        if (record->bytes < record_header_bytes || record->bytes > bytes.size()) return false;
        if (!fuzz_content(record->type, record->content)) return false;
        bytes.remove_prefix(record->bytes);
    }
    return true;
}

}  // namespace queuectl::journal_testing

#endif
