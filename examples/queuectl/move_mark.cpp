#include "move_mark.hpp"

#include "text.hpp"
#include "worker_log.hpp"

#include <charconv>

namespace queuectl::command {
namespace {

constexpr char mark_key[] = "move/from";
constexpr char id_key[] = "move/id";
constexpr char progress_key[] = "move/progress";

// SOURCE MOVE BEGUN URL
std::optional<move_mark> parse_mark(std::string_view text)
{
    const auto word = [&text] {
        const auto found = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), found.size() + 1));
        return found;
    };
    const auto source = parse_uid(word());
    const auto move = parse_uid(word());
    const auto begun = word();
    std::int64_t us = 0;
    if (!source || !move || std::from_chars(begun.data(), begun.data() + begun.size(), us).ec != std::errc{})
        return std::nullopt;
    return move_mark{*source, *move, timestamp{duration{us}}, std::string{text}};
}

}  // namespace

result<std::optional<move_mark>> read_move_mark(any_storage& target, const instant& now)
{
    auto entry = target.config_get(mark_key, now);
    if (!entry) return fail(entry.error());
    if (!*entry) return std::optional<move_mark>{};
    auto mark = parse_mark((*entry)->value);
    if (!mark) return fail(errc::exists, "migrate", "the mark of another move into the store cannot be read");
    return mark;
}

result<void> write_move_mark(any_storage& target, const move_mark& mark, bool first, const instant& now)
{
    std::string text = to_hex(mark.source) + ' ' + to_hex(mark.move) + ' ' +
                       std::to_string(mark.begun.time_since_epoch().count()) + ' ' + mark.from;
    auto put = target.config_put({mark_key, std::move(text), first ? 0 : any_version, timestamp_max}, now);
    return put ? result<void>{} : result<void>{fail(put.error())};
}

result<void> erase_move_mark(any_storage& target)
{
    for (const auto* key : {progress_key, mark_key})
        if (auto erased = target.config_erase(key); !erased) return fail(erased.error());
    return {};
}

// MOVE AFTER JOBS RUNS
result<move_progress> read_move_progress(any_storage& target, const uid& move, const instant& now)
{
    auto entry = target.config_get(progress_key, now);
    if (!entry) return fail(entry.error());
    const move_progress begin{move};
    if (!*entry || !(*entry)->value.starts_with(to_hex(move))) return begin;
    move_progress p{move};
    const auto& text = (*entry)->value;
    const char* at = text.data() + uid_digits;
    const char* const end = text.data() + text.size();
    for (auto* number : {&p.after, &p.jobs, &p.runs}) {
        if (at == end || *at != ' ') return begin;
        const auto read = std::from_chars(at + 1, end, *number);
        if (read.ec != std::errc{}) return begin;
        at = read.ptr;
    }
    return at == end ? p : begin;
}

result<void> write_move_progress(any_storage& target, const move_progress& p, const instant& now)
{
    std::string text = to_hex(p.move);
    for (const auto number : {p.after, p.jobs, p.runs}) text += ' ' + std::to_string(number);
    auto put = target.config_put({progress_key, std::move(text), any_version, timestamp_max}, now);
    return put ? result<void>{} : result<void>{fail(put.error())};
}

result<uid> read_move_id(any_storage& source, const instant& now)
{
    auto entry = source.config_get(id_key, now);
    if (!entry) return fail(entry.error());
    return *entry ? parse_uid((*entry)->value).value_or(uid{}) : uid{};
}

result<void> write_move_id(any_storage& source, const uid& move, const instant& now)
{
    auto put = source.config_put({id_key, to_hex(move), any_version, timestamp_max}, now);
    return put ? result<void>{} : result<void>{fail(put.error())};
}

result<void> check_settled(any_storage& store, const instant& now)
{
    auto info = store.info();
    if (!info) return fail(info.error());
    const std::string what = "worker start " + info->location;
    if (info->state == store_state::moving) return fail(errc::busy, what, "the store is moving to " + info->moved_to);
    if (info->state == store_state::moved) return fail(errc::moved, what, info->moved_to);
    auto mark = read_move_mark(store, now);
    if (!mark) return fail(mark.error());
    if (!*mark) return {};
    return fail(errc::busy, what,
                "jobs are still being moved into it from " + (*mark)->from + " (see queuectl migrate)");
}

bool move_watch::moves(any_storage& store)
{
    const auto now = store.changes();
    if (moves_ || seen_ == now) return moves_;
    auto info = store.info();
    if (!info) return false;
    seen_ = now;
    moves_ = info->state == store_state::moving || info->state == store_state::moved;
    if (moves_)
        log_line("the queue " + std::string{info->state == store_state::moved ? "was moved" : "is moving"} + " to " +
                 info->moved_to + ": what runs is finished, then the workers end");
    return moves_;
}

}  // namespace queuectl::command
