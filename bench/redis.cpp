// redis_storage on a server of the benchmark's own, against the same three transitions as the shortest scripts that do
// the like (the raw limit), in turn on the same server: AOF always, AOF everysec, no AOF; one at a time and in batches.
#include "cycle.hpp"

#include <queuectl/redis.hpp>

#include <csignal>

#include <hiredis/hiredis.h>
#include <sys/prctl.h>

namespace {

using namespace queuectl;
namespace r = queuectl::detail::redis;

class server {
public:
    explicit server(const bench::folder& where) : socket_{where / "s"}
    {
        const std::string dir = where / "";
        child_ = ::fork();
        if (child_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_.c_str(), "--save", "",
                     "--dir", dir.c_str(), "--logfile", "log", "--appendonly", "no", "--auto-aof-rewrite-percentage",
                     "0", nullptr);
            ::_exit(127);
        }
        for (int i = 0; i < 2000 && ask({"PING"}).text != "PONG"; ++i) ::usleep(5000);
    }
    server(const server&) = delete;
    server& operator=(const server&) = delete;
    ~server()
    {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    [[nodiscard]] redis_address address(const std::string& prefix) const
    {
        redis_address a;
        a.unix_path = socket_;
        a.prefix = prefix;
        return a;
    }
    r::reply ask(std::initializer_list<std::string_view> words) const
    {
        r::wire w;
        const auto limit = r::limit_in(std::chrono::seconds{10});
        if (!w.connect(address("q:"), limit) || !w.write(r::command(words), {}, limit)) return {};
        return w.read(limit).value_or(r::reply{});
    }
    void keep(const char* append_only, const char* fsync) const
    {
        ask({"CONFIG", "SET", "appendonly", append_only, "appendfsync", fsync});
        while (ask({"INFO", "persistence"}).text.find("aof_rewrite_in_progress:1") != std::string::npos)
            ::usleep(10'000);
    }

private:
    std::string socket_;
    pid_t child_ = 0;
};

// A hash of records, a zset in line, a zset of leases: no ids checked, no tokens, no counts, nothing to look at.
constexpr char raw_insert[] = R"(local h,z={},{}
for i=1,#ARGV,2 do h[i]=ARGV[i] h[i+1]=ARGV[i+1] z[i]=i z[i+1]=ARGV[i] end
redis.call('HSET',KEYS[1],unpack(h)) redis.call('ZADD',KEYS[2],unpack(z)) return #ARGV)";
constexpr char raw_claim[] = R"(local got=redis.call('ZPOPMIN',KEYS[2],ARGV[1])
if #got==0 then return {} end
local ids,z={},{}
for i=1,#got,2 do ids[#ids+1]=got[i] z[i]=ARGV[2] z[i+1]=got[i] end
redis.call('ZADD',KEYS[3],unpack(z))
local jobs=redis.call('HMGET',KEYS[1],unpack(ids))
for i=1,#ids do jobs[#jobs+1]=ids[i] end
return jobs)";
constexpr char raw_settle[] = R"(local n=redis.call('ZREM',KEYS[3],unpack(ARGV))
local h={}
for i=1,#ARGV do h[2*i-1]=ARGV[i] h[2*i]='completed' end
redis.call('HSET',KEYS[4],unpack(h)) return n)";

// By hiredis' own connection.
class raw_scripts {
public:
    explicit raw_scripts(const server& s) : to_{::redisConnectUnix(s.address("").unix_path.c_str())}
    {
        const char* const texts[] = {raw_insert, raw_claim, raw_settle};
        for (int i = 0; i < 3; ++i) digest_[i] = ask(r::command({"SCRIPT", "LOAD", texts[i]}))->str;
    }
    void cycle(std::size_t n)
    {
        r::request args;
        for (std::size_t i = 0; i < n; ++i) args.add("job-" + std::to_string(++last_)).add(record_);
        call(0, args);
        r::request most;
        most.add(n).add(last_);
        const auto jobs = call(1, most);
        r::request ids;
        for (std::size_t i = n; i < jobs->elements; ++i) ids.add({jobs->element[i]->str, jobs->element[i]->len});
        call(2, ids);
    }

private:
    struct freed {
        void operator()(redisReply* one) const { ::freeReplyObject(one); }
        void operator()(redisContext* one) const { ::redisFree(one); }
    };
    using answer = std::unique_ptr<redisReply, freed>;

    answer ask(const std::string& words)
    {
        void* told = nullptr;
        const bool asked = ::redisAppendFormattedCommand(to_.get(), words.data(), words.size()) == REDIS_OK &&
                           ::redisGetReply(to_.get(), &told) == REDIS_OK;
        answer a{static_cast<redisReply*>(told)};
        if (!asked || a->type == REDIS_REPLY_ERROR) std::exit(1);
        return a;
    }
    answer call(int which, const r::request& args)
    {
        r::request all;
        all.add("EVALSHA").add(digest_[which]).add(4).add("raw:j").add("raw:z").add("raw:l").add("raw:c");
        return ask('*' + std::to_string(all.words() + args.words()) + "\r\n" + all.bytes() + args.bytes());
    }

    std::unique_ptr<redisContext, freed> to_;
    std::string digest_[3];
    std::string record_ = std::string(150, 'x');
    std::uint64_t last_ = 0;
};

void figures(const bench::report& out, const server& s, const std::string& label)
{
    for (const std::size_t batch : {1U, 16U, 128U, 1000U}) {
        s.ask({"FLUSHALL"});
        auto store = bench::must(redis_storage::open(s.address("q:")));
        bench::hands hands{store, 0};
        raw_scripts raw{s};
        constexpr double slice = 0.05;  // many and short, since the disk's pace changes from second to second
        const auto both = bench::medians(
            24, [&] { return bench::cycles(hands, batch, slice).jobs_per_second; },
            [&] {
                std::size_t done = 0;
                double spent = 0;
                for (; spent < slice; done += batch) spent += bench::seconds([&] { raw.cycle(batch); });
                return static_cast<double>(done) / spent;
            });
        out.figure("redis " + label + (batch == 1 ? ", one at a time" : ", batches of " + std::to_string(batch)),
                   both.ours, "jobs/s", both.ratio,
                   "raw scripts, " + std::to_string(static_cast<long>(both.theirs)) + " jobs/s");
        if (batch < 100) continue;
        // Each settle takes the next claim along; the jobs are there before.
        std::vector<double> loops;
        for (int i = 0; i < 5; ++i) loops.push_back(bench::fused(hands, batch, 0.25).jobs_per_second);
        std::sort(loops.begin(), loops.end());
        out.figure("redis " + label + ", worker loop, batches of " + std::to_string(batch), loops[2], "jobs/s");
    }
}

// So many threads on one handle, each a job at a time: Redis syncs once for all that have come.
void threads(const bench::report& out, const server& s)
{
    double one = 0;
    for (const int count : {1, 4, 16}) {
        s.ask({"FLUSHALL"});
        auto store = bench::must(redis_storage::open(s.address("q:")));
        std::vector<std::thread> all;
        std::atomic<double> rate{0};
        for (int i = 0; i < count; ++i)
            all.emplace_back([&, i] {
                const double own = bench::cycles(store, 1, i, 1).jobs_per_second;
                rate.fetch_add(own);
            });
        for (auto& t : all) t.join();
        if (count == 1) one = rate;
        out.figure("redis AOF always, one at a time, " + std::to_string(count) + " threads", rate, "jobs/s", rate / one,
                   "1 thread");
    }
}

// What bullmq.mjs does, on a server that runs: jobs one at a time, in bulk, and all of them taken 100 at a time, each
// settle with the next claim. Prints "name rate" lines as it does.
void beside_bullmq(const char* socket, std::size_t n)
{
    redis_address at;
    at.unix_path = socket;
    auto store = bench::must(redis_storage::open(at));
    bench::hands hands{store, 0};
    const auto timed = [](const char* name, std::size_t jobs, auto&& work) {
        std::printf("%s\t%.0f\n", name, static_cast<double>(jobs) / bench::seconds(work));
    };
    timed("add", n / 10, [&] {
        for (std::size_t i = 0; i < n / 10; ++i) hands.insert(1);
    });
    timed("add in bulk of 1000", n, [&] {
        for (std::size_t i = 0; i < n; i += 1000) hands.insert(1000);
    });
    timed("drain, concurrency 100", n + n / 10, [&] {
        for (std::size_t more = hands.claim(100); more != 0;) more = hands.settle_and_claim(100);
    });
}

}  // namespace

int main(int argc, char** argv)
{
    if (argc == 4 && std::string_view{argv[1]} == "--beside-bullmq") {
        beside_bullmq(argv[2], std::strtoul(argv[3], nullptr, 10));
        return 0;
    }
    const bench::report out{argc, argv};
    const bench::folder where;
    const server s{where};
    figures(out, s, "no AOF");
    s.keep("yes", "everysec");
    figures(out, s, "AOF everysec");
    s.keep("yes", "always");
    figures(out, s, "AOF always");
    threads(out, s);
}
