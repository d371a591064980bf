// Output files that no job names: their settle failed, or its process died.
#ifndef QUEUECTL_JOURNAL_STORE_ORPHANS_HPP
#define QUEUECTL_JOURNAL_STORE_ORPHANS_HPP

#include <queuectl/journal/store/outputs.hpp>
#include <queuectl/verify_report.hpp>

#include <algorithm>
#include <mutex>

namespace queuectl::inline v0::journal {

// A settle writes its files before it appends: those that are younger may belong to one that has not ended.
inline constexpr std::int64_t orphan_age_s = 3600;

// Whether a file was changed last before that time. A file system that tells no times: `otherwise`.
template <file_system FileSystem>
[[nodiscard]] bool is_older(FileSystem& fs, const std::string& name, std::int64_t than_s, bool otherwise)
{
    if constexpr (requires { fs.folder().fd(); }) {
        struct stat what {};
        return ::fstatat(fs.folder().fd(), name.c_str(), &what, AT_SYMLINK_NOFOLLOW) == 0 && what.st_mtime < than_s;
    }
    return otherwise;
}

// Names the output files that are damaged, but for `orphans` (sorted). Those of the last minute may still be written.
template <file_system FileSystem>
[[nodiscard]] result<void> check_outputs(FileSystem& fs, std::int64_t now_s, const std::vector<output_number>& orphans,
                                         verify_report& report)
{
    const auto names = fs.list();
    if (!names) return fail(names.error());
    for (const auto& name : *names) {
        const auto number = segment_number(name, ".out");
        if (number == 0 || std::binary_search(orphans.begin(), orphans.end(), number)) continue;
        const auto out = read_output(fs, number);
        if (!out && out.error().code == errc::corrupt && is_older(fs, name, now_s - 60, true))
            report.add(finding_kind::damage, out.error().message());
    }
    return {};
}

// The output files that are older than orphan_age_s, sorted. A file system that tells no age has none.
template <file_system FileSystem>
[[nodiscard]] result<std::vector<output_number>> old_outputs(FileSystem& fs, std::int64_t now_s)
{
    std::vector<output_number> numbers;
    if constexpr (requires { fs.folder().fd(); }) {
        const auto names = fs.list();
        if (!names) return fail(names.error());
        for (const auto& name : *names) {
            const auto number = segment_number(name, ".out");
            if (number != 0 && is_older(fs, name, now_s - orphan_age_s, false)) numbers.push_back(number);
        }
        std::sort(numbers.begin(), numbers.end());
    }
    return numbers;
}

// Takes out of `files` (sorted) those that the jobs with sequences from `from` on, before `end` (0: all), name.
template <class Core>
[[nodiscard]] result<void> drop_named(Core& core, std::uint64_t from, std::uint64_t end,
                                      std::vector<output_number>& files)
{
    std::vector<output_number> named;
    std::uint64_t stopped = 0;
    for (auto at = from; at != 0 && !files.empty() && (end == 0 || at < end);) {
        const auto sequence = core.index.pages().next(at, 100'000, &stopped);
        at = sequence == 0 ? stopped : sequence + 1;
        if (sequence == 0 || (end != 0 && sequence >= end)) continue;
        const ref job = core.index.by_sequence(sequence);
        named.clear();
        if (auto done = collect_outputs(core, core.index.last_of(job), named); !done) return done;
        for (const auto number : named)
            if (const auto it = std::lower_bound(files.begin(), files.end(), number);
                it != files.end() && *it == number)
                files.erase(it);
    }
    return {};
}

// Finds and removes orphans, a thousand jobs a step. Any number of threads.
class orphan_sweep {
public:
    template <class Session>
    [[nodiscard]] result<output_sweep> step(Session& session, std::int64_t now_s)
    {
        const std::scoped_lock one{mutex_};
        if (next_ == 0) {
            auto found = old_outputs(session.fs(), now_s);
            if (!found) return fail(found.error());
            files_ = std::move(*found);
            next_ = 1;
        }
        const auto from = next_;
        auto looked = session.read("sweep_outputs", [&](auto& core) -> result<void> {
            const auto last = core.index.roots().last_sequence;
            next_ = last - from < jobs_a_step || from > last ? 0 : from + jobs_a_step;
            return drop_named(core, from, next_, files_);
        });
        if (!looked) {
            next_ = 0;
            return fail(looked.error());
        }
        if (files_.empty()) next_ = 0;
        if (next_ != 0) return output_sweep{0, false};
        for (const auto number : files_) static_cast<void>(session.fs().remove(output_name(number)));
        return output_sweep{std::exchange(files_, {}).size(), true};
    }

private:
    static constexpr std::uint64_t jobs_a_step = 1000;

    std::mutex mutex_;
    std::vector<output_number> files_;  // named by no job before next_
    std::uint64_t next_ = 0;            // the sequence that is looked at next; 0 = a new sweep begins
};

}  // namespace queuectl::inline v0::journal

#endif
