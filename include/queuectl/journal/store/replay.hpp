// Listens to the log: the index follows what others have written, or what was written before.
#ifndef QUEUECTL_JOURNAL_STORE_REPLAY_HPP
#define QUEUECTL_JOURNAL_STORE_REPLAY_HPP

#include <queuectl/journal/store/core.hpp>

#include <optional>

namespace queuectl::inline v0::journal {

// The log's sink. Each frame changes the index as a whole. The first error stops it: what comes after is not heard,
// and failure() says why.
template <class Core>
class replay {
public:
    replay(Core& core, const uid& boot) : core_{&core}, boot_{boot} {}

    [[nodiscard]] const std::optional<error>& failure() const noexcept { return failure_; }
    void forget_failure() noexcept { failure_.reset(); }

    // Whether the index can be used as it is; else it must be told everything.
    [[nodiscard]] bool valid()
    {
        return core_->index.space().valid(boot_, core_->log().store(), index_layout) && core_->index.sound();
    }

    [[nodiscard]] log_position heard()
    {
        if (Core::guards::roll_back_dead && core_->index.space().pending())
            core_->index.space().rollback();  // its holder has died
        auto& roots = core_->index.roots();
        return valid() && roots.any_heard != 0 ? roots.heard : log_position{};
    }
    void restart()
    {
        failure_.reset();
        if (auto done = core_->index.space().clear(boot_, core_->log().store(), index_layout); !done)
            failure_ = done.error();
    }
    void frame(const log_position& behind, const frame_place& place, std::string_view body)
    {
        if (failure_) return;
        auto done = records(place, body);
        if (core_->index.space().doubtful()) done = garbage_in_index();
        if (done) {
            core_->heard(behind);
            core_->index.space().commit();
        } else {
            core_->index.space().rollback();
            failure_ = done.error();
        }
    }

    // What a frame at `place` will say; the caller commits it.
    [[nodiscard]] result<void> records(const frame_place& place, std::string_view body)
    {
        for (std::size_t at = 0; at < body.size();) {
            auto record = read_record(body.substr(at));
            if (!record) return fail(record.error());
            const location where = locate(place.segment, place.offset + at);
            if (auto done = apply(where, *record); !done) return done;
            at += record->bytes;
        }
        return {};
    }

private:
    result<void> apply(location where, const record_view& r)
    {
        switch (r.type) {
            case record_type::job: return job(where, r);
            case record_type::claim: return claim(r.content);
            case record_type::extend: return extend(r.content);
            case record_type::end: return end(where, r.content);
            case record_type::change: return change(r.content);
            case record_type::remove: return remove(r.content);
            case record_type::config: return config(where, r);
            case record_type::unconfig: return unconfig(r.content);
            case record_type::queues: return queues(r.content);
            case record_type::header: return header(r.content);
        }
        return {};  // one to skip
    }
    static failure_value too_new()
    {
        return fail(errc::wrong_version, "read the journal", "a record's type is newer than this program");
    }

    // An image replaces all that was known of the job.
    result<void> job(location where, const record_view& r)
    {
        auto head = read_head(r.content);
        if (!head) return fail(head.error());
        auto& index = core_->index;
        if (auto room = index.reserve_for(head->sequence); !room) return room;
        const auto hash = index.hash(head->id);
        if (const ref known = index.find(head->id, hash); known != 0)
            if (auto done = drop(known); !done) return done;
        const auto bytes = static_cast<std::uint32_t>(r.bytes);
        if (index.add(*head, hash, where, bytes, head->retention <= duration::zero()) == 0)
            return fail(errc::corrupt, "read the journal", "there are too many queues and kinds");
        return {};
    }
    result<void> drop(ref job)
    {
        if (core_->index.is_live(job)) {
            const auto& slot = core_->index.live(job);
            core_->index.erase(job, slot.node.sequence, slot.bytes);
            return {};
        }
        auto known = sequence_and_bytes(*core_, job);
        if (!known) return fail(known.error());
        core_->index.erase(job, known->first, known->second);
        return {};
    }

    // Jobs that are not there were removed, or were moved on with all that is said here.
    result<void> claim(std::string_view content)
    {
        auto c = read_claim(content, sequences_);
        if (!c) return fail(c.error());
        if (auto room = core_->index.reserve(0, c->sequences.size()); !room) return room;
        ref lease = 0;
        for (std::size_t i = 0; i < c->sequences.size(); ++i) {
            const ref at = core_->index.by_sequence(c->sequences[i]);
            if (at == 0 || !is_waiting(core_->index.state_of(at))) continue;
            if (lease == 0) lease = core_->index.all_leases().open(terms_of(c->nonce, c->worker, c->now, c->lease));
            core_->index.lease(at, lease, c->first_ordinal + static_cast<std::uint32_t>(i), c->now.wall);
        }
        return {};
    }
    result<void> extend(std::string_view content)
    {
        auto e = read_extend(content, sequences_);
        if (!e) return fail(e.error());
        if (auto room = core_->index.reserve(0, e->sequences.size()); !room) return room;
        for (const auto sequence : e->sequences) {
            const ref at = core_->index.by_sequence(sequence);
            if (at != 0 && core_->index.state_of(at) == state::processing)
                core_->index.all_leases().extend(at, e->now, e->length);
        }
        return {};
    }
    result<void> end(location where, std::string_view content)
    {
        auto e = read_end(content);
        if (!e) return fail(e.error());
        const ref at = core_->index.by_sequence(e->sequence);
        if (at == 0 || !core_->index.is_live(at)) return {};
        if (auto room = core_->index.reserve(0, 1); !room) return room;
        end_record r{};
        r.sequence = e->sequence;
        r.previous = e->previous;
        r.state = e->state;
        r.now = e->now;
        r.run_at = e->run_at;
        r.attempts = e->attempts;
        r.crashes = e->crashes;
        r.image_bytes = e->image_bytes;
        core_->index.end(at, r, where);
        return {};
    }
    result<void> change(std::string_view content)
    {
        auto c = read_change(content);
        if (!c) return fail(c.error());
        const ref at = core_->index.by_sequence(c->sequence);
        if (at == 0 || core_->index.state_of(at) != state::processing) return {};
        if (auto room = core_->index.reserve(0, 1); !room) return room;
        if (c->kind != change_kind::cancel_requested) return too_new();
        core_->index.request_cancel(at);
        return {};
    }
    result<void> remove(std::string_view content)
    {
        if (auto done = read_remove(content, sequences_); !done) return done;
        if (auto room = core_->index.reserve(0, sequences_.size()); !room) return room;
        auto& roots = core_->index.roots();
        for (const auto sequence : sequences_) {
            if (roots.last_sequence < sequence) core_->index.space().touch(roots.last_sequence) = sequence;
            if (const ref at = core_->index.by_sequence(sequence); at != 0)
                if (auto done = drop(at); !done) return done;
        }
        return {};
    }

    result<void> config(location where, const record_view& r)
    {
        auto entry = read_config(r.content);
        if (!entry) return fail(entry.error());
        if (auto room = core_->index.reserve(1, 1); !room) return room;
        core_->config.put(entry->key, entry->version, entry->expires_at.time_since_epoch().count(), where,
                          static_cast<std::uint32_t>(r.bytes));
        return {};
    }
    result<void> unconfig(std::string_view content)
    {
        auto gone = read_unconfig(content);
        if (!gone) return fail(gone.error());
        if (auto room = core_->index.reserve(0, 1); !room) return room;
        core_->config.erase(gone->key);
        core_->config.note(gone->version);
        return {};
    }
    result<void> queues(std::string_view content)
    {
        std::vector<std::string_view> names;
        if (auto done = read_queues(content, names); !done) return done;
        if (auto room = core_->index.reserve(names.size(), 0); !room) return room;
        for (const auto name : names) core_->index.all_lanes().find_or_make_queue(name);
        return {};
    }
    result<void> header(std::string_view content)
    {
        auto h = read_header(content);
        if (!h) return fail(h.error());
        if (auto room = core_->index.reserve(1, 1); !room) return room;
        core_->set_header(*h);
        return {};
    }

    Core* core_;
    uid boot_;
    std::optional<error> failure_;
    std::vector<std::uint64_t> sequences_;
};

}  // namespace queuectl::inline v0::journal

#endif
