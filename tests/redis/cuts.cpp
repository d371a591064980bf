// A proxy cuts the connection after every single byte of a job's whole life, of the requests and of the replies.
#include "redis/life.hpp"

#include <atomic>
#include <memory>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace queuectl_test {
namespace {

class cutting_proxy {
public:
    explicit cutting_proxy(const redis_server& server)
        : path_{server.folder() + "/proxy"}, to_{server.socket_path()}, listener_{::socket(AF_UNIX, SOCK_STREAM, 0)}
    {
        const auto at = address_of(path_);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
        EXPECT_EQ(::listen(listener_, 16), 0);
        thread_ = std::thread{[this] { run(); }};
    }
    ~cutting_proxy()
    {
        stop_ = true;
        thread_.join();
        ::close(listener_);
    }
    // From now on bytes are counted. After so many requested or answered, whichever is not -1, the connection ends,
    // once.
    void arm(long requests, long replies)
    {
        passed_[0] = passed_[1] = 0;
        cut_[0] = requests;
        cut_[1] = replies;
    }
    [[nodiscard]] bool has_cut() const { return cut_[0] < 0 && cut_[1] < 0; }
    [[nodiscard]] redis_address address() const
    {
        redis_address a;
        a.unix_path = path_;
        return a;
    }

private:
    struct pair {
        int ends[2];
    };

    static sockaddr_un address_of(const std::string& path)
    {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        path.copy(at.sun_path, sizeof at.sun_path - 1);
        return at;
    }

    void run()
    {
        std::vector<pair> pairs;
        while (!stop_) {
            std::vector<pollfd> all{{listener_, POLLIN, 0}};
            for (const auto& p : pairs)
                for (const int end : p.ends) all.push_back({end, POLLIN, 0});
            if (::poll(all.data(), all.size(), 20) <= 0) continue;
            std::vector<pair> left;
            for (std::size_t i = 0; i < pairs.size(); ++i) {
                bool alive = true;
                for (int direction = 0; direction < 2 && alive; ++direction)
                    if (all[1 + 2 * i + static_cast<std::size_t>(direction)].revents != 0)
                        alive = pass(pairs[i], direction);
                if (alive)
                    left.push_back(pairs[i]);
                else
                    for (const int end : pairs[i].ends) ::close(end);
            }
            pairs = std::move(left);
            if (all[0].revents != 0) pairs.push_back(accept());
        }
        for (const auto& p : pairs)
            for (const int end : p.ends) ::close(end);
    }
    pair accept() const
    {
        pair p{{::accept(listener_, nullptr, nullptr), ::socket(AF_UNIX, SOCK_STREAM, 0)}};
        const auto at = address_of(to_);
        EXPECT_EQ(::connect(p.ends[1], reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
        return p;
    }
    // Whether the connection goes on. Direction 0: requests.
    bool pass(const pair& p, int direction)
    {
        char bytes[65536];
        const auto n = ::recv(p.ends[direction], bytes, sizeof bytes, 0);
        if (n <= 0) return false;
        const long cut = cut_[direction];
        const long before = passed_[direction];
        const bool ends = cut >= 0 && before + n >= cut;
        const long count = ends ? cut - before : n;
        passed_[direction] += count;
        if (ends) cut_[0] = cut_[1] = -1;
        if (count > 0 && ::send(p.ends[1 - direction], bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL) != count)
            return false;
        return !ends;
    }

    std::string path_;
    std::string to_;
    int listener_;
    std::atomic<bool> stop_{false};
    std::atomic<long> passed_[2]{};
    std::atomic<long> cut_[2]{-1, -1};
    std::thread thread_;
};

// One job's life in which a run fails first; what differs from how it should be.
std::string live(redis_storage& store, const std::string& id)
{
    auto told = put(store, make_job(id));
    if (!told) return told.error().message();
    if (*told != insert_status::inserted) return "inserted twice";
    for (const bool fails : {true, false}) {
        auto leases = take(store, 5);
        if (!leases) return leases.error().message();
        if (leases->size() != 1 || leases->front().job.id != id) return "the job was not the one claimed";
        const auto& l = leases->front();
        extend_status held{};
        const auto receipt = l.receipt();
        if (auto done = store.extend({&receipt, 1}, std::chrono::hours{2}, {&held, 1}, real_now()); !done)
            return done.error().message();
        if (held != extend_status::held) return "the lease was lost";
        auto s = success(l);
        if (fails) {
            s.verdict = {verdict_kind::retry, real_now().wall};
            s.report->status = run_status::failed;
            s.report->error = "why";
        }
        auto settled = settle(store, s);
        if (!settled) return settled.error().message();
        if (*settled != settle_status::applied) return "the settle was refused";
    }
    const auto r = find(store, id);
    if (r.state != state::completed || r.attempts != 2) return "it did not end as it should";
    if (r.crashes != 0) return "a crash was counted";
    std::vector<attempt> runs;
    if (!store.attempts(id, runs) || runs.size() != 2) return "a run was recorded twice or not at all";
    const std::vector<std::string> ids{id};
    change_status removed{};
    if (auto done = store.remove(ids, {&removed, 1}); !done) return done.error().message();
    return removed == change_status::done ? "" : "it was removed twice";
}

TEST(RedisCuts, NoByteAtWhichAConnectionEndsLosesOrDoublesAJob)
{
    redis_server server;
    cutting_proxy proxy{server};
    auto store = open_store(proxy.address());
    ASSERT_EQ(live(store, "warm-up"), "");
    long cuts[2] = {0, 0};
    for (int direction = 0; direction < 2; ++direction)
        for (;; ++cuts[direction]) {
            const long at = cuts[direction];
            proxy.arm(direction == 0 ? at : -1, direction == 1 ? at : -1);
            const auto wrong = live(store, "job");
            ASSERT_EQ(wrong, "") << (direction == 0 ? "request" : "reply") << " byte " << at;
            if (!proxy.has_cut()) break;  // the whole life is shorter
        }
    EXPECT_GT(cuts[0], 1000);
    EXPECT_GT(cuts[1], 200);
    for (const auto s : {state::pending, state::processing, state::completed, state::failed, state::dead})
        EXPECT_EQ(count(store, s), 0U) << name(s);
    RecordProperty("cuts", static_cast<int>(cuts[0] + cuts[1]));
}

}  // namespace
}  // namespace queuectl_test
