// Records with anything in them, and the same ones every time.
#ifndef QUEUECTL_TESTS_JOURNAL_RECORD_SAMPLES_HPP
#define QUEUECTL_TESTS_JOURNAL_RECORD_SAMPLES_HPP

#include <queuectl/journal/records.hpp>
#include <queuectl/limits.hpp>
#include <queuectl/testing/seeded_random.hpp>

#include <bit>
#include <limits>
#include <string>
#include <vector>

namespace queuectl::journal_testing {

// Values at and near the limits of their types, small ones, and any.
class sampler {
public:
    explicit sampler(std::uint64_t seed) : random_{seed} {}

    template <class Integer>
    Integer any()
    {
        using limit = std::numeric_limits<Integer>;
        switch (random_.below(8)) {
            case 0: return 0;
            case 1: return limit::max();
            case 2: return limit::min();
            case 3: return static_cast<Integer>(limit::max() - random_.below(3));
            case 4: return static_cast<Integer>(random_.below(300));
            case 5: return static_cast<Integer>(0 - random_.below(100));
            default: return static_cast<Integer>(random_.next() >> random_.below(64));
        }
    }
    bool coin() { return random_.one_in(2); }
    std::uint64_t below(std::uint64_t n) { return random_.below(n); }
    duration span() { return duration{any<std::int64_t>()}; }
    timestamp time() { return timestamp{span()}; }
    uid id() { return {any<std::uint64_t>(), any<std::uint64_t>()}; }
    lease_token token() { return {id(), any<std::uint32_t>()}; }
    instant now() { return {time(), span(), id()}; }
    queuectl::state state() { return static_cast<queuectl::state>(random_.below(state_count)); }
    std::string text(std::size_t most)
    {
        const std::size_t lengths[] = {0, 1, most, random_.below(most + 1), random_.below(most + 1) / 8};
        std::string bytes(lengths[random_.below(5)], '\0');
        for (auto& c : bytes) c = static_cast<char>(random_.next());
        return bytes;
    }
    std::vector<std::uint64_t> sequences()
    {
        std::vector<std::uint64_t> all(random_.one_in(4) ? 0 : random_.below(1200));
        std::uint64_t next = any<std::uint64_t>();
        const bool wild = coin();
        for (auto& sequence : all) sequence = wild ? any<std::uint64_t>() : next += random_.below(3);
        return all;
    }

    queuectl::job job()
    {
        queuectl::job j;
        j.id = text(limits::id_bytes);
        j.queue = text(limits::name_bytes);
        j.kind = text(limits::name_bytes);
        j.payload = text(3000);
        j.run_at = time();
        j.timeout = span();
        j.retention = span();
        j.backoff_base = std::bit_cast<double>(any<std::uint64_t>() >> 2);  // neither NaN nor infinite
        j.max_retries = any<std::int32_t>();
        j.hold = any<std::uint32_t>();
        j.priority = any<std::int8_t>();
        j.nonce = id();
        j.tag = text(limits::name_bytes);
        j.key = text(limits::key_bytes);
        j.unique_key = text(limits::key_bytes);
        j.batch = text(limits::name_bytes);
        j.cwd = text(600);
        j.env = text(900);
        j.depends_on.resize(below(5));
        for (auto& other : j.depends_on) other = text(limits::id_bytes);
        return j;
    }
    attempt run()
    {
        attempt a;
        a.number = any<std::int32_t>();
        a.status = static_cast<run_status>(below(5));
        a.exit_code = any<std::int32_t>();
        a.signal = any<std::int32_t>();
        a.started_at = time();
        a.ended_at = time();
        a.error = text(limits::error_bytes);
        a.worker = text(300);
        if (coin()) return a;
        a.output.head = text(limits::inline_output_bytes);
        a.output.tail = text(200);
        a.output.dropped_bytes = any<std::uint64_t>();
        a.output_bytes = any<std::uint64_t>();
        return a;
    }
    journal::stored_attempt stored() { return {run(), any<std::uint64_t>()}; }
    journal::job_image image()
    {
        journal::job_image i;
        job_record& r = i.record;
        r.job = job();
        r.sequence = any<std::uint64_t>();
        r.state = state();
        r.created_at = time();
        r.updated_at = time();
        if (coin()) r.attempts = any<std::int32_t>();
        if (coin()) r.crashes = any<std::int32_t>();
        if (coin()) {
            r.token = token();
            r.locked_by = text(300);
            r.locked_at = time();
            r.lease_until = time();
            i.lease_end = span();
            i.boot_id = id();
        }
        if (coin()) r.settled_token = token();
        if (coin()) r.exit_code = any<std::int32_t>();
        if (coin()) r.signal = any<std::int32_t>();
        r.error = text(limits::error_bytes);
        r.result = text(70'000);
        r.progress = text(100);
        r.cancel_requested = coin();
        i.was_failed = coin();
        if (coin()) i.attempts.resize(below(limits::attempts_kept + 1));
        for (auto& kept : i.attempts) kept = stored();
        return i;
    }

private:
    seeded_random random_;
};

// One record of each type; every field has a value of its own.
struct fixed_samples {
    static timestamp at(std::int64_t us) { return timestamp{duration{us}}; }
    static constexpr std::uint64_t sequences[] = {17, 18, 21, 5, ~std::uint64_t{0}};

    static queuectl::job job()
    {
        queuectl::job j;
        j.id = "job-1";
        j.queue = "mail";
        j.kind = "send";
        j.payload = "to: you";
        j.run_at = at(1'700'000'000'000'000);
        j.nonce = {0x0102030405060708, 0x1112131415161718};
        return j;
    }
    static attempt run()
    {
        attempt a;
        a.number = 2;
        a.status = run_status::timed_out;
        a.exit_code = 143;
        a.signal = 15;
        a.started_at = at(1'700'000'001'000'000);
        a.ended_at = at(1'700'000'001'000'200);
        a.error = "late";
        a.worker = "w:1";
        a.output = {"head", "tail", 300};
        a.output_bytes = 308;
        return a;
    }
    static journal::job_image image()
    {
        journal::job_image i;
        job_record& r = i.record;
        r.job = job();
        r.job.run_at = at(1'700'000'000'000'050);
        r.job.timeout = std::chrono::milliseconds{1};
        r.job.retention = std::chrono::hours{1};
        r.job.backoff_base = 2.0;
        r.job.max_retries = 4;
        r.job.hold = hold_key_order;
        r.job.priority = -2;
        r.job.tag = "tag";
        r.job.key = "key";
        r.job.unique_key = "unique";
        r.job.batch = "batch";
        r.job.cwd = "/";
        r.job.env = std::string("A=b\0", 4);
        r.job.depends_on = {"job-0", "x"};
        r.state = state::processing;
        r.attempts = 1;
        r.crashes = 2;
        r.created_at = at(1'700'000'000'000'000);
        r.updated_at = at(1'700'000'000'000'100);
        r.sequence = 17;
        r.token = {{3, 4}, 5};
        r.settled_token = {{6, 7}, 300};
        r.cancel_requested = true;
        r.locked_by = "w:2";
        r.locked_at = at(1'700'000'000'000'100);
        r.lease_until = at(1'700'000'030'000'100);
        r.exit_code = 1;
        r.signal = 9;
        r.error = "why";
        r.result = "42";
        r.progress = "50%";
        i.was_failed = true;
        i.lease_end = std::chrono::seconds{77};
        i.boot_id = {8, 9};
        i.attempts = {{run(), 0}, {run(), 12}};
        i.attempts[0].run.output = {};
        i.attempts[0].run.output_bytes = 0;
        return i;
    }
    static instant now() { return {at(1'700'000'002'000'000), std::chrono::seconds{47}, {8, 9}}; }

    static std::vector<std::string> all()
    {
        using namespace journal;
        std::vector<std::string> records(11);
        const attempt ended = run();
        end_record end;
        end.sequence = 17;
        end.previous = std::uint64_t{3} << 40 | 128;
        end.state = state::failed;
        end.now = at(1'700'000'002'000'000);
        end.run_at = at(1'700'000'004'000'000);
        end.attempts = 2;
        end.crashes = 1;
        end.token = {{3, 4}, 5};
        end.was_failed = end.counts_crash = end.set_error = end.set_result = true;
        end.run = &ended;
        end.output_file = 12;
        end.error = "late";
        end.result = "none";
        end.image_bytes = 400;
        const std::string_view queues[] = {"default", "mail"};
        append_job(records[0], job(), 16, at(1'700'000'000'000'000));
        append_job(records[1], image());
        append_claim(records[2], {{3, 4}, 5, "w:2", now(), std::chrono::seconds{30}, sequences});
        append_extend(records[3], {now(), std::chrono::seconds{30}, sequences});
        append_end(records[4], end);
        append_change(records[5], {17, change_kind::reprioritised, state::pending, now().wall, at(5), -9});
        append_remove(records[6], sequences);
        append_config(records[7], {"k", "v", 3, at(1)});
        append_unconfig(records[8], "k", 4);
        append_queues(records[9], queues);
        append_header(records[10], {at(1'700'000'000'000'000), 2, "journal:/new"});
        return records;
    }
};

}  // namespace queuectl::journal_testing

#endif
