// Many threads on one journal: one of them does what all want, and each is told what became of its own.
#include "journal/store/jobs.hpp"

#include <queuectl/testing/effort.hpp>
#include <queuectl/testing/seeded_random.hpp>

#include <set>
#include <thread>

#include <sys/mman.h>

namespace queuectl::journal_testing {
namespace {

// What the gate and the files of one store were asked for; and who may pass.
struct traffic {
    std::atomic<int> turns{0};
    std::atomic<int> frames{0};
    std::atomic<int> syncs{0};
    std::atomic<int> writes_to_fail{0};
    std::string poison;                   // a write that contains it fails
    std::atomic<std::uint64_t> crowd{0};  // the first turn is given when so many wait for a sync
};

class watched_gate {
public:
    using guard = journal::process_gate::guard;
    watched_gate(journal::process_gate gate, traffic& t, const journal::log_words& words)
        : gate_{std::move(gate)}, traffic_{&t}, words_{&words}
    {
    }
    [[nodiscard]] result<guard> acquire(duration most)
    {
        while (words_->waits.load() < traffic_->crowd) std::this_thread::yield();
        traffic_->crowd = 0;
        ++traffic_->turns;
        return gate_.acquire(most);
    }
    [[nodiscard]] bool try_lead() { return gate_.try_lead(); }
    void stop_leading() { gate_.stop_leading(); }

private:
    journal::process_gate gate_;
    traffic* traffic_;
    const journal::log_words* words_;
};

class watched_files : public journal::posix_file_system {
    using base = journal::posix_file_system;

public:
    watched_files(base files, traffic& t) : base{std::move(files)}, traffic_{&t} {}
    [[nodiscard]] result<void> write(file& f, std::uint64_t offset, std::string_view bytes)
    {
        ++traffic_->frames;
        const bool poisoned = !traffic_->poison.empty() && bytes.find(traffic_->poison) != std::string_view::npos;
        if (poisoned || traffic_->writes_to_fail.fetch_sub(1) > 0) return fail(errc::io, "write " + f.path, "no luck");
        return base::write(f, offset, bytes);
    }
    [[nodiscard]] result<void> sync(file& f)
    {
        ++traffic_->syncs;
        return base::sync(f);
    }

private:
    traffic* traffic_;
};

// A store whose session can be told anything.
class test_store : public journal::basic_storage<watched_files, watched_gate> {
    using base = journal::basic_storage<watched_files, watched_gate>;

public:
    using core = base::session_type::core_type;
    using turn = base::session_type::turn_type;
    explicit test_store(base b) : base{std::move(b)} {}

    template <class Body>
    [[nodiscard]] result<void> write(bool wait, Body&& body)
    {
        return this->session_->write("test", wait, body);
    }
};

// One process's view of a store in a folder of its own.
struct world {
    store_folder folder;
    traffic seen;
    control_words control{};
    journal::log_words words{};
    std::optional<watched_gate> gate;
    std::optional<journal::index_memory> memory;
    std::optional<test_store> store;

    explicit world(journal::segment_sizes sizes = {})
    {
        auto files = journal::posix_file_system::open_folder(folder.path(), true);
        auto process = journal::process_gate::open(files->folder(), control);
        gate.emplace(std::move(*process), seen, words);
        memory.emplace(std::move(*journal::index_memory::anonymous()));
        journal::log_options options;
        options.sizes = sizes;
        using base = journal::basic_storage<watched_files, watched_gate>;
        auto opened = base::open(watched_files{std::move(*files), seen}, *gate, words, control, memory->borrow(),
                                 options, folder.path());
        store.emplace(std::move(*opened));
        EXPECT_TRUE(insert("first", {}));
        seen.turns = seen.frames = seen.syncs = 0;
    }

    result<insert_status> insert(const std::string& id, std::size_t payload_bytes)
    {
        const job j = make_job(id, payload_bytes);
        insert_status status{};
        auto done = store->insert({&j, 1}, {&status, 1}, at(1));
        if (!done) return fail(done.error());
        return status;
    }

    // Runs call(i) in a thread each; the first turn is given when `waiting` of them wait for a sync.
    template <class Call>
    void at_once(int threads, int waiting, Call&& call)
    {
        seen.crowd = words.waits.load() + static_cast<std::uint64_t>(waiting);
        std::vector<std::thread> all;
        for (int i = 0; i < threads; ++i) all.emplace_back([&, i] { call(i); });
        for (auto& t : all) t.join();
    }
    void expect_sound()
    {
        const auto report = store->verify(at(5));
        ASSERT_TRUE(report) << report.error().message();
        EXPECT_EQ(report->found, 0U) << report->findings.front().text;
    }
};

std::string id_of(int i) { return "job-" + std::to_string(i); }

TEST(JournalCombine, OneTurnOneFrameAndOneSyncForAllWhoWait)
{
    world w;
    std::vector<result<insert_status>> told(16, fail(errc::busy, "", ""));
    w.at_once(16, 16, [&](int i) { told[static_cast<std::size_t>(i)] = w.insert(id_of(i), 100); });
    for (const auto& t : told) EXPECT_TRUE(t && *t == insert_status::inserted);
    EXPECT_EQ(w.seen.turns, 1);
    EXPECT_EQ(w.seen.frames, 1);
    EXPECT_EQ(w.seen.syncs, 1);
    w.expect_sound();
}

TEST(JournalCombine, EachIsToldItsOwn)
{
    world w;
    std::vector<result<insert_status>> told(12, fail(errc::busy, "", ""));
    result<std::uint64_t> put = 0;
    result<std::uint64_t> refused = 0;
    w.at_once(14, 14, [&](int i) {
        config_entry entry;
        entry.key = "key";
        entry.version = i == 12 ? 0 : 77;
        if (i == 12) put = w.store->config_put(entry, at(1));
        if (i == 13) refused = w.store->config_put(entry, at(1));
        if (i < 12) told[static_cast<std::size_t>(i)] = w.insert(i % 3 == 0 ? "the same" : id_of(i), 10);
    });
    EXPECT_EQ(w.seen.frames, 1);
    EXPECT_TRUE(put);
    EXPECT_EQ(refused.error().code, errc::conflict);
    EXPECT_EQ(refused.error().operation.find("config_put"), 0U) << refused.error().message();
    int same = 0;
    for (std::size_t i = 0; i < told.size(); ++i) {
        ASSERT_TRUE(told[i]) << told[i].error().message();
        if (i % 3 == 0)
            same += *told[i] == insert_status::inserted ? 1 : 0;
        else
            EXPECT_EQ(*told[i], insert_status::inserted) << i;
    }
    EXPECT_EQ(same, 1);
    w.expect_sound();
}

TEST(JournalCombine, ManyNewJobsAheadOfTheIndexGoInOneFrame)
{
    world w;
    constexpr std::size_t threads = journal::jobs_ahead::most + 20;
    std::vector<result<insert_status>> told(threads, fail(errc::busy, "", ""));
    w.at_once(threads, threads, [&](int i) { told[static_cast<std::size_t>(i)] = w.insert(id_of(i), 10); });
    for (const auto& t : told) EXPECT_TRUE(t && *t == insert_status::inserted);
    EXPECT_EQ(w.seen.frames, 1);
    w.expect_sound();
}

// What it had changed is undone; what others changed before and behind it is not.
TEST(JournalCombine, OneThatFailsIsUndoneAlone)
{
    world w;
    std::vector<result<insert_status>> told(16, fail(errc::busy, "", ""));
    w.at_once(16, 16, [&](int i) {
        if (i % 4 != 3) {
            told[static_cast<std::size_t>(i)] = w.insert(id_of(i), 10);
            return;
        }
        const job j = make_job(id_of(i));
        insert_status status{};
        const auto done = w.store->write(true, [&](test_store::core& c, test_store::turn& t) -> result<void> {
            journal::insert_call<test_store::core> inserting{c, {&j, 1}, {&status, 1}, {}};
            if (auto inserted = inserting.run(t); !inserted) return inserted;
            return fail(errc::conflict, "think", "it thought better of it");
        });
        EXPECT_EQ(done.error().code, errc::conflict);
    });
    EXPECT_EQ(w.seen.frames, 1);
    for (int i = 0; i < 16; ++i) {
        const auto found = w.store->find(id_of(i));
        EXPECT_TRUE(found && found->has_value() == (i % 4 != 3)) << i;
    }
    w.expect_sound();
}

TEST(JournalCombine, AfterAFailedWriteEachIsTriedByItself)
{
    world w;
    w.seen.poison = id_of(5);
    std::vector<result<insert_status>> told(16, fail(errc::busy, "", ""));
    w.at_once(16, 16, [&](int i) { told[static_cast<std::size_t>(i)] = w.insert(id_of(i), 10); });
    for (std::size_t i = 0; i < told.size(); ++i) {
        if (i == 5)
            EXPECT_EQ(told[i].error().code, errc::io);
        else
            EXPECT_TRUE(told[i]) << i << ' ' << told[i].error().message();
    }
    w.seen.poison.clear();
    const auto found = w.store->find(id_of(5));
    EXPECT_TRUE(found && !*found);
    w.expect_sound();
}

TEST(JournalCombine, WhatDoesNotFitTogetherIsWrittenApart)
{
    world w{{8192, 16384}};
    std::vector<result<insert_status>> told(32, fail(errc::busy, "", ""));
    w.at_once(32, 32, [&](int i) { told[static_cast<std::size_t>(i)] = w.insert(id_of(i), 1500); });
    for (const auto& t : told) EXPECT_TRUE(t && *t == insert_status::inserted);
    EXPECT_GT(w.words.segment.load(), 3U);
    EXPECT_LT(w.seen.turns, 32);
    w.expect_sound();
}

// Memory that is exhausted is a matter of the thread whose call it was.
TEST(JournalCombine, WhatThrowsThrowsWhereItWasCalled)
{
    world w;
    std::vector<result<insert_status>> told(16, fail(errc::busy, "", ""));
    std::atomic<int> caught{0};
    std::atomic<int> done{0};
    w.at_once(16, 16, [&](int i) {
        if (i % 4 != 3) {
            told[static_cast<std::size_t>(i)] = w.insert(id_of(i), 10);
            return;
        }
        const auto owner = std::this_thread::get_id();
        try {
            const auto told_now = w.store->write(true, [&](test_store::core&, test_store::turn&) -> result<void> {
                if (i == 3 || std::this_thread::get_id() != owner) throw std::bad_alloc{};
                return {};
            });
            done += told_now ? 1 : 0;
        } catch (const std::bad_alloc&) {
            ++caught;
        }
    });
    EXPECT_EQ(caught, 1);
    EXPECT_EQ(done, 3);
    for (int i = 0; i < 16; ++i)
        if (i % 4 != 3) {
            EXPECT_TRUE(told[static_cast<std::size_t>(i)]) << i;
        }
    EXPECT_TRUE(w.insert("afterwards", 10));
    w.expect_sound();
}

// Who waits for no sync does not wait for one, whoever it was run with.
TEST(JournalCombine, ClaimsGoWithInserts)
{
    world w;
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(w.insert(id_of(i), 10));
    std::mutex mutex;
    std::set<std::string> leased;
    w.at_once(16, 8, [&](int i) {
        if (i % 2 == 0) {
            EXPECT_TRUE(w.insert(id_of(100 + i), 10));
            return;
        }
        claim_request request;
        request.max = 1;
        request.worker = "w";
        request.nonce = {99, static_cast<std::uint64_t>(i)};
        std::vector<lease> leases;
        EXPECT_TRUE(w.store->claim(request, leases, at(2)));
        const std::scoped_lock one{mutex};
        for (const auto& l : leases) leased.insert(l.receipt().id);
    });
    EXPECT_EQ(leased.size(), 8U);
    w.expect_sound();
}

TEST(JournalCombine, CountsOfAThousandInsertsBySixteen)
{
    world w;
    std::vector<std::thread> all;
    for (int t = 0; t < 16; ++t)
        all.emplace_back([&, t] {
            for (int i = 0; i < 63; ++i) EXPECT_TRUE(w.insert(std::to_string(t) + '-' + std::to_string(i), 10));
        });
    for (auto& t : all) t.join();
    EXPECT_LT(w.seen.turns, 500);
    EXPECT_LT(w.seen.frames, 500);
    EXPECT_LT(w.seen.syncs, 500);
    w.expect_sound();
}

// So many that whoever comes first lets others serve.
TEST(JournalCombine, CountsOfAThousandInsertsByForty)
{
    world w;
    w.words.batch = 40;
    std::vector<std::thread> all;
    for (int t = 0; t < 40; ++t)
        all.emplace_back([&, t] {
            for (int i = 0; i < 25; ++i) {
                const auto told = w.insert(std::to_string(t) + '-' + std::to_string(i), 10);
                EXPECT_TRUE(told && *told == insert_status::inserted);
            }
        });
    for (auto& t : all) t.join();
    EXPECT_LT(w.seen.turns, 500);
    EXPECT_LT(w.seen.syncs, 500);
    w.expect_sound();
}

// Whoever leads a sync waits until as many have written as have said that they will.
TEST(JournalCombine, CountsThoseWhoHaveWritten)
{
    world w;
    const auto still_to_write = [&] { return w.words.waits.load() - w.words.waits_written.load(); };
    const auto none = still_to_write();
    w.at_once(6, 6, [&](int i) { EXPECT_TRUE(w.insert(id_of(i), 10)); });
    EXPECT_EQ(still_to_write(), none);
    w.seen.poison = "no";
    EXPECT_FALSE(w.insert("no", 10));
    EXPECT_EQ(still_to_write(), none) << "who failed waits no more";
    ASSERT_TRUE(w.store->write(false, [](test_store::core&, test_store::turn&) { return result<void>{}; }));
    EXPECT_EQ(still_to_write(), none) << "who does not wait is not counted";
}

// How many are expected stands in memory that processes share: whatever it says, nobody waits long for them.
TEST(JournalCombine, AWrongCountOfThoseWhoWaitDelaysNobody)
{
    world w;
    const auto begin = queuectl::detail::monotonic_us();
    for (const std::uint64_t wrong : {std::uint64_t{1} << 40, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
        w.words.batch = wrong;
        EXPECT_TRUE(w.insert(std::to_string(wrong), 10));
    }
    EXPECT_LT(queuectl::detail::monotonic_us() - begin, 10'000'000);
    w.expect_sound();
}

// Calls of two jobs each, by eight threads of a process that is killed: what was acknowledged is there, and no half.
TEST(JournalCombine, KilledAmongMany)
{
    constexpr std::size_t most = 100'000;
    auto* const told = static_cast<std::atomic<char>*>(
        ::mmap(nullptr, most, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(told, MAP_FAILED);
    const store_folder folder;
    std::size_t next = 0;
    for (std::size_t round = 0; round < effort(12, 200); ++round) {
        auto* const used = new (::mmap(nullptr, 64, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
            std::atomic<std::size_t>{next};
        const auto child = ::fork();
        if (child == 0) {
            auto s = folder.open();
            std::vector<std::thread> all;
            for (int t = 0; t < 8; ++t)
                all.emplace_back([&] {
                    for (;;) {
                        const auto n = used->fetch_add(1);
                        if (n >= most) ::pause();
                        job pair[2] = {make_job("a" + std::to_string(n), 100), make_job("b" + std::to_string(n), 9)};
                        insert_status statuses[2] = {};
                        if (s->insert(pair, statuses, at(1))) told[n] = 1;
                    }
                });
            all.front().join();
        }
        while (used->load() < next + 20 + 37 * (round % 9)) ::sched_yield();
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        auto s = folder.open();
        for (; next < std::min(used->load(), most); ++next) {
            const auto a = state_of(*s, "a" + std::to_string(next));
            EXPECT_EQ(a, state_of(*s, "b" + std::to_string(next))) << next;
            if (told[next] != 0) {
                EXPECT_EQ(a, state::pending) << next;
            }
        }
        ::munmap(used, 64);
    }
    ::munmap(told, most);
    const auto report = folder.open()->verify(at(5));
    EXPECT_TRUE(report && report->found == 0);
}

}  // namespace
}  // namespace queuectl::journal_testing
