// What was read of a job must be what was written.
#ifndef QUEUECTL_TESTS_JOURNAL_RECORD_COMPARE_HPP
#define QUEUECTL_TESTS_JOURNAL_RECORD_COMPARE_HPP

#include <queuectl/journal/records.hpp>

#include <gtest/gtest.h>

namespace queuectl::journal_testing {

inline void expect_same(const job& a, const job& b)
{
    EXPECT_EQ(a.id, b.id);
    EXPECT_EQ(a.queue, b.queue);
    EXPECT_EQ(a.kind, b.kind);
    EXPECT_EQ(a.payload, b.payload);
    EXPECT_EQ(a.run_at, b.run_at);
    EXPECT_EQ(a.timeout, b.timeout);
    EXPECT_EQ(a.retention, b.retention);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(a.backoff_base), std::bit_cast<std::uint64_t>(b.backoff_base));
    EXPECT_EQ(a.max_retries, b.max_retries);
    EXPECT_EQ(a.hold, b.hold);
    EXPECT_EQ(a.priority, b.priority);
    EXPECT_EQ(a.nonce, b.nonce);
    EXPECT_EQ(a.tag, b.tag);
    EXPECT_EQ(a.key, b.key);
    EXPECT_EQ(a.unique_key, b.unique_key);
    EXPECT_EQ(a.batch, b.batch);
    EXPECT_EQ(a.cwd, b.cwd);
    EXPECT_EQ(a.env, b.env);
    EXPECT_EQ(a.depends_on, b.depends_on);
}
inline void expect_same(const attempt& a, const attempt& b)
{
    EXPECT_EQ(a.number, b.number);
    EXPECT_EQ(a.status, b.status);
    EXPECT_EQ(a.exit_code, b.exit_code);
    EXPECT_EQ(a.signal, b.signal);
    EXPECT_EQ(a.started_at, b.started_at);
    EXPECT_EQ(a.ended_at, b.ended_at);
    EXPECT_EQ(a.error, b.error);
    EXPECT_EQ(a.worker, b.worker);
    EXPECT_EQ(a.output.head, b.output.head);
    EXPECT_EQ(a.output.tail, b.output.tail);
    EXPECT_EQ(a.output.dropped_bytes, b.output.dropped_bytes);
    EXPECT_EQ(a.output_bytes, b.output_bytes);
}
inline void expect_same(const journal::job_image& a, const journal::job_image& b)
{
    expect_same(a.record.job, b.record.job);
    EXPECT_EQ(a.record.state, b.record.state);
    EXPECT_EQ(a.record.attempts, b.record.attempts);
    EXPECT_EQ(a.record.crashes, b.record.crashes);
    EXPECT_EQ(a.record.created_at, b.record.created_at);
    EXPECT_EQ(a.record.updated_at, b.record.updated_at);
    EXPECT_EQ(a.record.sequence, b.record.sequence);
    EXPECT_EQ(a.record.token, b.record.token);
    EXPECT_EQ(a.record.settled_token, b.record.settled_token);
    EXPECT_EQ(a.record.cancel_requested, b.record.cancel_requested);
    EXPECT_EQ(a.record.locked_by, b.record.locked_by);
    EXPECT_EQ(a.record.locked_at, b.record.locked_at);
    EXPECT_EQ(a.record.lease_until, b.record.lease_until);
    EXPECT_EQ(a.record.exit_code, b.record.exit_code);
    EXPECT_EQ(a.record.signal, b.record.signal);
    EXPECT_EQ(a.record.error, b.record.error);
    EXPECT_EQ(a.record.result, b.record.result);
    EXPECT_EQ(a.record.progress, b.record.progress);
    EXPECT_EQ(a.was_failed, b.was_failed);
    EXPECT_EQ(a.lease_end, b.lease_end);
    EXPECT_EQ(a.boot_id, b.boot_id);
    ASSERT_EQ(a.attempts.size(), b.attempts.size());
    for (std::size_t i = 0; i < a.attempts.size(); ++i) {
        expect_same(a.attempts[i].run, b.attempts[i].run);
        EXPECT_EQ(a.attempts[i].output_file, b.attempts[i].output_file);
    }
}
inline void expect_same(const journal::job_image& image, const journal::job_head& head)
{
    const job_record& r = image.record;
    EXPECT_EQ(head.sequence, r.sequence);
    EXPECT_EQ(head.run_at, r.job.run_at);
    EXPECT_EQ(head.timeout, r.job.timeout);
    EXPECT_EQ(head.retention, r.job.retention);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(head.backoff_base), std::bit_cast<std::uint64_t>(r.job.backoff_base));
    EXPECT_EQ(head.max_retries, r.job.max_retries);
    EXPECT_EQ(head.hold, r.job.hold);
    EXPECT_EQ(head.priority, r.job.priority);
    EXPECT_EQ(head.state, r.state);
    EXPECT_EQ(head.was_failed, image.was_failed);
    EXPECT_EQ(head.cancel_requested, r.cancel_requested);
    EXPECT_EQ(head.attempts, r.attempts);
    EXPECT_EQ(head.crashes, r.crashes);
    EXPECT_EQ(head.exit_code, r.exit_code);
    EXPECT_EQ(head.signal, r.signal);
    EXPECT_EQ(head.created_at, r.created_at);
    EXPECT_EQ(head.updated_at, r.updated_at);
    EXPECT_EQ(head.nonce, r.job.nonce);
    EXPECT_EQ(head.id, r.job.id);
    EXPECT_EQ(head.queue, r.job.queue);
    EXPECT_EQ(head.kind, r.job.kind);
    EXPECT_EQ(head.tag, r.job.tag);
    EXPECT_EQ(head.key, r.job.key);
    EXPECT_EQ(head.unique_key, r.job.unique_key);
    EXPECT_EQ(head.batch, r.job.batch);
    EXPECT_EQ(head.error, r.error);
    EXPECT_EQ(head.token, r.token);
    EXPECT_EQ(head.worker, r.locked_by);
    EXPECT_EQ(head.locked_at, r.locked_at);
    EXPECT_EQ(head.lease_until, r.lease_until);
    EXPECT_EQ(head.lease_end, image.lease_end);
    EXPECT_EQ(head.boot_id, image.boot_id);
    EXPECT_EQ(head.settled_token, r.settled_token);
    EXPECT_TRUE(head.has_lease || r.token == lease_token{});
}

inline void expect_read_back(const journal::job_image& image, std::string_view content, job& reused)
{
    const auto read = journal::read_image(content);
    ASSERT_TRUE(read);
    expect_same(image, *read);
    const auto head = journal::read_head(content);
    ASSERT_TRUE(head);
    expect_same(image, *head);
    ASSERT_TRUE(journal::read_job(content, reused));
    expect_same(image.record.job, reused);
}

}  // namespace queuectl::journal_testing

#endif
