// What a damaged log still says of its jobs.
#ifndef QUEUECTL_JOURNAL_STORE_SALVAGED_JOBS_HPP
#define QUEUECTL_JOURNAL_STORE_SALVAGED_JOBS_HPP

#include <queuectl/journal/store/core.hpp>

#include <map>
#include <unordered_map>

namespace queuectl::inline v0::journal {

// Where the records of a job are that could be read, the newest image and what followed it.
struct salvaged_job {
    location image = 0;
    std::vector<location> ends;
    std::uint64_t frame = 0;  // of the newest of them
    bool leased = false;      // a claim came after them
    bool incomplete = false;  // records between them are gone
};

// The sink of salvage_log: remembers places, not contents. About 150 bytes a job.
class salvaged_jobs {
public:
    void frame(std::uint64_t sequence, const frame_place& place, std::string_view body)
    {
        for (std::size_t at = 0; at < body.size();) {
            const auto record = read_record(body.substr(at));
            if (!record) {
                ++bad_records;
                return;
            }
            if (!take(sequence, locate(place.segment, place.offset + at), *record)) ++bad_records;
            at += record->bytes;
        }
    }
    void gap(std::uint64_t sequence) noexcept { last_gap = sequence; }

    std::map<std::uint64_t, salvaged_job> jobs;  // by sequence
    std::map<std::string, config_entry> settings;
    std::map<std::string, bool> queues;
    header_record header{};
    std::string moved_to;
    std::uint64_t last_gap = 0;                               // the first frame missing in the newest gap; 0 = none is
    std::uint64_t bad_records = 0;                            // in frames that are intact
    std::unordered_map<std::uint64_t, std::uint64_t> ghosts;  // sequences of jobs whose image is gone: newest frame

private:
    // False when it cannot be read.
    bool take(std::uint64_t frame, location where, const record_view& r)
    {
        switch (r.type) {
            case record_type::job: return job(frame, where, r.content);
            case record_type::claim: return claim(frame, r.content);
            case record_type::end: return end(frame, where, r.content);
            case record_type::remove: return remove(r.content);
            case record_type::config: return config(r.content);
            case record_type::unconfig: return unconfig(r.content);
            case record_type::queues: return queue_names(r.content);
            case record_type::header: return store_header(r.content);
            default: return true;
        }
    }

    bool job(std::uint64_t frame, location where, std::string_view content)
    {
        job_head head;
        if (!read_head(content, head)) return false;
        const std::string id{head.id};
        const auto known = sequences_.find(id);
        if (known != sequences_.end() && known->second != head.sequence) jobs.erase(known->second);
        sequences_[id] = head.sequence;
        ghosts.erase(head.sequence);
        queues[std::string{head.queue}] = true;
        jobs[head.sequence] = salvaged_job{where, {}, frame, head.state == state::processing, false};
        return true;
    }
    bool claim(std::uint64_t frame, std::string_view content)
    {
        if (!read_claim(content, named_)) return false;
        for (const auto sequence : named_) {
            if (const auto at = jobs.find(sequence); at != jobs.end())
                at->second.leased = true;
            else
                ghosts[sequence] = frame;
        }
        return true;
    }
    bool end(std::uint64_t frame, location where, std::string_view content)
    {
        const auto e = read_end(content);
        if (!e) return false;
        const auto at = jobs.find(e->sequence);
        if (at == jobs.end()) {
            ghosts[e->sequence] = frame;
            return true;
        }
        auto& job = at->second;
        const location before = job.ends.empty() ? job.image : job.ends.back();
        job.incomplete = job.incomplete || e->previous != before;
        job.ends.push_back(where);
        job.frame = frame;
        job.leased = false;
        return true;
    }
    bool remove(std::string_view content)
    {
        if (!read_remove(content, named_)) return false;
        for (const auto sequence : named_) {
            jobs.erase(sequence);
            ghosts.erase(sequence);
        }
        return true;
    }
    bool config(std::string_view content)
    {
        auto entry = read_config(content);
        if (entry) settings[entry->key] = *entry;
        return static_cast<bool>(entry);
    }
    bool unconfig(std::string_view content)
    {
        const auto gone = read_unconfig(content);
        if (gone) settings.erase(std::string{gone->key});
        return static_cast<bool>(gone);
    }
    bool queue_names(std::string_view content)
    {
        std::vector<std::string_view> names;
        if (!read_queues(content, names)) return false;
        for (const auto name : names) queues[std::string{name}] = true;
        return true;
    }
    bool store_header(std::string_view content)
    {
        const auto read = read_header(content);
        if (!read) return false;
        moved_to = read->moved_to;
        header = *read;
        header.moved_to = {};
        return true;
    }

    std::unordered_map<std::string, std::uint64_t> sequences_;  // by id
    std::vector<std::uint64_t> named_;
};

}  // namespace queuectl::inline v0::journal

#endif
