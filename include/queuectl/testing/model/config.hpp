// The reference model's configurable and notifying facets.
#ifndef QUEUECTL_TESTING_MODEL_CONFIG_HPP
#define QUEUECTL_TESTING_MODEL_CONFIG_HPP

#include <queuectl/testing/model/transfer.hpp>

namespace queuectl::inline v0 {

class model_config : public model_transfer {
public:
    virtual result<std::optional<config_entry>> config_get(std::string_view key, const instant& now) const
    {
        const std::scoped_lock lock{kept().mutex};
        for (const auto& e : kept().config)
            if (e.key == key && live(e, now)) return std::optional{e};
        return std::optional<config_entry>{};
    }

    virtual result<std::uint64_t> config_put(const config_entry& entry, const instant& now)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = ending("config_put"); !open) return fail(open.error());
        auto& all = kept().config;
        std::uint64_t stored = 0;
        for (const auto& e : all)
            if (e.key == entry.key && live(e, now)) stored = e.version;
        if (!may_put(entry.version, stored)) return fail(errc::conflict, "config_put", "another version is stored");
        drop(entry.key);
        all.push_back(entry);
        all.back().version = kept().next_version++;
        const std::uint64_t version = all.back().version;
        std::sort(all.begin(), all.end(), [](const config_entry& a, const config_entry& b) { return a.key < b.key; });
        kept().tell_work();
        return version;
    }

    virtual result<bool> config_erase(std::string_view key)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = ending("config_erase"); !open) return fail(open.error());
        return drop(key);
    }

    virtual result<void> config_list(std::string_view prefix, std::vector<config_entry>& out, const instant& now) const
    {
        const std::scoped_lock lock{kept().mutex};
        for (const auto& e : kept().config)
            if (std::string_view{e.key}.substr(0, prefix.size()) == prefix && live(e, now)) out.push_back(e);
        return {};
    }

    virtual change_counts changes() const
    {
        const std::scoped_lock lock{kept().mutex};
        return kept().changes;
    }

    virtual change_counts wait_for_change(change_counts seen, duration max)
    {
        auto& s = kept();
        std::unique_lock lock{s.mutex};
        const auto interrupts = s.interrupts;
        s.changed.wait_for(lock, max, [&] { return s.changes != seen || s.interrupts != interrupts; });
        return s.changes;
    }

    virtual void interrupt_waits()
    {
        const std::scoped_lock lock{kept().mutex};
        ++kept().interrupts;
        kept().changed.notify_all();
    }

protected:
    using model_transfer::model_transfer;

    virtual bool live(const config_entry& e, const instant& now) const { return now.wall < e.expires_at; }
    virtual bool may_put(std::uint64_t expected, std::uint64_t stored) const
    {
        return expected == any_version || expected == stored;
    }

private:
    bool drop(std::string_view key)
    {
        auto& all = kept().config;
        const auto end = std::remove_if(all.begin(), all.end(), [&](const config_entry& e) { return e.key == key; });
        const bool any = end != all.end();
        all.erase(end, all.end());
        return any;
    }
};

}  // namespace queuectl::inline v0

#endif
