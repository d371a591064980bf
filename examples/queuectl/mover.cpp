#include "mover.hpp"

#include "job_past.hpp"
#include "worker_recovery.hpp"

#include <queuectl/process/posix.hpp>
#include <queuectl/random.hpp>
#include <queuectl/time_source.hpp>

#include <algorithm>

#include <unistd.h>

namespace queuectl::command {
namespace {

instant now() { return system_time_source{}.now(); }

std::uint64_t total(const std::vector<queue_counts>& counts)
{
    std::uint64_t n = 0;
    for (const auto& q : counts)
        for (const auto of_state : q.by_state) n += of_state;
    return n;
}

// Sorted, without queues that have no job.
result<std::vector<queue_counts>> counts_of(any_storage& store)
{
    std::vector<queue_counts> counts;
    if (auto told = store.counts(counts); !told) return fail(told.error());
    std::erase_if(counts, [](const queue_counts& q) { return q.by_state == decltype(q.by_state){}; });
    std::sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.queue < b.queue; });
    return counts;
}

bool is_carried(const std::string& key)
{
    return !key.starts_with(worker_key_prefix) && !key.starts_with(move_key_prefix);
}

result<std::vector<config_entry>> settings_of(any_storage& store)
{
    std::vector<config_entry> all;
    if (auto listed = store.config_list("", all, now()); !listed) return fail(listed.error());
    std::erase_if(all, [](const config_entry& e) { return !is_carried(e.key); });
    return all;
}

// Of all machines: their entries run out when they do not renew them.
result<std::size_t> registered_workers(any_storage& store)
{
    std::vector<config_entry> all;
    if (auto listed = store.config_list(worker_key_prefix, all, now()); !listed) return fail(listed.error());
    return all.size();
}

bool same_versions(const std::vector<config_entry>& a, const std::vector<config_entry>& b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const config_entry& x, const config_entry& y) {
        return x.key == y.key && x.version == y.version;
    });
}

}  // namespace

result<move_report> mover::run()
{
    auto source = from_.storage->info();
    if (!source) return fail(source.error());
    auto ended = ended_before(*source);
    if (!ended) return fail(ended.error());
    if (*ended) {
        report_.was_done = true;
        return report_;
    }
    if (auto done = prepare(*source); !done) return fail(done.error());
    for (const auto step : {&mover::wait_for_runs, &mover::copy_jobs, &mover::copy_settings, &mover::finish})
        if (auto done = (this->*step)(); !done) return fail(done.error());
    return report_;
}

// A move that was cut off after its last step but one.
result<bool> mover::ended_before(const store_info& source)
{
    if (source.state == store_state::read_only)
        return fail(errc::read_only, "migrate", from_.where.url() + " is read-only");
    if (source.state != store_state::moved) return false;
    if (source.moved_to != to_.where.url()) return fail(errc::moved, "migrate", source.moved_to);
    auto mark = read_move_mark(*to_.storage, now());
    if (!mark) return fail(mark.error());
    if (*mark && (*mark)->source == source.id)
        if (auto settled = settle_target(); !settled) return fail(settled.error());
    return true;
}

result<void> mover::prepare(const store_info& source)
{
    auto target = to_.storage->info();
    if (!target) return fail(target.error());
    const std::string place = to_.where.url();
    if (target->id == source.id) return fail(errc::exists, "migrate", place + " is the same store");
    if (target->state != store_state::open)
        return fail(errc::exists, "migrate",
                    place + " takes no jobs: it is " + std::string{queuectl::name(target->state)});
    if (source.state == store_state::moving && source.moved_to != place)
        return fail(errc::conflict, "migrate",
                    "the store is moving to " + source.moved_to + " (queuectl migrate --abort ends that)");
    auto mark = read_move_mark(*to_.storage, now());
    if (!mark) return fail(mark.error());
    auto counts = counts_of(*to_.storage);
    if (!counts) return fail(counts.error());
    if (!*mark && total(*counts) > 0) return fail(errc::exists, "migrate", place + " is not empty");
    if (*mark && (*mark)->source != source.id)
        return fail(errc::exists, "migrate", "a move from " + (*mark)->from + " into " + place + " has not ended");
    auto move = read_move_id(*from_.storage, now());
    if (!move) return fail(move.error());
    report_.resumed = *mark && source.state == store_state::moving && (*mark)->move == *move;
    progress_.move = *move;
    if (report_.resumed) return {};
    if (*mark)
        if (auto emptied = empty_target(**mark); !emptied) return emptied;
    return begin(source.id, !*mark);
}

result<void> mover::begin(const uid& source, bool first)
{
    const uid move = progress_.move = random_source{}.draw_uid();
    const move_mark mark{source, move, now().wall, from_.where.url()};
    if (auto marked = write_move_mark(*to_.storage, mark, first, now()); !marked) return marked;
    if (auto named = write_move_id(*from_.storage, move, now()); !named) return named;
    return from_.storage->set_state(store_state::moving, to_.where.url());
}

// Removes the copies that a move left that was given up: jobs have gone on in the source since.
result<void> mover::empty_target(const move_mark& old)
{
    for (page_request page;;) {
        if (auto kept = keep_(); !kept) return kept;
        std::vector<job_record> records;
        auto next = to_.storage->list({}, page, records);
        if (!next) return fail(next.error());
        std::vector<std::string> ids;
        for (const auto& r : records) {
            auto copied = is_copy(r, old);
            if (!copied) return fail(copied.error());
            if (!*copied)
                return fail(errc::exists, "migrate",
                            to_.where.url() + " has job " + r.job.id + ", which no move brought there");
            ids.push_back(r.job.id);
        }
        std::vector<change_status> statuses(ids.size());
        if (auto removed = to_.storage->remove(ids, statuses); !removed) return removed;
        if ((page.after = *next) == 0) return {};
    }
}

result<bool> mover::is_copy(const job_record& r, const move_mark& old)
{
    if (r.created_at < old.begun && r.state != state::processing) return true;
    auto there = from_.storage->find(r.job.id);
    if (!there) return fail(there.error());
    return *there && (*there)->job.nonce == r.job.nonce && (*there)->created_at == r.created_at;
}

// Until nothing runs and no worker is there, of this machine or of any that shares the store. Leases of dead workers
// are freed, and expired ones.
result<void> mover::wait_for_runs()
{
    const auto until = add(process::monotonic_now(), options_.patience);
    for (int round = 0;; ++round) {
        if (auto kept = keep_(); !kept) return kept;
        auto left = still_running();
        if (!left) return fail(left.error());
        auto registry = worker_registry::open(from_.where.side_folder(), false);
        if (registry && round % 10 == 0) recover_dead_workers(*registry, *from_.storage);
        std::size_t workers = registry ? registry->living().size() : 0;
        if (from_.where.shared()) {
            auto everywhere = registered_workers(*from_.storage);
            if (!everywhere) return fail(everywhere.error());
            workers = std::max(workers, *everywhere);
        }
        if (*left == 0 && workers == 0) return {};
        if (process::monotonic_now() >= until)
            return fail(errc::busy, "migrate",
                        std::to_string(*left) + " jobs still run, " + std::to_string(workers) +
                            " workers are still there; run it again, or end it with queuectl migrate --abort");
        tell_("waiting for " + std::to_string(*left) + " running jobs, " + std::to_string(workers) + " workers");
        ::usleep(50'000);
    }
}

result<std::size_t> mover::still_running()
{
    claim_request nothing;
    nothing.worker = "migrate";
    nothing.nonce = random_source{}.draw_uid();
    std::vector<lease> none;
    auto reaped = from_.storage->claim(nothing, none, now());
    if (!reaped) return fail(reaped.error());
    if (!none.empty()) return fail(errc::conflict, "migrate", "the store is not moving any more");
    std::vector<queue_counts> counts;
    if (auto told = from_.storage->counts(counts); !told) return fail(told.error());
    std::size_t running = 0;
    for (const auto& q : counts) running += q[state::processing];
    return running;
}

result<void> mover::copy_jobs()
{
    auto known = read_move_progress(*to_.storage, progress_.move, now());
    if (!known) return fail(known.error());
    progress_ = *known;
    if (auto copied = copy_pages(); !copied) return copied;
    auto compared = compare_counts();
    if (compared || known->after == 0) return compared;
    progress_ = {progress_.move};
    if (auto copied = copy_pages(); !copied) return copied;
    return compare_counts();
}

result<void> mover::copy_pages()
{
    auto counts = counts_of(*from_.storage);
    if (!counts) return fail(counts.error());
    const std::string of_all = " of " + std::to_string(total(*counts)) + " jobs copied";
    job_pages pages{*from_.storage, options_.batch, progress_.after};
    std::vector<stored_job> page;
    std::vector<insert_status> statuses;
    for (;;) {
        if (auto kept = keep_(); !kept) return kept;
        auto more = pages.next(page);
        if (!more) return fail(more.error());
        report_.jobs = progress_.jobs;
        report_.runs = progress_.runs;
        if (!*more) return {};
        statuses.resize(page.size());
        if (auto restored = to_.storage->restore(page, statuses, now()); !restored) return restored;
        for (std::size_t i = 0; i < page.size(); ++i) {
            if (statuses[i] != insert_status::inserted)
                return fail(errc::exists, "migrate", to_.where.url() + " has another job " + page[i].record.job.id);
            progress_.runs += page[i].attempts.size();
        }
        progress_.jobs += page.size();
        if (auto noted = note_progress(pages.after()); !noted) return noted;
        tell_(std::to_string(progress_.jobs) + of_all);
    }
}

result<void> mover::note_progress(std::uint64_t after)
{
    progress_.after = after;
    const auto at = process::monotonic_now();
    if (after == 0 || at - noted_at_ < options_.note_pause) return {};
    noted_at_ = at;
    return write_move_progress(*to_.storage, progress_, now());
}

// Again until nobody has changed one meanwhile. Before the first time all that the target has counts as copied long
// ago: what the source does not have goes, also what an earlier attempt copied and was unset since.
result<void> mover::copy_settings()
{
    if (!settings_) {
        auto there = settings_of(*to_.storage);
        if (!there) return fail(there.error());
        for (auto& entry : *there) entry.version = 0;
        settings_ = std::move(*there);
    }
    for (bool first = true;; first = false) {
        if (auto kept = keep_(); !kept) return kept;
        auto all = settings_of(*from_.storage);
        if (!all) return fail(all.error());
        if (!first && same_versions(*all, *settings_)) return {};
        if (auto written = write_settings(*all, *settings_); !written) return written;
        settings_ = std::move(*all);
        report_.settings = settings_->size();
    }
}

// Those that are not as they were copied; what was copied and is not there any more goes.
result<void> mover::write_settings(const std::vector<config_entry>& all, const std::vector<config_entry>& copied)
{
    const auto find = [](const std::vector<config_entry>& in, const std::string& key) {
        return std::find_if(in.begin(), in.end(), [&](const config_entry& e) { return e.key == key; });
    };
    for (auto entry : all) {
        const auto known = find(copied, entry.key);
        if (known != copied.end() && known->version == entry.version) continue;
        entry.version = any_version;
        if (auto put = to_.storage->config_put(entry, now()); !put) return fail(put.error());
    }
    for (const auto& known : copied)
        if (find(all, known.key) == all.end())
            if (auto erased = to_.storage->config_erase(known.key); !erased) return fail(erased.error());
    return {};
}

result<void> mover::compare_counts()
{
    auto here = counts_of(*from_.storage);
    auto there = counts_of(*to_.storage);
    if (!here) return fail(here.error());
    if (!there) return fail(there.error());
    const auto same = [](const queue_counts& a, const queue_counts& b) {
        return a.queue == b.queue && a.by_state == b.by_state;
    };
    if (std::equal(here->begin(), here->end(), there->begin(), there->end(), same)) return {};
    return fail(errc::conflict, "migrate",
                "the stores do not have the same jobs (" + std::to_string(total(*here)) + " and " +
                    std::to_string(total(*there)) + "): has somebody used " + to_.where.url() + "?");
}

result<void> mover::finish()
{
    if (auto kept = keep_(); !kept) return kept;
    auto moved = from_.storage->set_state(store_state::moved, to_.where.url());
    return moved ? settle_target() : moved;
}

// The source has moved: its settings cannot change any more.
result<void> mover::settle_target()
{
    if (auto copied = copy_settings(); !copied) return copied;
    return erase_move_mark(*to_.storage);
}

}  // namespace queuectl::command
