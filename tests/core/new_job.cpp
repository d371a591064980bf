#include <queuectl/new_job.hpp>

#include <gtest/gtest.h>

using namespace queuectl;
using namespace std::chrono_literals;

namespace {

// The field that is refused, or "".
std::string refused(const new_job& j)
{
    const auto valid = validate(j);
    return valid ? "" : valid.error().operation;
}

TEST(NewJob, RefusesWhatIsOutsideTheLimitsAndNamesTheField)
{
    EXPECT_EQ(refused({}), "");
    EXPECT_EQ(refused({.id = "../etc/passwd"}), "id");
    EXPECT_EQ(refused({.id = "a/b"}), "id");
    EXPECT_EQ(refused({.id = ".hidden"}), "id");
    EXPECT_EQ(refused({.id = std::string(128, 'a')}), "");
    EXPECT_EQ(refused({.id = std::string(129, 'a')}), "id");
    EXPECT_EQ(refused({.queue = "two words"}), "queue");
    EXPECT_EQ(refused({.kind = std::string(65, 'k')}), "kind");
    EXPECT_EQ(refused({.tag = "-"}), "tag");
    EXPECT_EQ(refused({.priority = 127}), "");
    EXPECT_EQ(refused({.priority = 128}), "priority");
    EXPECT_EQ(refused({.priority = -129}), "priority");
    EXPECT_EQ(refused({.delay = -1s}), "delay");
    EXPECT_EQ(refused({.delay = 1s, .run_at = timestamp{1s}}), "run_at");
    EXPECT_EQ(refused({.run_at = timestamp{-1s}}), "run_at");
    EXPECT_EQ(refused({.timeout = -1us}), "timeout");
    EXPECT_EQ(refused({.timeout = 0us}), "");
    EXPECT_EQ(refused({.max_retries = -1}), "max_retries");
    EXPECT_EQ(refused({.backoff_base = -0.5}), "backoff_base");
    EXPECT_EQ(refused({.backoff_base = 0.0 / 0.0}), "backoff_base");
    EXPECT_EQ(refused({.payload = std::string(limits::payload_bytes + 1, 'x')}), "payload");
    EXPECT_EQ(refused({.cwd = std::string("/a\0b", 4)}), "cwd");
}

TEST(NewJob, RefusesWhatComesLaterInsteadOfIgnoringIt)
{
    EXPECT_EQ(validate({.unique_key = "k"}).error().code, errc::unsupported);
    EXPECT_EQ(refused({.key = "k"}), "key");
    EXPECT_EQ(refused({.batch = "b"}), "batch");
    EXPECT_EQ(refused({.depends_on = {"a"}}), "depends_on");
}

TEST(NewJob, ResolvesDefaultsAndKeepsExplicitZeros)
{
    queue_options defaults;
    defaults.max_retries = 7;
    defaults.timeout = 5s;
    defaults.default_queue = "main";
    const timestamp now{100s};
    const job plain = resolve({}, defaults, 9s, now);
    EXPECT_EQ(plain.queue, "main");
    EXPECT_EQ(plain.max_retries, 7);
    EXPECT_EQ(plain.timeout, 5s);
    EXPECT_EQ(plain.retention, 9s);
    EXPECT_EQ(plain.run_at, now);
    const job zeros = resolve({.timeout = 0s, .max_retries = 0, .retention = 0s}, defaults, 9s, now);
    EXPECT_EQ(zeros.max_retries, 0);
    EXPECT_EQ(zeros.timeout, 0s);
    EXPECT_EQ(zeros.retention, 0s);
    EXPECT_EQ(resolve({.delay = duration_max}, defaults, 0s, now).run_at, timestamp_max) << "saturates";
}

}  // namespace
