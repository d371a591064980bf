// The keyed values of a memory_core.
#ifndef QUEUECTL_DETAIL_MEMORY_CONFIG_HPP
#define QUEUECTL_DETAIL_MEMORY_CONFIG_HPP

#include <queuectl/detail/memory_core.hpp>

namespace queuectl::inline v0::detail {

[[nodiscard]] inline const config_entry* memory_config_find(const memory_core& core, std::string_view key,
                                                            timestamp now)
{
    const memory_setting* const found = core.settings.find(key);
    return !found || found->entry.expires_at <= now ? nullptr : &found->entry;
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
    copy.version = core.settings_version + 1;
    core.settings.get(entry.key).entry = std::move(copy);
    core.changes.touch_work();
    return ++core.settings_version;
}

[[nodiscard]] inline bool memory_config_erase(memory_core& core, std::string_view key)
{
    const memory_setting* const found = core.settings.find(key);
    if (!found) return false;
    core.settings.erase(*found);
    core.changes.touch_work();
    return true;
}

// Expired entries on the way are forgotten.
inline void memory_config_list(memory_core& core, std::string_view prefix, std::vector<config_entry>& out,
                               timestamp now)
{
    const memory_setting* next = nullptr;
    for (const memory_setting* s = core.settings.first_from(prefix); s && s->entry.key.starts_with(prefix); s = next) {
        next = core.settings.first_after(s->entry.key);
        if (s->entry.expires_at <= now)
            core.settings.erase(*s);
        else
            out.push_back(s->entry);
    }
}

}  // namespace queuectl::inline v0::detail

#endif
