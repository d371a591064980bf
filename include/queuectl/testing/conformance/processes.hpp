// Line 10: several processes, killed at any moment. Children put in, claim and complete jobs with handles of their own
// and note in shared memory what was acknowledged to them; SIGKILL falls on one after the other. In the end nothing
// acknowledged is missing, and no job was completed twice. POSIX.
#ifndef QUEUECTL_TESTING_CONFORMANCE_PROCESSES_HPP
#define QUEUECTL_TESTING_CONFORMANCE_PROCESSES_HPP

#include <queuectl/testing/conformance/counts.hpp>
#include <queuectl/testing/effort.hpp>
#include <queuectl/testing/seeded_random.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <new>

#include <sched.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

namespace queuectl::inline v0::conformance {

// What the processes share, outside the store. Job n has the id "p<n>".
struct kill_board {
    static constexpr std::size_t jobs_max = 20'000;
    std::atomic<std::uint32_t> next_job{0};
    std::atomic<std::uint32_t> steps{0};      // verbs that returned, in all children
    std::atomic<std::uint32_t> completed{0};  // acknowledged completions
    std::atomic<std::int64_t> boot_us{0};     // virtual time since the start
    std::atomic<bool> stop{false};
    std::atomic<bool> failed{false};
    std::array<char, 200> why{};  // by the first child that failed
    std::array<std::atomic<std::uint8_t>, jobs_max> inserted{};
    std::array<std::atomic<std::uint8_t>, jobs_max> completions{};
};

// Anonymous shared memory for a board; null where there is none to be had.
class kill_board_memory {
public:
    kill_board_memory()
    {
        void* at = ::mmap(nullptr, sizeof(kill_board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (at != MAP_FAILED) board_ = new (at) kill_board;
    }
    ~kill_board_memory()
    {
        if (board_ != nullptr) ::munmap(board_, sizeof(kill_board));
    }
    kill_board_memory(const kill_board_memory&) = delete;
    kill_board_memory& operator=(const kill_board_memory&) = delete;
    [[nodiscard]] kill_board* get() const noexcept { return board_; }

private:
    kill_board* board_ = nullptr;
};

// One child: works until it is told to stop, is killed, or its parent is gone.
template <backend B>
class kill_victim {
public:
    using storage_type = typename B::storage_type;
    kill_victim(fixture<B>& f, kill_board& board, std::uint64_t seed) : f_{f}, board_{board}, random_{seed} {}

    void work(pid_t parent)
    {
        const auto handle = f_.another();
        while (!board_.stop && !board_.failed && ::getppid() == parent) {
            if (board_.next_job - board_.completed < 40 && board_.next_job + 8 < kill_board::jobs_max) put(*handle);
            take(*handle);
        }
    }

private:
    void put(storage_type& s)
    {
        const std::uint32_t n = board_.next_job++;
        job j;
        j.id = std::string{"p"} + std::to_string(n);
        j.queue = n % 2 == 0 ? "a" : "b";
        j.run_at = f_.now.wall;
        j.retention = std::chrono::hours{24};
        j.nonce = uid{random_.next(), n + 1};
        std::vector<insert_status> told(1);
        const std::vector<job> jobs{j};
        if (good(s.insert(jobs, told, now()), "insert") && told[0] == insert_status::inserted) board_.inserted[n] = 1;
    }
    void take(storage_type& s)
    {
        claim_request r;
        r.max = 1 + random_.below(4);
        r.lease = std::chrono::seconds{30};
        r.worker = "child";
        r.nonce = uid{random_.next(), random_.next()};
        std::vector<lease> leases;
        if (!good(s.claim(r, leases, now()), "claim")) return;
        if (leases.empty()) ::sched_yield();
        std::vector<settlement> all;
        for (const auto& l : leases)
            if (!random_.one_in(8)) all.push_back(random_.one_in(4) ? f_.released(l) : f_.success(l));
        std::vector<settle_status> told(all.size());
        if (all.empty() || !good(s.settle(all, told, now()), "settle")) return;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (told[i] != settle_status::applied || all[i].verdict.kind != verdict_kind::complete) continue;
            ++board_.completions[std::strtoul(all[i].receipt.id.c_str() + 1, nullptr, 10)];
            ++board_.completed;
        }
    }
    [[nodiscard]] instant now() const
    {
        instant t = f_.now;
        t.boot = add(t.boot, duration{board_.boot_us.load()});
        return t;
    }
    template <class T>
    bool good(const result<T>& r, const char* verb)
    {
        ++board_.steps;
        if (r || board_.failed.exchange(true)) return r.has_value();
        const std::string text = std::string{verb} + ": " + r.error().message();
        text.copy(board_.why.data(), board_.why.size() - 1);
        return false;
    }

    fixture<B>& f_;
    kill_board& board_;
    seeded_random random_;
};

// The parent: starts children and kills them.
template <backend B>
class killer {
public:
    killer(fixture<B>& f, kill_board& board) : f_{f}, board_{board} {}

    // Requires that no handle is open: none may cross the fork.
    void run(std::size_t kills)
    {
        for (auto& child : children_) child = start();
        for (std::size_t i = 0; i < kills && !board_.failed; ++i) {
            wait_for_steps(static_cast<std::uint32_t>(3 + random_.below(40)));
            auto& child = children_[random_.below(children_.size())];
            end(child, SIGKILL);
            board_.boot_us += std::chrono::microseconds{std::chrono::seconds{random_.one_in(3) ? 31 : 1}}.count();
            child = start();
        }
        board_.stop = true;
        for (const auto child : children_) end(child, 0);
        if (board_.failed) f_.out().fail(__FILE__, __LINE__, std::string{"in a child: "} + board_.why.data());
    }

private:
    [[nodiscard]] pid_t start()
    {
        const pid_t parent = ::getpid();
        const auto seed = random_.next();
        const pid_t child = ::fork();
        if (child == 0) {
            kill_victim<B>{f_, board_, seed}.work(parent);
            ::_exit(0);
        }
        if (child < 0) board_.failed = true;
        return child;
    }
    static void end(pid_t child, int signal)
    {
        if (child <= 0) return;
        if (signal != 0) ::kill(child, signal);
        int status = 0;
        ::waitpid(child, &status, 0);
    }
    // Until the children have got on by `n` verbs; ten seconds without that is a failure.
    void wait_for_steps(std::uint32_t n)
    {
        const std::uint32_t from = board_.steps;
        const auto started = std::chrono::steady_clock::now();
        while (board_.steps - from < n && !board_.failed) {
            ::sched_yield();
            if (std::chrono::steady_clock::now() - started < std::chrono::seconds{10}) continue;
            f_.out().fail(__FILE__, __LINE__, "the children do not get on after a kill");
            board_.failed = true;
        }
    }

    fixture<B>& f_;
    kill_board& board_;
    seeded_random random_{2026};
    std::array<pid_t, 3> children_{};
};

template <backend B>
void line10_killed_processes_lose_nothing_acknowledged(fixture<B>& f)
{
    const kill_board_memory memory;
    if (!QUEUECTL_CHECK(f, memory.get() != nullptr)) return;
    kill_board& board = *memory.get();
    f.close();
    killer<B>{f, board}.run(effort(15, 400));
    f.reopen();
    f.advance(duration{board.boot_us.load()} + f.lease_time + f.tick);
    for (auto leases = f.claim(50); !leases.empty(); leases = f.claim(50))
        for (const auto& l : leases) {
            QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
            ++board.completions[std::strtoul(l.job.id.c_str() + 1, nullptr, 10)];
        }
    for (std::size_t n = 0; n < board.next_job; ++n) {
        QUEUECTL_CHECK(f, board.completions[n] <= 1);
        if (board.inserted[n] == 0) continue;
        QUEUECTL_EQUAL(f, f.insert(f.make(std::string{"p"} + std::to_string(n))), insert_status::duplicate);
        if constexpr (fixture<B>::inspectable)
            QUEUECTL_EQUAL(f, f.find(std::string{"p"} + std::to_string(n)).state, state::completed);
    }
    if constexpr (fixture<B>::inspectable) check_counts(f, f.list().size(), "after the kills");
}

template <backend B>
void add_process_checks(check_list<B>& list)
{
    if constexpr (has_processes<B> && can_reopen<B>)
        QUEUECTL_ADD_CHECK(list, B, line10_killed_processes_lose_nothing_acknowledged);
}

}  // namespace queuectl::inline v0::conformance

#endif
