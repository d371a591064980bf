#include "move_lock.hpp"

#include "text.hpp"
#include "worker_entry.hpp"

#include <queuectl/process/side_folder.hpp>
#include <queuectl/random.hpp>
#include <queuectl/time_source.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace queuectl::command {
namespace {

constexpr char lock_key[] = "move/lock";
constexpr duration lifetime = std::chrono::seconds{30};
constexpr duration renewal = std::chrono::seconds{5};

result<owned_fd> lock_file(const store_location& store)
{
    auto side = side_folder::open(store.side_folder(), true);
    if (!side) return fail(side.error());
    auto folder = side->subfolder("workers", true);
    if (!folder) return fail(folder.error());
    auto file = folder->open_file("moving", O_RDWR | O_CREAT);
    if (!file) return file;
    while (::flock(file->get(), LOCK_EX | LOCK_NB) != 0)
        if (errno != EINTR) return fail(errc::busy, "migrate", "another process is moving the store");
    return file;
}

// Who held the lock file last; none when it says nothing.
uid last_holder(const owned_fd& file)
{
    char text[uid_digits];
    const auto count = ::pread(file.get(), text, sizeof text, 0);
    return parse_uid({text, count > 0 ? static_cast<std::size_t>(count) : 0}).value_or(uid{});
}

result<void> write_holder(const owned_fd& file, const uid& holder)
{
    const auto text = to_hex(holder);
    if (const int e = detail::write_all(file.get(), text.data(), text.size()); e != 0)
        return detail::fail_errno("write the lock of the move", e);
    return {};
}

}  // namespace

move_lock::move_lock(owned_fd file, any_storage& storage, const uid& holder)
    : file_{std::move(file)}, storage_{&storage}, holder_{holder}
{
}

move_lock::~move_lock()
{
    if (!file_ || version_ == 0) return;
    const instant now = system_time_source{}.now();
    static_cast<void>(storage_->config_put({lock_key, "", version_, now.wall}, now));
}

result<move_lock> move_lock::take(open_store& store)
{
    auto file = lock_file(store.where);
    if (!file) return fail(file.error());
    move_lock held{std::move(*file), *store.storage, random_source{}.draw_uid()};
    if (!store.where.shared()) return held;
    auto info = store.storage->info();
    if (!info) return fail(info.error());
    if (info->state == store_state::moved) return held;  // nothing in it changes any more
    const uid last = last_holder(held.file_);
    if (auto written = write_holder(held.file_, held.holder_); !written) return fail(written.error());
    if (auto entered = held.enter(last); !entered) return fail(entered.error());
    return held;
}

result<void> move_lock::enter(const uid& last_here)
{
    auto there = storage_->config_get(lock_key, system_time_source{}.now());
    if (!there) return fail(there.error());
    if (!*there) return renew();
    const std::string_view text = (*there)->value;
    if (parse_uid(text.substr(0, uid_digits)) != last_here)
        return fail(errc::busy, "migrate",
                    "process" + std::string{text.substr(std::min(uid_digits, text.size()))} +
                        " is moving the store; should it be gone, its lock runs out within 30 seconds");
    version_ = (*there)->version;
    return renew();
}

result<void> move_lock::renew()
{
    const auto self = describe_this_process(worker_role::supervisor);
    const instant now = system_time_source{}.now();
    auto put = storage_->config_put({lock_key, to_hex(holder_) + ' ' + std::to_string(self.pid) + " on " + self.host,
                                     version_, add(now.wall, lifetime)},
                                    now);
    if (!put && put.error().code == errc::conflict) {
        version_ = 0;
        return fail(errc::busy, "migrate", "it took too long, and lost its lock; run it again");
    }
    if (!put) return fail(put.error());
    version_ = *put;
    renewed_at_ = now.boot;
    return {};
}

result<void> move_lock::keep()
{
    if (version_ == 0 || system_time_source{}.now().boot - renewed_at_ < renewal) return {};
    return renew();
}

}  // namespace queuectl::command
