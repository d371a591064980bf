// Calls of any number of threads over few connections: what comes while all are in use goes together on the next that
// is free, so that one write, one turn of the server and one sync of its log serve many callers.
#ifndef QUEUECTL_REDIS_PIPELINE_HPP
#define QUEUECTL_REDIS_PIPELINE_HPP

#include <queuectl/redis/connector.hpp>

#include <condition_variable>
#include <span>

namespace queuectl::inline v0::detail::redis {

// One request, and what became of it.
struct errand {
    std::string_view head;  // the request in Redis's own words, in two parts
    std::string_view body;
    bool waits = false;  // for replicas; see options
    time_limit limit;

    std::optional<reply> told;  // the answer, an error of the server's included
    error problem;              // where there is none
    bool sent = false;          // some of it may have reached the server

    enum class stage : std::uint8_t { in_line, on_its_way, done } stage = stage::in_line;
};

// Any thread. The caller who finds a connection free takes all that stand in line along and tells them their answers;
// the others wait for that, or for a connection.
class pipeline {
public:
    pipeline(connector& to, const redis_options& options) : connector_{to}, options_{options} {}

    // Connects once.
    [[nodiscard]] result<void> open()
    {
        auto first = connector_.connect(limit_in(options_.connect_timeout));
        if (!first) return fail(first.error());
        idle_.push_back(std::move(*first));
        ++open_;
        return {};
    }
    // Returns when the errand is done, at its limit at the latest.
    void run(errand& mine)
    {
        std::unique_lock lock{mutex_};
        line_.push_back(&mine);
        const auto goes_on = [&] {
            return mine.stage == errand::stage::done || (mine.stage == errand::stage::in_line && is_free());
        };
        // Who is on its way is told by who carries it, at the limit too.
        while (!goes_on())
            if (mine.stage == errand::stage::on_its_way)
                changed_.wait(lock);
            else if (changed_.wait_until(lock, mine.limit) == std::cv_status::timeout && give_up(mine))
                return;
        if (mine.stage == errand::stage::in_line) lead(lock, mine);
    }
    // Connections that are not in use are closed: a new one may lead elsewhere.
    void forget_idle()
    {
        const std::scoped_lock lock{mutex_};
        open_ -= idle_.size();
        idle_.clear();
    }

private:
    static constexpr std::size_t bytes_together = 1U << 20;

    [[nodiscard]] bool is_free() const noexcept
    {
        return !idle_.empty() || open_ < std::max<std::size_t>(options_.connections, 1);
    }
    // Whether it still stood in line and no connection is free.
    bool give_up(errand& mine)
    {
        if (mine.stage != errand::stage::in_line || is_free()) return false;
        line_.erase(std::find(line_.begin(), line_.end(), &mine));
        mine.problem = {errc::busy, "", "no connection became free in time", 0};
        return true;
    }

    // Carries the line, `mine` first.
    void lead(std::unique_lock<std::mutex>& lock, errand& mine)
    {
        const auto all = take_line(mine);
        std::unique_ptr<wire> w;
        if (idle_.empty()) {
            ++open_;
        } else {
            w = std::move(idle_.back());
            idle_.pop_back();
        }
        lock.unlock();
        const bool alive = carry(w, all);
        lock.lock();
        for (errand* e : all) e->stage = errand::stage::done;
        if (alive)
            idle_.push_back(std::move(w));
        else
            --open_;
        lock.unlock();
        changed_.notify_all();
    }
    [[nodiscard]] std::vector<errand*> take_line(errand& mine)
    {
        std::vector<errand*> all{&mine};
        std::vector<errand*> left;
        std::size_t bytes = mine.body.size();
        for (errand* e : line_) {
            if (e == &mine) continue;
            bytes += e->body.size();
            (bytes <= bytes_together ? all : left).push_back(e);
        }
        line_ = std::move(left);
        for (errand* e : all) e->stage = errand::stage::on_its_way;
        return all;
    }

    // Whether the connection is of use afterwards.
    bool carry(std::unique_ptr<wire>& w, std::span<errand* const> all)
    {
        auto limit = all.front()->limit;
        for (const errand* e : all) limit = std::min(limit, e->limit);
        if (!w) {
            auto made = connector_.connect(std::min(limit, limit_in(options_.connect_timeout)));
            if (!made) {
                for (errand* e : all) e->problem = made.error();
                return false;
            }
            w = std::move(*made);
        }
        if (exchange(*w, all, limit)) return true;
        for (errand* e : all)
            if (!e->told) e->problem = {errc::unreachable, "ask " + connector_.address().text(), w->failed(), 0};
        return false;
    }
    [[nodiscard]] bool exchange(wire& w, std::span<errand* const> all, time_limit limit)
    {
        bool waits = false;
        for (errand* e : all) {
            e->sent = true;  // what was sent in part cannot run, but the last bytes may be on their way when it fails
            waits = waits || e->waits;
        }
        if (!write(w, all, waits, limit)) return false;
        for (errand* e : all) {
            e->told = w.read(limit);
            if (!e->told) return false;
        }
        return !waits || read_copies(w, all);
    }
    [[nodiscard]] bool write(wire& w, std::span<errand* const> all, bool waits, time_limit limit) const
    {
        std::string after;
        if (waits) {
            const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(options_.replica_timeout).count();
            after = command({"WAIT", std::to_string(options_.replicas), std::to_string(std::max<std::int64_t>(ms, 1))});
        }
        if (all.size() == 1 && !waits) return w.write(all[0]->head, all[0]->body, limit);
        std::string together;
        for (const errand* e : all) (together += e->head) += e->body;
        return w.write(together, after, limit);
    }
    // One WAIT for all that were sent together; who waits has no answer without it.
    [[nodiscard]] bool read_copies(wire& w, std::span<errand* const> all) const
    {
        const auto copies = w.read(limit_in(options_.replica_timeout + std::chrono::seconds{1}));
        for (errand* e : all) {
            if (!e->waits) continue;
            if (!copies)
                e->told.reset();
            else if (!e->told->is_error() && copies->number() < options_.replicas) {
                e->told->type = REDIS_REPLY_ERROR;
                e->told->text = "QUEUECTL outcome_unknown " + std::to_string(copies->number()) + " of " +
                                std::to_string(options_.replicas) + " replicas have it";
            }
        }
        return copies.has_value();
    }

    connector& connector_;
    const redis_options& options_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<errand*> line_;
    std::vector<std::unique_ptr<wire>> idle_;
    std::size_t open_ = 0;
};

}  // namespace queuectl::inline v0::detail::redis

#endif
