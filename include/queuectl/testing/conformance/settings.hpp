// The rows of configurable_storage.
#ifndef QUEUECTL_TESTING_CONFORMANCE_SETTINGS_HPP
#define QUEUECTL_TESTING_CONFORMANCE_SETTINGS_HPP

#include <queuectl/testing/conformance/fixture.hpp>

namespace queuectl::inline v0::conformance {

template <backend B>
[[nodiscard]] std::uint64_t put_setting(fixture<B>& f, const std::string& key, const std::string& value,
                                        std::uint64_t version = any_version, timestamp expires_at = timestamp_max)
{
    auto put = f->config_put({key, value, version, expires_at}, f.now);
    return f.good(put, "config_put") ? *put : 0;
}

template <backend B>
[[nodiscard]] config_entry get_setting(fixture<B>& f, const std::string& key)
{
    auto got = f->config_get(key, f.now);
    return f.good(got, "config_get") ? got->value_or(config_entry{}) : config_entry{};
}

template <backend B>
[[nodiscard]] bool put_conflicts(fixture<B>& f, const std::string& key, std::uint64_t version)
{
    auto put = f->config_put({key, "lost", version, timestamp_max}, f.now);
    return !put && put.error().code == errc::conflict;
}

template <backend B>
void config_returns_what_was_put(fixture<B>& f)
{
    const std::string value{"v\0\xff", 3};
    const auto version = put_setting(f, "a b/\xc3\xa9", value);
    const auto got = get_setting(f, "a b/\xc3\xa9");
    QUEUECTL_EQUAL(f, got.key, "a b/\xc3\xa9");
    QUEUECTL_EQUAL(f, got.value, value);
    QUEUECTL_EQUAL(f, got.version, version);
    QUEUECTL_EQUAL(f, got.expires_at, timestamp_max);
    QUEUECTL_CHECK(f, version != 0);
    QUEUECTL_EQUAL(f, get_setting(f, "none").version, 0);
}

template <backend B>
void config_compares_versions(fixture<B>& f)
{
    const auto first = put_setting(f, "k", "1", 0);
    QUEUECTL_CHECK(f, put_conflicts(f, "k", 0));
    const auto second = put_setting(f, "k", "2", first);
    QUEUECTL_CHECK(f, second != first);
    QUEUECTL_CHECK(f, put_conflicts(f, "k", first));
    QUEUECTL_CHECK(f, put_conflicts(f, "absent", first));
    QUEUECTL_EQUAL(f, get_setting(f, "k").value, "2");
    const auto third = put_setting(f, "k", "2");
    QUEUECTL_CHECK(f, third != second);
    QUEUECTL_CHECK(f, put_conflicts(f, "k", second));
}

template <backend B>
void config_entries_expire(fixture<B>& f)
{
    const auto version = put_setting(f, "k", "1", 0, f.in(std::chrono::seconds{2}));
    f.advance(std::chrono::seconds{2} - f.tick);
    QUEUECTL_EQUAL(f, get_setting(f, "k").value, "1");
    f.advance(f.tick * 2);
    QUEUECTL_EQUAL(f, get_setting(f, "k").version, 0);
    std::vector<config_entry> all;
    f.good(f->config_list("", all, f.now), "config_list");
    QUEUECTL_EQUAL(f, all.size(), 0);
    QUEUECTL_CHECK(f, put_conflicts(f, "k", version));
    QUEUECTL_CHECK(f, put_setting(f, "k", "2", 0) != version);
}

template <backend B>
void config_erase_tells_whether_there_was_one(fixture<B>& f)
{
    const auto version = put_setting(f, "k", "1");
    QUEUECTL_EQUAL(f, f->config_erase("k").value_or(false), true);
    QUEUECTL_EQUAL(f, f->config_erase("k").value_or(true), false);
    QUEUECTL_EQUAL(f, get_setting(f, "k").version, 0);
    QUEUECTL_CHECK(f, put_conflicts(f, "k", version));
}

template <backend B>
void config_list_is_by_prefix_and_in_order(fixture<B>& f)
{
    for (const char* key : {"b/2", "a", "b/1", "b%", "b_", "b", "B/1", "c"}) {
        const auto version = put_setting(f, key, key);
        QUEUECTL_CHECK(f, version != 0);
    }
    const auto keys = [&](const char* prefix) {
        std::vector<config_entry> all;
        f.good(f->config_list(prefix, all, f.now), "config_list");
        std::vector<std::string> names;
        for (const auto& e : all) names.push_back(e.key);
        return names;
    };
    QUEUECTL_EQUAL(f, keys("b/"), {"b/1", "b/2"});
    QUEUECTL_EQUAL(f, keys("b_"), {"b_"});
    QUEUECTL_EQUAL(f, keys("b%"), {"b%"});
    QUEUECTL_EQUAL(f, keys(""), {"B/1", "a", "b", "b%", "b/1", "b/2", "b_", "c"});
    QUEUECTL_EQUAL(f, keys("x"), {});
}

template <backend B>
void add_setting_checks(check_list<B>& list)
{
    if constexpr (fixture<B>::configurable) {
        QUEUECTL_ADD_CHECK(list, B, config_returns_what_was_put);
        QUEUECTL_ADD_CHECK(list, B, config_compares_versions);
        QUEUECTL_ADD_CHECK(list, B, config_entries_expire);
        QUEUECTL_ADD_CHECK(list, B, config_erase_tells_whether_there_was_one);
        QUEUECTL_ADD_CHECK(list, B, config_list_is_by_prefix_and_in_order);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif
