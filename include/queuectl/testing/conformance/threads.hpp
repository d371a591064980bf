// Line 10: concurrent calls. Threads put in, claim, drop, release and settle; each job must be completed exactly once,
// and no job may be held by two at a time.
#ifndef QUEUECTL_TESTING_CONFORMANCE_THREADS_HPP
#define QUEUECTL_TESTING_CONFORMANCE_THREADS_HPP

#include <queuectl/testing/conformance/counts.hpp>
#include <queuectl/testing/effort.hpp>
#include <queuectl/testing/seeded_random.hpp>

#include <atomic>
#include <mutex>
#include <thread>

namespace queuectl::inline v0::conformance {

// What the threads share. Jobs are numbered; job i has the id "t<i>".
template <backend B>
class crowd {
public:
    using storage_type = typename B::storage_type;
    crowd(fixture<B>& f, std::size_t threads, std::size_t jobs_each, bool drops)
        : f_{f}, threads_{threads}, jobs_each_{jobs_each}, drops_{drops}, holders_(total()), completions_(total())
    {
    }

    // Runs every thread to its end; `handle(i)` is the storage of thread i.
    template <class Handle>
    void run(Handle handle)
    {
        std::vector<std::thread> all;
        for (std::size_t i = 0; i < threads_; ++i) all.emplace_back([this, i, &s = handle(i)] { work(s, i); });
        for (auto& t : all) t.join();
        for (const auto& problem : problems_) f_.out().fail(__FILE__, __LINE__, problem);
        for (std::size_t j = 0; j < total(); ++j)
            f_.equal("the times that a job was completed", __FILE__, __LINE__, completions_[j].load(), 1);
    }
    [[nodiscard]] std::size_t total() const { return threads_ * jobs_each_; }

private:
    void work(storage_type& s, std::size_t thread)
    {
        seeded_random random{thread + 1};
        for (std::size_t n = 0; n < jobs_each_; ++n) {
            put(s, thread * jobs_each_ + n, random);
            if (random.one_in(2)) take(s, 1 + random.below(3), random);
        }
        for (std::size_t round = 0; done_ < total() && problems() == 0 && round < 200'000; ++round)
            if (!take(s, 1 + random.below(8), random)) idle();
    }
    void put(storage_type& s, std::size_t number, seeded_random& random)
    {
        job j;
        j.id = "t" + std::to_string(number);
        j.queue = random.one_in(2) ? "a" : "b";
        j.run_at = f_.now.wall;
        j.retention = std::chrono::hours{1};
        j.nonce = uid{random.next(), number + 1};
        std::vector<insert_status> told(1);
        const std::vector<job> jobs{j};
        if (good(s.insert(jobs, told, now()), "insert") && told[0] != insert_status::inserted)
            problem("insert of " + j.id + " is a duplicate");
    }
    // Whether any was claimed.
    bool take(storage_type& s, std::size_t max, seeded_random& random)
    {
        claim_request r;
        r.max = max;
        r.lease = lease_;
        r.worker = "thread";
        r.nonce = uid{random.next(), random.next()};
        std::vector<lease> leases;
        if (!good(s.claim(r, leases, now()), "claim")) return false;
        if (leases.size() > max) problem("a claim returned more than its maximum");
        for (const auto& l : leases)
            if (!drops_ && holders_[number(l)].fetch_add(1) != 0) problem(l.job.id + " is held twice");
        for (const auto& l : leases) end(s, l, random);
        return !leases.empty();
    }
    void end(storage_type& s, const lease& l, seeded_random& random)
    {
        if (drops_ && random.one_in(5)) return;
        settlement what = f_.success(l);
        if (random.one_in(4))
            what = f_.released(l);
        else if (random.one_in(4))
            what = f_.failed(l, f_.now.wall);
        if (!drops_) holders_[number(l)].fetch_sub(1);
        std::vector<settle_status> told(1);
        const std::vector<settlement> one{what};
        if (!good(s.settle(one, told, now()), "settle")) return;
        if (!drops_ && told[0] != settle_status::applied) problem("the settle of " + l.job.id + " was refused");
        if (told[0] != settle_status::applied || what.verdict.kind != verdict_kind::complete) return;
        completions_[number(l)].fetch_add(1);
        ++done_;
    }
    // Nothing is claimable: time goes on until the dropped leases run out.
    void idle()
    {
        if (drops_) boot_us_ += (lease_ / 4).count();
        std::this_thread::yield();
    }

    [[nodiscard]] instant now() const
    {
        instant t = f_.now;
        t.boot = add(t.boot, duration{boot_us_.load()});
        return t;
    }
    [[nodiscard]] static std::size_t number(const lease& l)
    {
        return static_cast<std::size_t>(std::strtoull(l.job.id.c_str() + 1, nullptr, 10));
    }
    template <class T>
    bool good(const result<T>& r, const char* verb)
    {
        if (!r) problem(std::string{verb} + ": " + r.error().message());
        return r.has_value();
    }
    void problem(std::string text)
    {
        const std::scoped_lock lock{mutex_};
        if (problems_.size() < 10) problems_.push_back(std::move(text));
    }
    [[nodiscard]] std::size_t problems()
    {
        const std::scoped_lock lock{mutex_};
        return problems_.size();
    }

    fixture<B>& f_;
    std::size_t threads_;
    std::size_t jobs_each_;
    bool drops_;
    duration lease_ = std::chrono::seconds{30};
    std::atomic<std::int64_t> boot_us_{0};
    std::atomic<std::size_t> done_{0};
    std::vector<std::atomic<int>> holders_;
    std::vector<std::atomic<int>> completions_;
    std::mutex mutex_;
    std::vector<std::string> problems_;
};

template <backend B>
void check_crowd(fixture<B>& f, bool drops, bool own_handles)
{
    constexpr std::size_t threads = 4;
    crowd<B> all{f, threads, effort(60, 2000), drops};
    std::vector<std::unique_ptr<typename B::storage_type>> handles;
    if constexpr (can_share<B>)
        for (std::size_t i = 0; own_handles && i < threads; ++i) handles.push_back(f.another());
    all.run([&](std::size_t i) -> auto& { return handles.empty() ? f.store() : *handles[i]; });
    handles.clear();
    if constexpr (fixture<B>::inspectable) check_counts(f, all.total(), "after the threads");
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void line10_threads_complete_each_job_once(fixture<B>& f)
{
    check_crowd(f, false, false);
}
template <backend B>
void line10_threads_that_drop_leases_complete_each_job_once(fixture<B>& f)
{
    check_crowd(f, true, false);
}
template <backend B>
void line10_threads_with_own_handles_complete_each_job_once(fixture<B>& f)
{
    check_crowd(f, false, true);
}
template <backend B>
void line10_threads_with_own_handles_that_drop_leases_complete_each_job_once(fixture<B>& f)
{
    check_crowd(f, true, true);
}

template <backend B>
void add_thread_checks(check_list<B>& list)
{
    if constexpr (has_threads<B>) {
        QUEUECTL_ADD_CHECK(list, B, line10_threads_complete_each_job_once);
        QUEUECTL_ADD_CHECK(list, B, line10_threads_that_drop_leases_complete_each_job_once);
    }
    if constexpr (can_share<B>) {
        QUEUECTL_ADD_CHECK(list, B, line10_threads_with_own_handles_complete_each_job_once);
        QUEUECTL_ADD_CHECK(list, B, line10_threads_with_own_handles_that_drop_leases_complete_each_job_once);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif
