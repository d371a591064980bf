// Processes that share a journal are killed, again and again, most of them while they hold its lock: nothing that was
// acknowledged is lost, no job has two current leases, and the index is what the log says.
#include "journal/store/folder.hpp"
#include "journal/store/telling.hpp"

#include <queuectl/testing/effort.hpp>
#include <queuectl/testing/seeded_random.hpp>

#include <fstream>
#include <map>
#include <set>

#include <sys/mman.h>
#include <sys/wait.h>

namespace queuectl::journal_testing {
namespace {

// What a call had told when its process died, in memory that outlives it.
struct told {
    enum class kind : std::uint32_t { none, inserted, claimed, completed };
    kind what = kind::none;
    std::uint32_t run = 0;  // number, of a claim
    std::uint64_t job = 0;
    std::uint64_t nonce = 0;  // of the lease
};
struct diary {
    static constexpr std::size_t places = 1 << 24;  // of which only those are in memory that are used
    std::atomic<std::uint64_t> used;
    std::atomic<std::uint64_t> next_job;
    std::atomic<std::uint64_t> next_nonce;
    told entries[places];

    void add(const told& t)
    {
        const auto at = used.fetch_add(1);
        if (at < places) entries[at] = t;
    }
};

instant real_now()
{
    return {timestamp{std::chrono::duration_cast<duration>(std::chrono::system_clock::now().time_since_epoch())},
            duration{queuectl::detail::monotonic_us()}, uid{1, 1}};
}

journal_options options_of(int role)
{
    journal_options options;
    options.durability = role % 2 == 0 ? durability::full : durability::none;
    options.sizes = {128 << 10, 512 << 10};
    options.busy = std::chrono::seconds{60};
    return options;
}

// A call whose outcome is unknown (who synced for it was killed) is repeated.
template <class Call>
auto done(Call&& call)
{
    for (;;) {
        auto outcome = call();
        if (outcome) return outcome;
        if (outcome.error().code == errc::outcome_unknown) continue;
        std::fprintf(stderr, "%s\n", outcome.error().message().c_str());
        std::_Exit(3);
    }
}

void enqueue(journal_storage& store, diary& d, seeded_random& random)
{
    std::vector<job> jobs(1 + random.below(8));
    const auto t = real_now();
    for (auto& j : jobs) {
        const auto number = d.next_job.fetch_add(1);
        j.id = "j" + std::to_string(number);
        j.queue = "q" + std::to_string(number % 3);
        j.kind = "shell";
        j.payload.assign(random.below(600), 'p');
        j.run_at = t.wall;
        j.retention = std::chrono::hours{1};
        j.nonce = {1, number + 1};
    }
    std::vector<insert_status> statuses(jobs.size());
    static_cast<void>(done([&] { return store.insert(jobs, statuses, t); }));
    for (const auto& j : jobs) d.add({told::kind::inserted, 0, std::stoull(j.id.substr(1)), 0});
}

void work(journal_storage& store, diary& d, seeded_random& random)
{
    claim_request request;
    request.max = 1 + random.below(8);
    const std::string worker = "w" + std::to_string(::getpid());
    request.worker = worker;
    request.nonce = {2, d.next_nonce.fetch_add(1) + 1};
    request.lease = std::chrono::milliseconds{100};
    std::vector<lease> leases;
    static_cast<void>(done([&] {
        leases.clear();
        auto claimed = store.claim(request, leases, real_now());
        request.repeat = true;
        return claimed;
    }));
    const auto tell = [&](told::kind what, const lease& l) {
        d.add({what, static_cast<std::uint32_t>(l.run_number()), std::stoull(l.job.id.substr(1)), l.token.nonce.low});
    };
    for (const auto& l : leases) tell(told::kind::claimed, l);
    std::vector<settlement> ended;
    for (const auto& l : leases) {
        auto& s = ended.emplace_back();
        s.receipt = l.receipt();
        s.report.emplace();
        s.report->status = run_status::succeeded;
        s.report->output.head.assign(random.below(40) == 0 ? 5000 : 10, 'o');
    }
    std::vector<settle_status> statuses(ended.size());
    static_cast<void>(done([&] { return store.settle(ended, statuses, real_now()); }));
    for (std::size_t i = 0; i < leases.size(); ++i)
        if (statuses[i] == settle_status::applied) tell(told::kind::completed, leases[i]);
}

[[noreturn]] void live(const store_folder& folder, diary& d, int role, std::uint64_t seed)
{
    auto opened = journal_storage::open(folder.path(), options_of(role));
    if (!opened) std::_Exit(2);
    for (seeded_random random{seed};;) role < 2 ? enqueue(*opened, d, random) : work(*opened, d, random);
}

// Whether a process holds the store's lock: the kernel says so.
bool holds_lock(pid_t pid)
{
    std::ifstream locks{"/proc/locks"};
    const std::string mine = " WRITE " + std::to_string(pid) + ' ';
    for (std::string line; std::getline(locks, line);)
        if (line.find("FLOCK") != std::string::npos && line.find(mine) != std::string::npos) return true;
    return false;
}

struct victims {
    std::size_t in_the_lock = 0;
    std::size_t elsewhere = 0;
};

class household {
public:
    household(const store_folder& folder, diary& d) : folder_{folder}, diary_{d}
    {
        for (int role = 0; role < roles; ++role) start(role);
    }
    ~household()
    {
        for (const pid_t pid : members_) end(pid);
    }

    // Kills one, and has another take its place.
    void kill_one(seeded_random& random, victims& killed)
    {
        for (int tries = 0;; ++tries) {
            const auto role = static_cast<int>(random.below(roles));
            ::usleep(static_cast<useconds_t>(random.below(300)));
            const pid_t pid = members_[role];
            ::kill(pid, SIGSTOP);
            int status = 0;
            ::waitpid(pid, &status, WUNTRACED);
            ASSERT_TRUE(WIFSTOPPED(status)) << "role " << role << " ended by itself: " << status;
            const bool inside = holds_lock(pid);
            if (!inside && killed.elsewhere > killed.in_the_lock && tries < 1000) {
                ::kill(pid, SIGCONT);
                continue;
            }
            ++(inside ? killed.in_the_lock : killed.elsewhere);
            end(pid);
            return start(role);
        }
    }

private:
    static constexpr int roles = 5;

    void start(int role)
    {
        const pid_t pid = ::fork();
        if (pid == 0) live(folder_, diary_, role, ++seeds_);
        ++seeds_;
        members_[role] = pid;
    }
    static void end(pid_t pid)
    {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }

    const store_folder& folder_;
    diary& diary_;
    pid_t members_[roles] = {};
    std::uint64_t seeds_ = 0;
};

// How often a sync of the store was taken for failed: as often its index was made anew.
std::uint32_t failed_syncs(const store_folder& folder)
{
    auto opened = side_folder::open(folder.path(), false);
    EXPECT_TRUE(opened);
    auto page = control_page::open(*opened);
    EXPECT_TRUE(page);
    return page->storage_words<journal::log_words>().generation.load();
}

void check(const diary& d, journal_storage& store)
{
    ASSERT_LT(d.used.load(), diary::places);
    std::map<std::uint64_t, std::map<std::uint32_t, std::uint64_t>> runs;  // job, run, nonce
    std::map<std::uint64_t, told> completed;
    std::set<std::uint64_t> inserted;
    for (std::uint64_t i = 0; i < d.used.load(); ++i) {
        const told& t = d.entries[i];
        if (t.what == told::kind::inserted) inserted.insert(t.job);
        if (t.what == told::kind::claimed) {
            const auto [known, first] = runs[t.job].emplace(t.run, t.nonce);
            EXPECT_TRUE(first || known->second == t.nonce) << "two leases on run " << t.run << " of j" << t.job;
        }
        if (t.what == told::kind::completed) {
            EXPECT_TRUE(completed.emplace(t.job, t).second) << "j" << t.job << " was completed twice";
        }
    }
    for (const auto job : inserted) {
        auto record = store.find("j" + std::to_string(job));
        ASSERT_TRUE(record && *record) << "j" << job << " is lost";
        const auto done = completed.find(job);
        if (done == completed.end()) continue;
        EXPECT_EQ((*record)->state, state::completed) << "j" << job;
        EXPECT_EQ((*record)->settled_token.nonce.low, done->second.nonce) << "j" << job;
    }
    for (const auto& [job, of_job] : runs)
        if (const auto done = completed.find(job); done != completed.end()) {
            EXPECT_EQ(of_job.rbegin()->second, done->second.nonce) << "j" << job << " ran on after it was completed";
        }
}

TEST(JournalKills, NothingIsLostAndNothingHasTwoLeases)
{
    const std::size_t kills = effort(2000, 20'000);
    const auto seed = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    SCOPED_TRACE("seed " + std::to_string(seed));
    store_folder folder;
    folder.open(options_of(0)).reset();
    auto* const d = static_cast<diary*>(
        ::mmap(nullptr, sizeof(diary), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    ASSERT_NE(static_cast<void*>(d), MAP_FAILED);
    victims killed;
    {
        household all{folder, *d};
        seeded_random random{seed};
        for (std::size_t i = 0; i < kills && !testing::Test::HasFatalFailure(); ++i) all.kill_one(random, killed);
    }
    std::cout << "killed " << killed.in_the_lock << " in the lock, " << killed.elsewhere << " elsewhere; "
              << d->used.load() << " calls told\n";
    EXPECT_GE(2 * killed.in_the_lock + 2, kills);
    EXPECT_EQ(failed_syncs(folder), 0U) << "the index was made anew because a process was killed";
    auto store = folder.open(options_of(1));
    check(*d, *store);
    const std::string before = tell_all(*store);
    store.reset();
    drop_index(folder);
    store = folder.open(options_of(1));
    EXPECT_TRUE(tell_all(*store) == before) << "the index and the log differ";
    ::munmap(d, sizeof(diary));
}

}  // namespace
}  // namespace queuectl::journal_testing
