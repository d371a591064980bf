// basic_queue: a storage, an executor and a backoff, put together.
#ifndef QUEUECTL_QUEUE_HPP
#define QUEUECTL_QUEUE_HPP

#include <queuectl/backoff/exponential.hpp>
#include <queuectl/detail/sync.hpp>
#include <queuectl/executor/none.hpp>
#include <queuectl/facets.hpp>
#include <queuectl/fwd.hpp>
#include <queuectl/new_job.hpp>
#include <queuectl/traits.hpp>
#include <queuectl/worker.hpp>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace queuectl::inline v0 {

// What became of one job of a batch.
struct enqueued {
    std::string id;
    insert_status status = insert_status::inserted;
};

// Owns its parts by value; not movable once made (guaranteed elision still allows factories).
//
// Thread safety: everything but run* may be called from any thread, also while a run* is going on, where the
// storage is thread-safe. One run* at a time; more workers are more queues on the same store (storage_ref).
// Verbs of a missing facet do not compile.
template <class Storage, class Executor, class Backoff, class Traits>
class basic_queue {
    static_assert(queuectl::storage<Storage>, "Storage must satisfy queuectl::storage: insert, claim, extend, settle");
    static_assert(queuectl::executor<Executor>,
                  "Executor must satisfy queuectl::executor: capacity, start, collect, stop, wake");
    static_assert(queuectl::backoff<Backoff>, "Backoff must satisfy queuectl::backoff: b(attempt, bits) -> duration");

    static constexpr bool runs_jobs = !std::is_same_v<Executor, no_executor>;

public:
    using storage_type = Storage;
    using executor_type = Executor;

    explicit basic_queue(Storage s, Executor e = Executor{}, Backoff b = Backoff{}, queue_options options = {},
                         traits_values<Traits> values = {})
        : storage_{std::move(s)},
          executor_{std::move(e)},
          backoff_{std::move(b)},
          options_{std::move(options)},
          values_{std::move(values)}
    {
    }
    basic_queue(Storage s, Executor e, queue_options options)
        : basic_queue{std::move(s), std::move(e), Backoff{}, std::move(options)}
    {
    }
    basic_queue(const basic_queue&) = delete;
    basic_queue& operator=(const basic_queue&) = delete;

    // --- enqueue ---

    // Adds one job and returns its id; durable as the storage declares when it returns. Errors:
    // invalid_argument and unsupported name the field; exists: the id is taken (by a job that may have ended,
    // as long as its record is kept); outcome_unknown: repeat with the same id.
    result<std::string> enqueue(new_job j)
    {
        const bool generated = j.id.empty();
        auto prepared = prepare(std::move(j));
        if (!prepared) return fail(prepared.error());
        for (int tries = 0;; ++tries) {
            insert_status status{};
            if (auto inserted = insert(std::span{&*prepared, 1}, std::span{&status, 1}); !inserted)
                return fail(inserted.error());
            if (status != insert_status::duplicate) return std::move(prepared->id);
            if (!generated || tries == 3) return fail(errc::exists, "id", prepared->id + " exists already");
            draw_id(*prepared);
        }
    }

    // Adds many, in steps of the storage's max_batch; each step is atomic. All are checked first: an invalid one
    // is an error that names it, and nothing is added. A duplicate id is told in its place and hinders no other.
    result<std::vector<enqueued>> enqueue_all(std::vector<new_job> jobs)
    {
        std::vector<job> prepared;
        prepared.reserve(jobs.size());
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            auto one = prepare(std::move(jobs[i]));
            if (!one)
                return fail(one.error().code, "job " + std::to_string(i + 1) + ": " + one.error().operation,
                            one.error().detail);
            prepared.push_back(std::move(*one));
        }
        return enqueue_prepared(std::move(prepared));
    }

    // Checks one request and resolves its defaults, id and nonce, without storing it.
    [[nodiscard]] result<job> prepare(new_job&& j)
    {
        if (auto valid = validate(j); !valid) return fail(valid.error());
        const instant now = values_.time.now();
        job out = resolve(std::move(j), options_, storage_traits<Storage>::default_retention, now.wall);
        const detail::scoped_lock guard{random_mutex_};
        if (out.id.empty()) out.id = values_.ids(now, values_.random);
        out.nonce = values_.random.draw_uid();
        return out;
    }

    // Adds jobs that prepare() made.
    result<std::vector<enqueued>> enqueue_prepared(std::vector<job> jobs)
    {
        std::vector<insert_status> statuses(jobs.size());
        for (std::size_t i = 0; i < jobs.size(); i += max_batch) {
            const std::size_t n = std::min(max_batch, jobs.size() - i);
            const std::span part{jobs.data() + i, n};
            if (auto inserted = insert(part, std::span{statuses}.subspan(i, n)); !inserted)
                return fail(inserted.error());
        }
        std::vector<enqueued> out(jobs.size());
        for (std::size_t i = 0; i < jobs.size(); ++i) out[i] = {std::move(jobs[i].id), statuses[i]};
        return out;
    }

    // --- work ---

    // The worker: runs jobs until `stop` is requested, then finishes (or releases) what runs. Returns an error
    // only when the storage has one that no repetition can mend, or, after `stop`, none mends for the length of a lease;
    // running jobs are then stopped.
    result<run_summary> run(stop_source& stop) requires runs_jobs { return work(run_until::stopped, &stop); }
    // Runs until nothing of its queues is due, processing, or waiting for a retry; waits for retries. Jobs
    // that are due later for another reason, or held, stay.
    result<run_summary> run_until_drained(stop_source& stop) requires runs_jobs
    {
        return work(run_until::drained, &stop);
    }
    result<run_summary> run_until_drained() requires runs_jobs { return work(run_until::drained, nullptr); }
    // Runs what is due now and returns; never waits for a due time. For tests and batch programs.
    result<run_summary> run_until_idle() requires runs_jobs { return work(run_until::idle, nullptr); }

    // --- inspect and operate (inspectable storages) ---

    [[nodiscard]] result<std::optional<job_record>> find(std::string_view id) requires inspectable_storage<Storage>
    {
        return storage_.find(id);
    }
    // Every job that matches, in insertion order; page by page in the storage, whole in memory.
    [[nodiscard]] result<std::vector<job_record>> list(const job_filter& filter = {},
                                                       std::size_t limit = ~std::size_t{
                                                           0}) requires inspectable_storage<Storage>
    {
        std::vector<job_record> out;
        for (page_request page; out.size() < limit;) {
            page.limit = std::min(limits::sweep, limit - out.size());
            auto next = storage_.list(filter, page, out);
            if (!next) return fail(next.error());
            if ((page.after = *next) == 0) break;
        }
        return out;
    }
    [[nodiscard]] result<std::vector<queue_counts>> counts() requires inspectable_storage<Storage>
    {
        std::vector<queue_counts> out;
        if (auto counted = storage_.counts(out); !counted) return fail(counted.error());
        return out;
    }
    [[nodiscard]] result<std::vector<attempt>> attempts(std::string_view id) requires inspectable_storage<Storage>
    {
        std::vector<attempt> out;
        if (auto found = storage_.attempts(id, out); !found) return fail(found.error());
        return out;
    }
    // Out of the dead letter queue, or any other end: due now, attempts and crashes 0.
    result<change_status> retry(const std::string& id) requires inspectable_storage<Storage>
    {
        return change(id,
                      [this](auto ids, auto statuses) { return storage_.revive(ids, statuses, values_.time.now()); });
    }
    result<change_status> cancel(const std::string& id) requires inspectable_storage<Storage>
    {
        return change(id,
                      [this](auto ids, auto statuses) { return storage_.cancel(ids, statuses, values_.time.now()); });
    }
    result<change_status> remove(const std::string& id) requires inspectable_storage<Storage>
    {
        return change(id, [this](auto ids, auto statuses) { return storage_.remove(ids, statuses); });
    }
    // Removes every ended job that matches; returns how many. In bounded steps.
    result<std::size_t> purge(const job_filter& filter) requires inspectable_storage<Storage>
    {
        for (std::size_t total = 0;;) {
            auto removed = storage_.purge(filter, limits::sweep);
            if (!removed) return fail(removed.error());
            if (*removed == 0) return total;
            total += *removed;
        }
    }
    // Gives the jobs of a worker that is known to be dead back; returns how many.
    result<std::size_t> free_worker(std::string_view worker,
                                    std::string_view cause) requires inspectable_storage<Storage>
    {
        for (std::size_t total = 0;;) {
            auto freed = storage_.free_worker(worker, cause, values_.time.now());
            if (!freed) return fail(freed.error());
            if (*freed == 0) return total;
            total += *freed;
        }
    }

    [[nodiscard]] Storage& storage() noexcept { return storage_; }
    [[nodiscard]] Executor& executor() noexcept { return executor_; }
    [[nodiscard]] typename Traits::observer& observer() noexcept { return values_.observer; }
    [[nodiscard]] const queue_options& options() const noexcept { return options_; }
    [[nodiscard]] instant now() const { return values_.time.now(); }

private:
    static constexpr std::size_t max_batch = storage_traits<Storage>::max_batch;

    result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses)
    {
        auto inserted = storage_.insert(jobs, statuses, values_.time.now());
        for (int tries = 0; tries < 3 && !inserted && inserted.error().code == errc::outcome_unknown; ++tries)
            inserted = storage_.insert(jobs, statuses, values_.time.now());
        if (inserted) {
            hint_ = true;
            if constexpr (!notifying_storage<Storage>) executor_.wake();
        }
        return inserted;
    }

    void draw_id(job& j)
    {
        const detail::scoped_lock guard{random_mutex_};
        j.id = values_.ids(values_.time.now(), values_.random);
        j.nonce = values_.random.draw_uid();
    }

    template <class Change>
    result<change_status> change(const std::string& id, Change&& apply)
    {
        change_status status{};
        if (auto changed = apply(std::span{&id, 1}, std::span{&status, 1}); !changed) return fail(changed.error());
        return status;
    }

    result<run_summary> work(run_until until, stop_source* stop)
    {
        typename Traits::random_source random;
        worker<Storage, Executor, Backoff, Traits> w{
            {storage_, executor_, backoff_, options_, values_.time, random, values_.observer, hint_}, until, stop};
        const auto wake = [](void* e) noexcept { static_cast<Executor*>(e)->wake(); };
        if (stop) stop->connect(wake, &executor_);
        auto summary = w.run();
        if (stop) stop->connect(nullptr, nullptr);
        return summary;
    }

    Storage storage_;
    Executor executor_;
    Backoff backoff_;
    queue_options options_;
    traits_values<Traits> values_;
    detail::mutex random_mutex_;
    std::atomic<bool> hint_{false};
};

template <class S, class E>
basic_queue(S, E) -> basic_queue<S, E>;
template <class S, class E>
basic_queue(S, E, queue_options) -> basic_queue<S, E>;
template <class S, class E, class B>
basic_queue(S, E, B) -> basic_queue<S, E, B>;
template <class S, class E, class B>
basic_queue(S, E, B, queue_options) -> basic_queue<S, E, B>;
template <class S, class E, class B, class T>
basic_queue(S, E, B, queue_options, traits_values<T>) -> basic_queue<S, E, B, T>;

}  // namespace queuectl::inline v0

#endif
