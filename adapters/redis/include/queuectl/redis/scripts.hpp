// The scripts: which keys each declares, whether it writes, and its text. One script is one transition: it looks at all
// it needs and refuses before its first write.
#ifndef QUEUECTL_REDIS_SCRIPTS_HPP
#define QUEUECTL_REDIS_SCRIPTS_HPP

#include <queuectl/redis/scripts_change.hpp>
#include <queuectl/redis/scripts_claim.hpp>
#include <queuectl/redis/scripts_common.hpp>
#include <queuectl/redis/scripts_lists.hpp>
#include <queuectl/redis/scripts_read.hpp>
#include <queuectl/redis/scripts_settle.hpp>
#include <queuectl/redis/scripts_spans.hpp>
#include <queuectl/redis/scripts_work.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace queuectl::inline v0::detail::redis {

enum class script : std::uint8_t {
    open,
    insert,
    claim,
    settle,
    extend,
    revive,
    cancel,
    remove,
    purge,
    reprioritise,
    free_worker,
    config_put,
    config_erase,
    set_state,
    restore,
    info,
    find,
    list,
    output,
    counts,
    config_get,
    config_list,
};
inline constexpr std::size_t script_count = 22;

// May it run when Redis is at maxmemory, may it run on a replica.
enum class script_kind : std::uint8_t { adds, changes, reads };

struct script_source {
    const char* verb;
    script_kind kind;
    const char* keys;  // names as in key_name(), each followed by a space
    const char* parts[20];
};

#define QUEUECTL_REDIS_ALL \
    "store jobs state spans order line completed cancelled dlq dead counts unique runs output held "
[[nodiscard]] inline const script_source& source_of(script s)
{
    static constexpr char looks[] = "local WRITES,BEGINS=false,false\n";
    static constexpr char stays[] = "local WRITES,BEGINS=true,false\n";
    static constexpr char begins[] = "local WRITES,BEGINS=true,true\n";
    static constexpr char all[] = QUEUECTL_REDIS_ALL "reply ";
    static constexpr char leased[] = QUEUECTL_REDIS_ALL "leases ended ";
    static constexpr char freed[] = QUEUECTL_REDIS_ALL "leases ended reply ";
    static constexpr script_source sources[script_count] = {
        {"open", script_kind::adds, "store ", {lua::open}},
        {"insert",
         script_kind::adds,
         "store jobs state spans order line counts unique held ",
         {begins, lua::begin, lua::time, lua::jobs, lua::spans, lua::job_tables, lua::insert}},
        {"claim",
         script_kind::changes,
         leased,
         {stays, lua::begin, lua::time, lua::lists, lua::boot, lua::jobs, lua::spans, lua::job_tables, lua::runs,
          lua::claims, lua::settle_together, lua::settle_aside, lua::settle, lua::claim, lua::take, lua::lease}},
        {"settle",
         script_kind::changes,
         leased,
         {stays, lua::begin, lua::time, lua::lists, lua::jobs, lua::spans, lua::job_tables, lua::runs, lua::claims,
          lua::settle_together, lua::settle_aside, lua::settle, lua::settled}},
        {"extend",
         script_kind::changes,
         "store jobs state spans counts leases held ",
         {stays, lua::begin, lua::time, lua::lists, lua::boot, lua::jobs, lua::spans, lua::job_tables, lua::extend}},
        {"revive",
         script_kind::changes,
         all,
         {begins, lua::begin, lua::once, lua::time, lua::lists, lua::jobs, lua::spans, lua::job_tables, lua::parting,
          lua::runs, lua::all, lua::unlist, lua::revive}},
        {"cancel",
         script_kind::changes,
         all,
         {stays, lua::begin, lua::once, lua::time, lua::lists, lua::jobs, lua::spans, lua::job_tables, lua::parting,
          lua::some, lua::unlist, lua::cancel}},
        {"remove",
         script_kind::changes,
         all,
         {begins, lua::begin, lua::once, lua::time, lua::lists, lua::jobs, lua::spans, lua::job_tables, lua::parting,
          lua::runs, lua::all, lua::unlist, lua::remove}},
        {"purge",
         script_kind::changes,
         all,
         {begins, lua::begin, lua::once, lua::time, lua::lists, lua::jobs, lua::spans, lua::job_tables, lua::parting,
          lua::runs, lua::all, lua::unlist, lua::purge}},
        {"reprioritise",
         script_kind::changes,
         all,
         {begins, lua::begin, lua::once, lua::time, lua::lists, lua::jobs, lua::spans, lua::job_tables, lua::parting,
          lua::some, lua::reprioritise}},
        {"free_worker",
         script_kind::changes,
         freed,
         {stays, lua::begin, lua::once, lua::time, lua::lists, lua::jobs, lua::spans, lua::job_tables, lua::runs,
          lua::claims, lua::free_worker}},
        {"config_put",
         script_kind::changes,
         "store config expiry reply ",
         {stays, lua::begin, lua::once, lua::time, lua::config_put}},
        {"config_erase",
         script_kind::changes,
         "store config expiry reply ",
         {stays, lua::begin, lua::once, lua::config_erase}},
        {"set_state", script_kind::changes, "store reply ", {looks, lua::begin, lua::once, lua::set_state}},
        {"restore",
         script_kind::adds,
         all,
         {begins, lua::begin, lua::time, lua::lists, lua::jobs, lua::spans, lua::job_tables, lua::runs, lua::all,
          lua::restore}},
        {"info", script_kind::reads, "store ", {looks, lua::begin, lua::info}},
        {"find",
         script_kind::reads,
         "store jobs state spans runs held ",
         {looks, lua::begin, lua::jobs, lua::spans, lua::job_tables, lua::some, lua::find}},
        {"list",
         script_kind::reads,
         "store jobs state spans order dlq held ",
         {looks, lua::begin, lua::lists, lua::jobs, lua::spans, lua::job_tables, lua::some, lua::list}},
        {"output",
         script_kind::reads,
         "store runs output ",
         {looks, lua::begin, lua::jobs, lua::spans, lua::job_tables, lua::runs, lua::all, lua::output}},
        {"counts", script_kind::reads, "store counts ", {looks, lua::begin, lua::counts}},
        {"config_get", script_kind::reads, "store config ", {looks, lua::begin, lua::time, lua::config_get}},
        {"config_list", script_kind::reads, "store config ", {looks, lua::begin, lua::time, lua::config_list}},
    };
    return sources[static_cast<std::size_t>(s)];
}
#undef QUEUECTL_REDIS_ALL

// The key, without prefix, of a name in script_source::keys.
[[nodiscard]] inline std::string_view key_name(std::string_view name)
{
    constexpr std::string_view others[][2] = {
        {"state", "jobs:state"}, {"spans", "jobs:spans"},   {"order", "jobs:order"}, {"line", "retry_queue"},
        {"held", "leases:held"}, {"ended", "leases:ended"}, {"dlq", "dead_letter"},  {"expiry", "config:expiry"},
    };
    for (const auto& [from, to] : others)
        if (from == name) return to;
    return name;
}

template <class Each>
void each_key(const script_source& s, Each each)
{
    for (std::string_view rest{s.keys}; !rest.empty();) {
        const auto end = rest.find(' ');
        each(rest.substr(0, end));
        rest.remove_prefix(end + 1);
    }
}

// The text that is sent.
[[nodiscard]] inline std::string text_of(const script_source& s)
{
    std::string text = "#!lua";
    if (s.kind == script_kind::changes) text += " flags=allow-oom";
    if (s.kind == script_kind::reads) text += " flags=no-writes";
    std::string names;
    std::string values;
    int n = 0;
    each_key(s, [&](std::string_view key) {
        (names += n == 0 ? "K_" : ",K_") += key;
        (values += n == 0 ? "KEYS[" : ",KEYS[") += std::to_string(n + 1) += ']';
        ++n;
    });
    text += "\nlocal " + names + '=' + values + '\n';
    for (const char* part : s.parts)
        if (part != nullptr) text += part;
    return text;
}

}  // namespace queuectl::inline v0::detail::redis

#endif
