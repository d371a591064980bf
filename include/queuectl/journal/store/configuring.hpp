// A journal as a configurable_storage.
#ifndef QUEUECTL_JOURNAL_STORE_CONFIGURING_HPP
#define QUEUECTL_JOURNAL_STORE_CONFIGURING_HPP

#include <queuectl/journal/store/changing.hpp>

namespace queuectl::inline v0::journal {

template <class Session>
class configuring : public changing<Session> {
    using base = changing<Session>;
    using core = typename Session::core_type;
    using turn = typename Session::turn_type;
    using change_of = queuectl::detail::change_of;

public:
    [[nodiscard]] result<std::optional<config_entry>> config_get(std::string_view key, const instant& now)
    {
        std::optional<config_entry> found;
        auto done = session().read("config_get", [&](core& c) -> result<void> {
            const ref at = live_entry(c, key, now);
            if (at == 0) return {};
            auto entry = read_entry(c, at);
            if (!entry) return fail(entry.error());
            found = std::move(*entry);
            return {};
        });
        if (!done) return fail(done.error());
        return found;
    }

    [[nodiscard]] result<std::uint64_t> config_put(const config_entry& entry, const instant& now)
    {
        if (entry.key.empty() || entry.key.size() > limits::key_bytes)
            return fail(errc::invalid_argument, "config_put", "a key has 1 to 255 bytes");
        if (entry.value.size() > limits::config_value_bytes)
            return fail(errc::invalid_argument, "config_put " + entry.key, "a value has at most 64 KiB");
        config_entry written = entry;
        auto done =
            session().write("config_put", change_of::runs, durable::as_promised, [&](core& c, turn& t) -> result<void> {
                const ref known = live_entry(c, entry.key, now);
                const std::uint64_t version = known == 0 ? 0 : c.config.get(known).version;
                if (entry.version != any_version && entry.version != version)
                    return fail(errc::conflict, entry.key, "it was changed by another");
                if (auto room = c.index.reserve(1, 1); !room) return room;
                if (auto place = c.prepare(t, 128 + entry.key.size() + entry.value.size(), append_room::reserve);
                    !place)
                    return place;
                written.version = c.index.roots().config_version + 1;
                const location at = c.here();
                append_config(c.body, written);
                c.config.put(entry.key, written.version, entry.expires_at.time_since_epoch().count(), at,
                             static_cast<std::uint32_t>(c.call_bytes()));
                return {};
            });
        if (!done) return fail(done.error());
        session().wake().bump_work();
        return written.version;
    }

    [[nodiscard]] result<bool> config_erase(std::string_view key)
    {
        bool erased = false;
        auto done = session().write("config_erase", change_of::runs, durable::as_promised,
                                    [&](core& c, turn& t) -> result<void> {
                                        if (c.config.find(key) == 0) return {};
                                        if (auto room = c.index.reserve(0, 1); !room) return room;
                                        if (auto place = c.prepare(t, 128 + key.size(), append_room::reserve); !place)
                                            return place;
                                        append_unconfig(c.body, key, c.index.roots().config_version);
                                        c.config.erase(key);
                                        erased = true;
                                        return {};
                                    });
        if (!done) return fail(done.error());
        if (erased) session().wake().bump_work();
        return erased;
    }

    [[nodiscard]] result<void> config_list(std::string_view prefix, std::vector<config_entry>& out, const instant& now)
    {
        const std::size_t first = out.size();
        return session().read("config_list", [&](core& c) -> result<void> {
            std::vector<ref> found;
            c.config.for_each([&](ref at) {
                if (c.config.key_of(at).substr(0, prefix.size()) == prefix && live(c, at, now)) found.push_back(at);
            });
            for (const ref at : found) {
                auto entry = read_entry(c, at);
                if (!entry) return fail(entry.error());
                out.push_back(std::move(*entry));
            }
            std::sort(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
                      [](const config_entry& a, const config_entry& b) { return a.key < b.key; });
            return {};
        });
    }

protected:
    using base::base;

private:
    [[nodiscard]] Session& session() const { return *this->session_; }

    [[nodiscard]] static bool live(core& c, ref at, const instant& now)
    {
        return now.wall.time_since_epoch().count() < c.config.get(at).expires_at;
    }
    [[nodiscard]] static ref live_entry(core& c, std::string_view key, const instant& now)
    {
        const ref at = c.config.find(key);
        return at != 0 && live(c, at, now) ? at : 0;
    }
    [[nodiscard]] static result<config_entry> read_entry(core& c, ref at)
    {
        auto content = c.read(c.config.get(at).at, record_type::config);
        if (!content) return fail(content.error());
        return read_config(*content);
    }
};

}  // namespace queuectl::inline v0::journal

#endif
