// Output too long for the log: files of their own in the store's folder, named by a random number.
#ifndef QUEUECTL_JOURNAL_STORE_OUTPUTS_HPP
#define QUEUECTL_JOURNAL_STORE_OUTPUTS_HPP

#include <queuectl/journal/store/core.hpp>

namespace queuectl::inline v0::journal {

using output_number = std::uint64_t;  // 0 = none

[[nodiscard]] inline std::string output_name(output_number number) { return segment_name(number, ".out"); }

[[nodiscard]] inline bool needs_file(const run_output& out) noexcept
{
    return out.head.size() + out.tail.size() > limits::inline_output_bytes;
}

namespace detail {

inline constexpr std::size_t output_head_bytes = 12;

// Of a whole output file: its number, and its bytes but for the checksum.
[[nodiscard]] inline std::uint32_t output_crc(output_number number, std::string_view bytes) noexcept
{
    char name[8];
    store_le(name, number);
    return crc32c(bytes.substr(output_head_bytes), crc32c(bytes.substr(0, 8), crc32c({name, sizeof name})));
}

}  // namespace detail

// Writes and syncs the file: 8 bytes length of the head; 4 bytes CRC32C of the file's number (8 bytes) and of all
// other bytes; the head; the tail. Its name is not synced.
template <class Guards = store_guards, file_system FileSystem>
[[nodiscard]] result<void> write_output(FileSystem& fs, output_number number, const run_output& out)
{
    std::string bytes(detail::output_head_bytes, '\0');
    detail::store_le(bytes.data(), std::uint64_t{out.head.size()});
    bytes += out.head;
    bytes += out.tail;
    detail::store_le(bytes.data() + 8, detail::output_crc(number, bytes));
    auto file = fs.create(output_name(number));
    if (!file) return fail(file.error());
    auto done = fs.write(*file, 0, bytes);
    if (done && Guards::sync_outputs) done = fs.sync(*file);
    if (!done) static_cast<void>(fs.remove(output_name(number)));
    return done;
}

// Head and tail of a file; dropped_bytes is not in it. errc::corrupt when it is not as it was written.
template <file_system FileSystem>
[[nodiscard]] result<run_output> read_output(FileSystem& fs, output_number number)
{
    auto file = fs.open(output_name(number));
    if (!file) return fail(file.error());
    const auto size = fs.size(*file);
    if (!size) return fail(size.error());
    std::string bytes(static_cast<std::size_t>(*size), '\0');
    const auto got = fs.read(*file, 0, bytes.data(), bytes.size());
    if (!got) return fail(got.error());
    bytes.resize(*got);
    constexpr auto begin = detail::output_head_bytes;
    const std::uint64_t head = bytes.size() < begin ? ~std::uint64_t{0} : detail::load_le<std::uint64_t>(bytes.data());
    if (head > bytes.size() - begin ||
        detail::load_le<std::uint32_t>(bytes.data() + 8) != detail::output_crc(number, bytes))
        return fail(errc::corrupt, "read " + output_name(number), "the output is damaged");
    run_output out;
    out.head.assign(bytes, begin, static_cast<std::size_t>(head));
    out.tail.assign(bytes, begin + static_cast<std::size_t>(head));
    return out;
}

// Appends the numbers of the files that a job's newest records and its image name.
template <class Core>
[[nodiscard]] result<void> collect_outputs(Core& core, location last, std::vector<output_number>& files)
{
    auto image_at = core.for_each_end(last, [&](location, const end_view& end) {
        if (end.has_run && end.run.output_file != 0) files.push_back(end.run.output_file);
        return true;
    });
    if (!image_at) return fail(image_at.error());
    auto content = core.read(*image_at, record_type::job);
    if (!content) return fail(content.error());
    auto image = read_image(*content);
    if (!image) return fail(image.error());
    for (const auto& run : image->attempts)
        if (run.output_file != 0) files.push_back(run.output_file);
    return {};
}

}  // namespace queuectl::inline v0::journal

#endif
