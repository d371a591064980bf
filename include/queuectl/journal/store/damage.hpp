// What is damaged, for a report.
#ifndef QUEUECTL_JOURNAL_STORE_DAMAGE_HPP
#define QUEUECTL_JOURNAL_STORE_DAMAGE_HPP

#include <queuectl/journal/salvage.hpp>
#include <queuectl/journal/store/outputs.hpp>
#include <queuectl/verify_report.hpp>

namespace queuectl::inline v0::journal {

// Adds the size of every file of the store that has this suffix to the report.
template <file_system FileSystem>
[[nodiscard]] result<void> add_bytes(FileSystem& fs, std::string_view suffix, verify_report& report)
{
    const auto names = fs.list();
    if (!names) return fail(names.error());
    for (const auto& name : *names) {
        if (segment_number(name, suffix) == 0) continue;
        auto file = fs.open(name);
        if (!file) continue;  // removed meanwhile, or someone else's
        if (const auto size = fs.size(*file)) report.bytes += *size;
    }
    return {};
}

// Adds every damaged place of the log to the report.
template <file_system FileSystem>
[[nodiscard]] result<void> tell_damage(FileSystem& fs, verify_report& report)
{
    struct {
        void frame(std::uint64_t, const frame_place&, std::string_view) noexcept {}
        void gap(std::uint64_t) noexcept {}
    } nobody;
    const auto lost = salvage_log(fs, nobody);
    if (!lost) return fail(lost.error());
    for (const auto& part : lost->lost) report.add(finding_kind::damage, part.text());
    if (const auto more = remembered_loss(fs, lost->store, lost->next, queuectl::detail::read_boot_id()))
        report.add(finding_kind::damage, more->text());
    return add_bytes(fs, ".log", report);
}

}  // namespace queuectl::inline v0::journal

#endif
