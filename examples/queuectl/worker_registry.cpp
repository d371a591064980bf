#include "worker_registry.hpp"

#include <queuectl/time_source.hpp>

#include <algorithm>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace queuectl::command {
namespace {

constexpr std::string_view suffix = ".lock";

std::string file_of(const std::string& name) { return name + std::string{suffix}; }
std::string key_of(const std::string& name) { return std::string{worker_key_prefix} + name; }

// An entry of a shared store lives so long without being refreshed.
constexpr duration entry_lifetime = std::chrono::seconds{30};

config_entry stored_entry(const worker_entry& entry, bool shared, timestamp now)
{
    return {key_of(entry.name), to_text(entry), any_version, shared ? add(now, entry_lifetime) : timestamp_max};
}

bool try_lock(int fd)
{
    while (::flock(fd, LOCK_EX | LOCK_NB) != 0)
        if (errno != EINTR) return false;
    return true;
}

// Whether the open file still is what its name leads to: a cleaner may have removed it before we locked it.
bool is_linked(int fd)
{
    struct stat what {};
    return ::fstat(fd, &what) == 0 && what.st_nlink > 0;
}

std::string read_text(int fd)
{
    std::string text(8192, '\0');
    const auto count = ::pread(fd, text.data(), text.size(), 0);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
}

result<owned_fd> make_lock(const side_folder& folder, const worker_entry& entry)
{
    const auto name = file_of(entry.name);
    for (;;) {
        auto file = folder.open_file(name.c_str(), O_RDWR | O_CREAT);
        if (!file) return file;
        if (!try_lock(file->get()) || !is_linked(file->get())) continue;
        const auto text = to_text(entry);
        if (const int e = detail::write_all(file->get(), text.data(), text.size()); e != 0)
            return detail::fail_errno("write " + folder.path() + '/' + name, e);
        return file;
    }
}

}  // namespace

registration::registration(side_folder folder, owned_fd lock, any_storage& storage, worker_entry entry)
    : folder_{std::move(folder)}, lock_{std::move(lock)}, storage_{&storage}, entry_{std::move(entry)}
{
}

registration::~registration()
{
    if (!lock_) return;
    if (storage_->config_erase(key_of(entry_.name))) ::unlinkat(folder_.fd(), file_of(entry_.name).c_str(), 0);
}

result<worker_registry> worker_registry::open(const std::string& side_folder_path, bool create)
{
    auto side = side_folder::open(side_folder_path, create);
    if (!side) return fail(side.error());
    auto folder = side->subfolder("workers", create);
    if (!folder) return fail(folder.error());
    return worker_registry{std::move(*folder)};
}

result<registration> worker_registry::enter(any_storage& storage, worker_entry entry, bool shared) const
{
    auto own = side_folder::open(folder_.path(), false);
    if (!own) return fail(own.error());
    auto lock = make_lock(*own, entry);
    if (!lock) return fail(lock.error());
    const instant now = system_time_source{}.now();
    if (auto put = storage.config_put(stored_entry(entry, shared, now.wall), now); !put) {
        ::unlinkat(own->fd(), file_of(entry.name).c_str(), 0);
        return fail(put.error());
    }
    return registration{std::move(*own), std::move(*lock), storage, std::move(entry)};
}

result<void> worker_registry::refresh(any_storage& storage, const std::string& supervisor) const
{
    const instant now = system_time_source{}.now();
    for (const auto& entry : living()) {
        if (entry.name != supervisor && entry.supervisor != supervisor) continue;
        if (auto put = storage.config_put(stored_entry(entry, true, now.wall), now); !put) return fail(put.error());
    }
    return {};
}

result<std::vector<known_worker>> list_entries(any_storage& storage)
{
    std::vector<config_entry> stored;
    if (auto listed = storage.config_list(worker_key_prefix, stored, system_time_source{}.now()); !listed)
        return fail(listed.error());
    std::vector<known_worker> found;
    for (const auto& item : stored)
        if (auto entry = parse_worker_entry(item.value)) found.push_back({std::move(*entry), true, false});
    return found;
}

std::vector<std::string> worker_registry::lock_files() const
{
    std::vector<std::string> names;
    DIR* const directory = ::opendir(folder_.path().c_str());
    if (directory == nullptr) return names;
    while (const dirent* const file = ::readdir(directory)) {
        std::string_view name{file->d_name};
        if (name.size() <= suffix.size() || !name.ends_with(suffix)) continue;
        name.remove_suffix(suffix.size());
        names.emplace_back(name);
    }
    ::closedir(directory);
    std::sort(names.begin(), names.end());
    return names;
}

bool worker_registry::has_lock_file(const std::string& name) const
{
    return ::faccessat(folder_.fd(), file_of(name).c_str(), F_OK, 0) == 0;
}

bool worker_registry::holds_lock(const std::string& name) const
{
    auto file = folder_.open_file(file_of(name).c_str(), O_RDWR);
    return file && !try_lock(file->get());
}

std::vector<worker_entry> worker_registry::living() const
{
    std::vector<worker_entry> found;
    for (const auto& name : lock_files()) {
        auto file = folder_.open_file(file_of(name).c_str(), O_RDWR);
        if (!file || try_lock(file->get())) continue;
        if (auto entry = parse_worker_entry(read_text(file->get()))) found.push_back(std::move(*entry));
    }
    return found;
}

std::vector<worker_registry::dead_worker> worker_registry::dead() const
{
    std::vector<dead_worker> found;
    for (const auto& name : lock_files()) {
        auto file = folder_.open_file(file_of(name).c_str(), O_RDWR);
        if (!file || !try_lock(file->get()) || !is_linked(file->get())) continue;
        auto entry = parse_worker_entry(read_text(file->get()));
        if (!entry || entry->name != name) {  // it died before it wrote a word, and so before it had a lease
            entry.emplace();
            entry->name = name;
        }
        found.push_back({std::move(*file), std::move(*entry)});
    }
    return found;
}

result<void> worker_registry::forget(any_storage& storage, dead_worker worker) const
{
    if (auto erased = storage.config_erase(key_of(worker.entry.name)); !erased) return fail(erased.error());
    ::unlinkat(folder_.fd(), file_of(worker.entry.name).c_str(), 0);
    return {};
}

result<std::vector<worker_entry>> worker_registry::lockless(any_storage& storage) const
{
    const auto host = describe_this_process(worker_role::worker).host;
    auto all = list(storage);
    if (!all) return fail(all.error());
    std::vector<worker_entry> found;
    for (auto& worker : *all)
        if (worker.entry.host == host && !has_lock_file(worker.entry.name)) found.push_back(std::move(worker.entry));
    return found;
}

result<std::vector<known_worker>> worker_registry::list(any_storage& storage) const
{
    const auto host = describe_this_process(worker_role::worker).host;
    std::vector<known_worker> found;
    for (auto& entry : living()) found.push_back({std::move(entry), true, false});
    std::vector<config_entry> stored;
    if (auto listed = storage.config_list(worker_key_prefix, stored, system_time_source{}.now()); !listed)
        return fail(listed.error());
    const auto locked = found.size();
    for (const auto& item : stored) {
        auto entry = parse_worker_entry(item.value);
        if (!entry) continue;
        const auto same = [&](const known_worker& w) { return w.entry.name == entry->name; };
        const auto end = found.begin() + static_cast<std::ptrdiff_t>(locked);
        if (std::none_of(found.begin(), end, same)) {
            const bool remote = item.expires_at != timestamp_max && !has_lock_file(entry->name);
            const bool alive = remote || holds_lock(entry->name);
            const bool foreign = !alive && entry->host != host;
            found.push_back({std::move(*entry), alive, foreign});
        }
    }
    return found;
}

}  // namespace queuectl::command
