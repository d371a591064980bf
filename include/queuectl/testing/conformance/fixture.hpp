// What a backend supplies, and the hands with which a check works on it.
#ifndef QUEUECTL_TESTING_CONFORMANCE_FIXTURE_HPP
#define QUEUECTL_TESTING_CONFORMANCE_FIXTURE_HPP

#include <queuectl/facets.hpp>
#include <queuectl/limits.hpp>
#include <queuectl/testing/conformance/sink.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace queuectl::inline v0::conformance {

// One object of a backend is one store, empty at first; its destructor removes the store. A handle is returned as a
// storage_type or as a std::unique_ptr to one.
//
// Expression                 Meaning
// B{}                        A new place for a store.
// b.make()                   The first handle; called once.
// b.reopen()                 Optional. A handle on the same store, after every other one is gone.
// b.another()                Optional. One more handle on the store while others are open, in this or in a forked
//                            process; called from any of them.
// B::processes               Optional, bool. Whether another() works in forked children that later die by SIGKILL.
// b.operations()             Optional. How many records (or steps, or pages) were touched so far: a number that only
//                            grows, the same for the same calls. Cost is judged by it, never by time.
// b.make_read_only()         Optional. Sets the store's state to read-only, behind the handle's back.
template <class B>
concept backend = std::default_initializable<B> && storage<typename B::storage_type> && requires(B& b)
{
    b.make();
};

template <class B>
inline constexpr bool can_reopen = requires(B& b)
{
    b.reopen();
};
template <class B>
inline constexpr bool can_share = requires(B& b)
{
    b.another();
};
template <class B>
inline constexpr bool can_count = requires(B& b)
{
    b.operations();
};
template <class B>
inline constexpr bool can_freeze = requires(B& b)
{
    b.make_read_only();
};
template <class B>
inline constexpr bool has_processes = [] {
    if constexpr (requires { B::processes; })
        return can_share<B> && B::processes;
    else
        return false;
}();
template <class B>
inline constexpr bool has_threads = !storage_traits<typename B::storage_type>::single_thread;

// A handle, from whatever a backend returns.
template <class S, class Make>
[[nodiscard]] std::unique_ptr<S> hold_handle(Make make)
{
    if constexpr (requires { std::unique_ptr<S>{make()}; })
        return make();
    else
        return std::unique_ptr<S>{new S(make())};
}

// A store under test, a virtual clock, a source of nonces, and short words for the verbs. A verb's error is a failure
// of the check; the check goes on with an empty answer.
template <backend B>
class fixture {
public:
    using backend_type = B;
    using storage_type = typename B::storage_type;
    static constexpr bool inspectable = inspectable_storage<storage_type>;
    static constexpr bool configurable = configurable_storage<storage_type>;
    static constexpr bool notifying = notifying_storage<storage_type>;
    static constexpr duration lease_time = std::chrono::seconds{30};
    static constexpr duration tick{1};

    explicit fixture(sink& out) : out_{out}, store_{hold_handle<storage_type>([this] { return backend_.make(); })} {}

    B& place() { return backend_; }
    storage_type& store() { return *store_; }
    storage_type* operator->() { return store_.get(); }
    void close() { store_.reset(); }
    void reopen()
    {
        close();
        store_ = hold_handle<storage_type>([this] { return backend_.reopen(); });
    }
    [[nodiscard]] std::unique_ptr<storage_type> another()
    {
        return hold_handle<storage_type>([this] { return backend_.another(); });
    }

    instant now{timestamp{std::chrono::hours{24 * 365 * 50}}, std::chrono::hours{100}, uid{7, 7}};
    void advance(duration d)
    {
        now.wall = add(now.wall, d);
        now.boot = add(now.boot, d);
    }
    [[nodiscard]] timestamp in(duration d) const { return add(now.wall, d); }
    [[nodiscard]] uid nonce() { return uid{0x636f6e666f726dU, ++nonces_}; }

    // Jobs. Due since `now`, kept for a day when completed.
    [[nodiscard]] job make(std::string id)
    {
        job j;
        j.id = std::move(id);
        j.queue = "default";
        j.kind = "shell";
        j.payload = "true";
        j.run_at = now.wall;
        j.retention = std::chrono::hours{24};
        j.nonce = nonce();
        return j;
    }
    insert_status insert(const job& j) { return insert(std::vector<job>{j}).front(); }
    std::vector<insert_status> insert(const std::vector<job>& jobs)
    {
        std::vector<insert_status> statuses(jobs.size(), insert_status::kept);
        good(store_->insert(jobs, statuses, now), "insert");
        return statuses;
    }
    void put(const std::string& id) { equal("insert", __FILE__, __LINE__, insert(make(id)), insert_status::inserted); }
    template <class Edit>
    void put(const std::string& id, Edit edit)
    {
        job j = make(id);
        edit(j);
        equal("insert", __FILE__, __LINE__, insert(j), insert_status::inserted);
    }
    // `n` jobs NAME0, NAME1, … in calls of at most max_batch.
    template <class Edit>
    void put_many(const std::string& name, std::size_t n, Edit edit)
    {
        for (std::size_t done = 0; done < n;) {
            std::vector<job> jobs;
            for (; done < n && jobs.size() < batch(); ++done) {
                jobs.push_back(make(name + std::to_string(done)));
                edit(jobs.back());
            }
            insert(jobs);
        }
    }
    [[nodiscard]] static constexpr std::size_t batch() { return storage_traits<storage_type>::max_batch; }

    // Claims.
    [[nodiscard]] claim_request request(std::size_t max = 1)
    {
        claim_request r;
        r.max = max;
        r.lease = lease_time;
        r.worker = "worker-1";
        r.nonce = nonce();
        return r;
    }
    std::vector<lease> claim(const claim_request& r, claim_info* info = nullptr)
    {
        std::vector<lease> leases;
        auto told = store_->claim(r, leases, now);
        if (good(told, "claim") && info != nullptr) *info = *told;
        return leases;
    }
    std::vector<lease> claim(std::size_t max = 1) { return claim(request(max)); }
    claim_info look(const claim_request& r)
    {
        claim_info info;
        claim(r, &info);
        return info;
    }
    // The next lease; a failure, and an empty lease, when there is none.
    lease take()
    {
        auto leases = claim(1);
        check(leases.size() == 1, "a job is claimable", __FILE__, __LINE__);
        return leases.empty() ? lease{} : leases.front();
    }
    // The ids of what is claimable now, in order; leases them.
    std::vector<std::string> drain(std::size_t max = 100) { return ids(claim(max)); }
    [[nodiscard]] static std::vector<std::string> ids(const std::vector<lease>& leases)
    {
        std::vector<std::string> names;
        for (const auto& l : leases) names.push_back(l.job.id);
        return names;
    }

    // Extends and settlements.
    extend_status extend(const receipt& r, duration d = lease_time)
    {
        std::vector<extend_status> statuses(1, extend_status::lease_lost);
        good(store_->extend(std::vector<receipt>{r}, d, statuses, now), "extend");
        return statuses.front();
    }
    settle_status settle(const settlement& s) { return settle(std::vector<settlement>{s}).front(); }
    std::vector<settle_status> settle(const std::vector<settlement>& all)
    {
        std::vector<settle_status> statuses(all.size(), settle_status::gone);
        good(store_->settle(all, statuses, now), "settle");
        return statuses;
    }
    [[nodiscard]] settlement success(const lease& l) const { return ended(l, verdict_kind::complete, ""); }
    [[nodiscard]] settlement failed(const lease& l, timestamp retry_at, std::string why = "exit code 1") const
    {
        auto s = ended(l, verdict_kind::retry, std::move(why));
        s.verdict.retry_at = retry_at;
        return s;
    }
    [[nodiscard]] settlement buried(const lease& l) const { return ended(l, verdict_kind::bury, "exit code 1"); }
    [[nodiscard]] static settlement released(const lease& l)
    {
        settlement s;
        s.receipt = l.receipt();
        s.verdict.kind = verdict_kind::release;
        return s;
    }
    // A run of one second that ended now; a failure when `why` says something.
    [[nodiscard]] settlement ended(const lease& l, verdict_kind kind, std::string why) const
    {
        settlement s;
        s.receipt = l.receipt();
        s.verdict.kind = kind;
        attempt run;
        run.status = why.empty() ? run_status::succeeded : run_status::failed;
        run.exit_code = why.empty() ? 0 : 1;
        run.started_at = add(now.wall, std::chrono::seconds{-1});
        run.ended_at = now.wall;
        run.error = std::move(why);
        s.report = std::move(run);
        return s;
    }

    // What is kept.
    [[nodiscard]] job_record find(const std::string& id) requires inspectable
    {
        auto found = store_->find(id);
        if (!good(found, "find")) return {};
        check(found->has_value(), "the job is found", __FILE__, __LINE__);
        return found->value_or(job_record{});
    }
    [[nodiscard]] bool knows(const std::string& id) requires inspectable
    {
        auto found = store_->find(id);
        return good(found, "find") && found->has_value();
    }
    // None for a job that is not there, whether that is an error to the storage or not.
    [[nodiscard]] std::vector<attempt> runs(const std::string& id) requires inspectable
    {
        std::vector<attempt> all;
        if (auto told = store_->attempts(id, all); told || told.error().code != errc::not_found) good(told, "attempts");
        return all;
    }
    [[nodiscard]] std::vector<job_record> list(const job_filter& filter = {},
                                               std::size_t limit = limits::sweep) requires inspectable
    {
        std::vector<job_record> all;
        page_request page;
        page.limit = limit;
        do {
            auto next = store_->list(filter, page, all);
            if (!good(next, "list")) break;
            check(*next == 0 || *next > page.after, "the cursor grows", __FILE__, __LINE__);
            page.after = *next > page.after ? *next : 0;
        } while (page.after != 0);
        return all;
    }
    change_status cancel(const std::string& id) requires inspectable
    {
        return changed([&](auto ids, auto statuses) { return store_->cancel(ids, statuses, now); }, id);
    }
    change_status revive(const std::string& id) requires inspectable
    {
        return changed([&](auto ids, auto statuses) { return store_->revive(ids, statuses, now); }, id);
    }
    change_status remove(const std::string& id) requires inspectable
    {
        return changed([&](auto ids, auto statuses) { return store_->remove(ids, statuses); }, id);
    }

    // Verdicts of the check itself.
    bool check(bool holds, const char* what, const char* file, int line)
    {
        if (!holds) out_.fail(file, line, std::string{"not so: "} + what);
        return holds;
    }
    template <class A>
    bool equal(const char* what, const char* file, int line, const A& actual, const std::type_identity_t<A>& expected)
    {
        const bool same = actual == expected;
        if (!same) out_.fail(file, line, std::string{what} + " is " + show(actual) + ", not " + show(expected));
        return same;
    }
    template <class T>
    bool good(const result<T>& r, const char* verb)
    {
        if (!r)
            out_.fail(__FILE__, __LINE__,
                      std::string{verb} + " failed: " + std::string{name(r.error().code)} + ": " + r.error().message());
        return r.has_value();
    }
    sink& out() { return out_; }

private:
    template <class Verb>
    change_status changed(Verb verb, const std::string& id)
    {
        const std::vector<std::string> ids{id};
        std::vector<change_status> statuses(1, change_status::not_found);
        good(verb(std::span<const std::string>{ids}, std::span<change_status>{statuses}), "change");
        return statuses.front();
    }

    sink& out_;
    B backend_{};
    std::unique_ptr<storage_type> store_;
    std::uint64_t nonces_ = 0;
};

// A named check and what runs it on a fresh store of the backend.
struct check {
    const char* name;
    void (*run)(sink&);
};

template <backend B>
class check_list {
public:
    using fixture_type = fixture<B>;

    template <void (*Check)(fixture<B>&)>
    void add(const char* name)
    {
        checks_.push_back({name, [](sink& out) {
                               fixture<B> f{out};
                               Check(f);
                           }});
    }
    [[nodiscard]] const std::vector<check>& checks() const noexcept { return checks_; }

private:
    std::vector<check> checks_;
};

}  // namespace queuectl::inline v0::conformance

// Adds the function template NAME<B> to a check_list<B> under its own name.
#define QUEUECTL_ADD_CHECK(list, B, name) (list).template add<&name<B>>(#name)

#endif
