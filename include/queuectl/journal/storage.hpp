// journal_storage: jobs in an append-only log of our own. POSIX; needs nothing but the system.
#ifndef QUEUECTL_JOURNAL_STORAGE_HPP
#define QUEUECTL_JOURNAL_STORAGE_HPP

#include <queuectl/journal/options.hpp>
#include <queuectl/journal/store/facets.hpp>
#include <queuectl/journal/store/verify.hpp>
#include <queuectl/process/network_fs.hpp>

namespace queuectl::inline v0 {

namespace journal {

// A journal over any file system and lock; journal_storage is the real one.
template <file_system FileSystem, class Gate, class Guards = store_guards>
class basic_storage : public facets<session<FileSystem, Gate, Guards>> {
protected:
    using session_type = session<FileSystem, Gate, Guards>;

public:
    // `gate`, `words`, `control` and what `memory` maps are shared by all who have the store open; they outlive this,
    // or are kept alive by `kept`. Opening reads nothing but the newest segment's header.
    [[nodiscard]] static result<basic_storage> open(FileSystem fs, Gate& gate, log_words& words, control_words& control,
                                                    index_memory memory, const log_options& options, std::string where,
                                                    bool sync_claims = false, std::shared_ptr<void> kept = {})
    {
        auto opened = session_type::log_type::open(std::move(fs), gate, words, options);
        if (!opened) return fail(opened.error());
        return basic_storage{std::make_unique<session_type>(std::move(kept), std::move(*opened), std::move(memory),
                                                            control, options, std::move(where)),
                             sync_claims};
    }

    // Reads and checks every frame and record of the log, and compares what they say with the index that processes
    // share; names what is damaged by file and offset. Others may use the store meanwhile. Memory: an index of its own.
    [[nodiscard]] result<verify_report> verify(const instant& now)
    {
        auto memory = index_memory::anonymous();
        if (!memory) return fail(memory.error());
        return store_check<session_type>{*this->session_, std::move(*memory)}.run(seconds(now));
    }

    // One step of removing output files that no run names, and that are an hour old: what a settle left that failed, or
    // whose process died. Looks at a thousand jobs.
    [[nodiscard]] result<output_sweep> sweep_outputs(const instant& now)
    {
        return sweep_->step(*this->session_, seconds(now));
    }

protected:
    basic_storage(std::unique_ptr<session_type> session, bool sync_claims)
        : facets<session_type>{std::move(session), sync_claims}
    {
    }

private:
    static std::int64_t seconds(const instant& now) noexcept
    {
        return std::chrono::duration_cast<std::chrono::seconds>(now.wall.time_since_epoch()).count();
    }

    std::unique_ptr<orphan_sweep> sweep_ = std::make_unique<orphan_sweep>();
};

}  // namespace journal

// A handle to the store in one folder; movable. Any number of threads may call it, and any number of processes may open
// the same folder. It must not be used after fork: the child opens its own (calls give errc::unsupported there).
class journal_storage : public journal::basic_storage<journal::posix_file_system, journal::process_gate> {
    using base = journal::basic_storage<journal::posix_file_system, journal::process_gate>;

public:
    // Opens the store, creating it where the options say so; creating it is durable when this returns.
    // errc::not_found: there is none; corrupt: damage; wrong_version: it is of a newer program; permission: a link,
    // another user's folder; unsupported: a network file system; invalid_argument: a folder of other things.
    [[nodiscard]] static result<journal_storage> open(std::string path, const journal_options& options = {})
    {
        if (options.durability == durability::process)
            return fail(errc::unsupported, "open " + path, "a file outlives its process");
        auto fs = journal::posix_file_system::open_folder(path, options.create);
        if (!fs) return fail(fs.error());
        if (!options.insist_network_fs)
            if (auto local = refuse_network_fs(path); !local) return fail(local.error());
        if (auto usable = check_folder(*fs, path, options.create); !usable) return fail(usable.error());
        auto shared = share(fs->folder());
        if (!shared) return fail(shared.error());
        auto memory = journal::index_memory::map(fs->folder());
        if (!memory) return fail(memory.error());
        const auto parts = std::move(*shared);
        auto& words = parts->page.storage_words<journal::log_words>();
        const auto log_options = log_options_of(options, fs->folder());
        auto opened = base::open(std::move(*fs), parts->gate, words, parts->page.words(), std::move(*memory),
                                 log_options, std::move(path), options.sync_claims, parts);
        if (!opened) return fail(opened.error());
        return journal_storage{std::move(*opened)};
    }

private:
    // What the processes of one store share.
    struct shared_parts {
        control_page page;
        journal::process_gate gate;
    };

    explicit journal_storage(base opened) : base{std::move(opened)} {}

    static result<std::shared_ptr<shared_parts>> share(const side_folder& folder)
    {
        auto page = control_page::open(folder);
        if (!page) return fail(page.error());
        auto gate = journal::process_gate::open(folder, page->words());
        if (!gate) return fail(gate.error());
        return std::make_shared<shared_parts>(shared_parts{std::move(*page), std::move(*gate)});
    }
    // A folder without a store: of nothing else, to become one.
    static result<void> check_folder(journal::posix_file_system& fs, const std::string& path, bool create)
    {
        if (create && fs.folder().holds("control")) return {};
        auto names = fs.list();
        if (!names) return fail(names.error());
        const auto any = [&](auto is) { return std::any_of(names->begin(), names->end(), is); };
        if (any([](const auto& name) { return journal::segment_number(name) != 0; })) return {};
        if (any([](const auto& name) { return !is_ours(name); }))
            return fail(errc::invalid_argument, "open " + path, "it is no store, and holds other things");
        return create ? result<void>{} : fail(errc::not_found, "open " + path, "no such store");
    }
    // Whether a folder that becomes a store may hold this before: what a creation that was cut off left, and the
    // folders of workers.
    static bool is_ours(std::string_view name)
    {
        for (const char* one : {".", "..", "control", "lock", "sync", "logs", "workers", "lost+found"})
            if (name == one) return true;
        return name.starts_with("index.") || journal::segment_number(name, ".new") != 0;
    }
    // What is shared by mapping is believed in the folder where it was made only: a copy of a store, whose files may
    // have been copied one after the other while it was changed, trusts nothing but its log.
    static uid same_place(uid boot, const side_folder& folder)
    {
#if defined(__linux__)
        struct statx what {};
        if (::statx(folder.fd(), "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &what) != 0) return boot;
        const auto made = static_cast<std::uint64_t>(what.stx_btime.tv_sec) << 30 | what.stx_btime.tv_nsec;
        return {boot.high ^ made, boot.low ^ what.stx_ino ^ std::uint64_t{what.stx_dev_minor} << 48};
#else
        struct stat what {};
        if (::fstat(folder.fd(), &what) != 0) return boot;
        return {boot.high ^ static_cast<std::uint64_t>(what.st_dev),
                boot.low ^ static_cast<std::uint64_t>(what.st_ino)};
#endif
    }
    static journal::log_options log_options_of(const journal_options& options, const side_folder& folder)
    {
        journal::log_options log;
        log.create = options.create;
        log.mode = options.durability;
        log.interval = options.interval;
        log.lock_patience = options.busy;
        log.sizes = options.sizes;
        log.boot = same_place(log.boot, folder);
        return log;
    }
};

static_assert(fused_storage<journal_storage> && inspectable_storage<journal_storage> &&
              transferable_storage<journal_storage> && configurable_storage<journal_storage> &&
              notifying_storage<journal_storage>);

}  // namespace queuectl::inline v0

#endif
