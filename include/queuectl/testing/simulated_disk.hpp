// A disk in memory that loses power and fails on request: the file journal's file_system policy for tests.
#ifndef QUEUECTL_TESTING_SIMULATED_DISK_HPP
#define QUEUECTL_TESTING_SIMULATED_DISK_HPP

#include <queuectl/journal/file_system.hpp>
#include <queuectl/testing/disk/crash.hpp>

#include <optional>

namespace queuectl::inline v0 {

// What goes wrong at one call.
enum class disk_fault : std::uint8_t {
    none,
    io_error,        // EIO, nothing done
    full,            // ENOSPC after a part of a write; other calls that need room: nothing done
    interrupted,     // EINTR once
    short_transfer,  // a read or write ends half-way, without an error
    failed_sync,     // EIO, if it is a sync, and the cache takes its pages for clean
    power_off,       // the call's effect is pending (a sync has none); every later call fails
};

// One folder of one disk, shared by any number of simulated_file_system, each a process. Repeatable: nothing here
// is random but what a seed decides. Not thread-safe.
class simulated_disk {
public:
    simulated_disk() = default;
    explicit simulated_disk(simulated::disk_state state) : state_{std::move(state)} {}

    // The n-th call from now (1 = the next; read, write, sync and names count) meets the fault. A piece of a long
    // write, and what is left of it after a fault, is a call.
    void inject(disk_fault fault, std::uint64_t nth) noexcept
    {
        fault_ = fault;
        fault_at_ = calls_ + nth;
    }
    // The next sync, whenever it comes, meets disk_fault::failed_sync; besides what is injected.
    void fail_next_sync() noexcept { fail_next_sync_ = true; }
    // From now on the disk has room for so many new bytes.
    void set_room(std::optional<std::uint64_t> bytes) noexcept { room_ = bytes; }

    [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
    [[nodiscard]] bool is_off() const noexcept { return off_; }
    [[nodiscard]] simulated::disk_state& state() noexcept { return state_; }
    [[nodiscard]] const simulated::disk_state& state() const noexcept { return state_; }

    // The same disk after power has come back, or a copy for each way it may come back.
    [[nodiscard]] std::vector<simulated::crash_plan> crash_plans(std::uint64_t seed, std::size_t random = 2) const
    {
        return simulated::crash_plans(state_, seed, random);
    }
    [[nodiscard]] simulated::disk_state crash(const simulated::crash_plan& plan) const
    {
        return simulated::crash(state_, plan);
    }

private:
    friend class simulated_file_system;

    // 0, or the errno this call ends with. `fault` tells the ones that act on their own.
    int enter(disk_fault& fault)
    {
        fault = disk_fault::none;
        if (off_) return EIO;
        if (++calls_ != fault_at_) return 0;
        fault = fault_;
        if (fault_ == disk_fault::power_off) off_ = true;
        if (fault_ == disk_fault::io_error) return EIO;
        return fault_ == disk_fault::interrupted ? EINTR : 0;
    }

    simulated::disk_state state_;
    std::optional<std::uint64_t> room_;
    std::uint64_t calls_ = 0;
    std::uint64_t fault_at_ = 0;
    disk_fault fault_ = disk_fault::none;
    bool fail_next_sync_ = false;
    bool off_ = false;
};

// One process's hands on a simulated disk; copies belong to the same process. Satisfies journal::file_system.
class simulated_file_system {
public:
    struct file {
        std::shared_ptr<simulated::inode> inode;
        std::string name;
        std::uint64_t errors_heard = 0;  // of the inode's
    };

    explicit simulated_file_system(simulated_disk& disk) : disk_{&disk} {}

    // From now on this process does nothing any more; what it has done stays in the cache.
    void kill() noexcept { *killed_ = true; }

    [[nodiscard]] result<file> create(std::string_view name)
    {
        if (const int e = enter_plain()) return failed("create ", name, e);
        if (names().count(name) != 0) return failed("create ", name, EEXIST);
        if (!take_room(1)) return failed("create ", name, ENOSPC);
        auto made = std::make_shared<simulated::inode>();
        disk_->state_.change({{}, std::string{name}, made});
        return file{std::move(made), std::string{name}, 0};
    }
    [[nodiscard]] result<file> open(std::string_view name)
    {
        if (const int e = enter_plain()) return failed("open ", name, e);
        const auto found = names().find(name);
        if (found == names().end()) return failed("open ", name, ENOENT);
        return file{found->second, std::string{name}, found->second->errors};
    }
    [[nodiscard]] result<std::size_t> read(const file& f, std::uint64_t offset, char* to, std::size_t count)
    {
        const auto done = journal::detail::transfer_all(
            count, [&](std::size_t at, std::size_t left) { return read_once(*f.inode, offset + at, to + at, left); });
        if (done < 0) return failed("read ", f.name, static_cast<int>(-done));
        return static_cast<std::size_t>(done);
    }
    [[nodiscard]] result<void> write(file& f, std::uint64_t offset, std::string_view bytes)
    {
        const int e = journal::detail::write_all(bytes.size(), [&](std::size_t at, std::size_t left) {
            return write_once(*f.inode, offset + at, bytes.substr(at, left));
        });
        if (e != 0) return failed("write ", f.name, e);
        return {};
    }
    [[nodiscard]] result<void> fill_zeros(file& f, std::uint64_t offset, std::uint64_t count)
    {
        return journal::detail::write_zeros(
            offset, count, [&](std::uint64_t at, std::string_view zeros) { return write(f, at, zeros); });
    }
    [[nodiscard]] result<void> sync(file& f)
    {
        const int e = enter_sync(*f.inode);
        if (e == 0) f.inode->settle();
        const bool heard = std::exchange(f.errors_heard, f.inode->errors) == f.inode->errors;
        if (e != 0 || !heard) return failed("sync ", f.name, e != 0 ? e : EIO);
        return {};
    }
    [[nodiscard]] result<void> sync_directory()
    {
        if (const int e = enter_sync(disk_->state_)) return failed("sync ", "the folder", e);
        disk_->state_.settle();
        return {};
    }
    [[nodiscard]] result<void> rename(std::string_view from, std::string_view to)
    {
        if (const int e = enter_plain()) return failed("rename ", from, e);
        const auto found = names().find(from);
        if (found == names().end()) return failed("rename ", from, ENOENT);
        disk_->state_.change({std::string{from}, std::string{to}, found->second});
        return {};
    }
    [[nodiscard]] result<void> remove(std::string_view name)
    {
        if (const int e = enter_plain()) return failed("remove ", name, e);
        if (names().count(name) == 0) return failed("remove ", name, ENOENT);
        disk_->state_.change({std::string{name}, {}, {}});
        return {};
    }
    [[nodiscard]] result<std::vector<std::string>> list()
    {
        if (const int e = enter_plain()) return failed("list ", "the folder", e);
        std::vector<std::string> all;
        for (const auto& [name, inode] : names()) all.push_back(name);
        return all;
    }
    [[nodiscard]] result<std::uint64_t> size(const file& f)
    {
        if (const int e = enter_plain()) return failed("stat ", f.name, e);
        return std::uint64_t{f.inode->cached.size()};
    }
    [[nodiscard]] result<void> truncate(file& f, std::uint64_t bytes)
    {
        if (const int e = enter_plain()) return failed("truncate ", f.name, e);
        f.inode->change({true, bytes, {}});
        return {};
    }

private:
    static failure_value failed(std::string_view what, std::string_view name, int number)
    {
        return journal::detail::fail_errno(std::string{what}.append(name), number);
    }
    [[nodiscard]] const simulated::names& names() const noexcept { return disk_->state_.cached; }

    int enter(disk_fault& fault) { return *killed_ ? EIO : disk_->enter(fault); }

    // A call with no effect of its own under a fault; it is repeated after a signal.
    int enter_plain()
    {
        disk_fault fault{};
        int e = enter(fault);
        while (e == EINTR) e = enter(fault);
        if (e == 0 && fault == disk_fault::full) return ENOSPC;
        return e;
    }

    template <class Changed>
    int enter_sync(Changed& changed)
    {
        disk_fault fault{};
        const int e = enter(fault);
        if (fault == disk_fault::power_off) return EIO;
        const bool fails = std::exchange(disk_->fail_next_sync_, false) || fault == disk_fault::failed_sync;
        if (!fails && e == 0) return 0;
        if (!disk_->off_ && !*killed_) changed.lose();
        return e != 0 ? e : EIO;
    }

    std::int64_t read_once(const simulated::inode& node, std::uint64_t offset, char* to, std::size_t count)
    {
        disk_fault fault{};
        if (const int e = enter(fault)) return -e;
        if (offset >= node.cached.size()) return 0;
        count = static_cast<std::size_t>(std::min<std::uint64_t>(count, node.cached.size() - offset));
        if (fault == disk_fault::short_transfer) count = (count + 1) / 2;
        node.cached.copy(to, count, static_cast<std::size_t>(offset));
        return static_cast<std::int64_t>(count);
    }

    std::int64_t write_once(simulated::inode& node, std::uint64_t offset, std::string_view bytes)
    {
        disk_fault fault{};
        if (const int e = enter(fault)) return -e;
        if (fault == disk_fault::short_transfer) bytes = bytes.substr(0, (bytes.size() + 1) / 2);
        const std::uint64_t end = offset + bytes.size();
        const std::uint64_t grows = end > node.cached.size() ? end - node.cached.size() : 0;
        if (fault == disk_fault::full || !take_room(grows)) {
            const std::string_view part = bytes.substr(0, bytes.size() / 2);
            if (grows == 0 || grows < bytes.size()) node.change({false, offset, std::string{part}});
            return -ENOSPC;
        }
        node.change({false, offset, std::string{bytes}});
        return static_cast<std::int64_t>(bytes.size());
    }

    bool take_room(std::uint64_t bytes)
    {
        if (!disk_->room_ || bytes == 0) return true;
        if (*disk_->room_ < bytes) return false;
        *disk_->room_ -= bytes;
        return true;
    }

    simulated_disk* disk_;
    std::shared_ptr<bool> killed_ = std::make_shared<bool>(false);
};
static_assert(journal::file_system<simulated_file_system>);

}  // namespace queuectl::inline v0

#endif
