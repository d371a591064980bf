// The keyed values of a memory_core.
#ifndef QUEUECTL_DETAIL_MEMORY_CONFIG_HPP
#define QUEUECTL_DETAIL_MEMORY_CONFIG_HPP

#include <queuectl/detail/memory_core.hpp>

namespace queuectl::inline v0::detail {

[[nodiscard]] inline const config_entry* memory_config_find(const memory_core& core, std::string_view key,
                                                            timestamp now)
{
    const auto found = core.config.find(key);
    return found == core.config.end() || found->second.expires_at <= now ? nullptr : &found->second;
}

[[nodiscard]] inline result<std::uint64_t> memory_config_put(memory_core& core, const config_entry& entry,
                                                             timestamp now)
{
    if (entry.key.empty() || entry.key.size() > limits::key_bytes)
        return fail(errc::invalid_argument, "config_put", "a key has 1 to 255 bytes");
    if (entry.value.size() > limits::config_value_bytes)
        return fail(errc::invalid_argument, "config_put " + entry.key, "a value has at most 64 KiB");
    const config_entry* known = memory_config_find(core, entry.key, now);
    if (entry.version != any_version && entry.version != (known ? known->version : 0))
        return fail(errc::conflict, "config_put " + entry.key, "it was changed by another");
    config_entry copy = entry;
    copy.version = core.config_version + 1;
    core.config[entry.key] = std::move(copy);
    core.changes.touch_work();
    return ++core.config_version;
}

[[nodiscard]] inline bool memory_config_erase(memory_core& core, std::string_view key)
{
    const auto found = core.config.find(key);
    if (found == core.config.end()) return false;
    core.config.erase(found);
    core.changes.touch_work();
    return true;
}

// Expired entries on the way are forgotten.
inline void memory_config_list(memory_core& core, std::string_view prefix, std::vector<config_entry>& out,
                               timestamp now)
{
    for (auto e = core.config.lower_bound(prefix); e != core.config.end() && e->first.starts_with(prefix);) {
        if (e->second.expires_at <= now) {
            e = core.config.erase(e);
        } else {
            out.push_back(e->second);
            ++e;
        }
    }
}

}  // namespace queuectl::inline v0::detail

#endif
