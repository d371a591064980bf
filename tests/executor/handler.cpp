#include <queuectl/detail/run_handler.hpp>

#include "support.hpp"

#include <stdexcept>

using namespace executor_tests;

namespace {

template <class H>
outcome outcome_of(H handler, const lease& l = make_lease())
{
    duration at{};
    outcome into;
    detail::run_handler(handler, l, stop_flag{}, manual_time{&at}, at, timestamp{1s}, into);
    return into;
}

struct overloaded {
    void operator()(const job&) const { FAIL() << "the overload with a context is preferred"; }
    bool operator()(const job&, context&) const { return true; }
};

static_assert(job_handler<void (*)(const job&)>);
static_assert(job_handler<overloaded>);
static_assert(!job_handler<void (*)(job&)>, "a handler sees a const job");
static_assert(!job_handler<int (*)(const job&)>, "an int is no outcome");
static_assert(!job_handler<const char* (*)(const job&)>, "a text is not taken for true");
static_assert(!job_handler<void (*)()>);

}  // namespace

TEST(Handler, VoidIsSuccess)
{
    const auto o = outcome_of([](const job&) {});
    EXPECT_EQ(o.report.status, run_status::succeeded);
    EXPECT_EQ(o.report.exit_code, -1);
    EXPECT_TRUE(o.report.error.empty());
}

TEST(Handler, BoolIsSuccessOrFailure)
{
    EXPECT_EQ(outcome_of([](const job&) { return true; }).report.status, run_status::succeeded);
    const auto o = outcome_of([](const job&) { return false; });
    EXPECT_EQ(o.report.status, run_status::failed);
    EXPECT_EQ(o.report.error, "the handler returned false");
}

TEST(Handler, ResultCarriesValueOrMessage)
{
    const auto good =
        outcome_of([](const job& j) -> result<std::string> { return j.payload + "!"; }, make_lease(1, "hi"));
    EXPECT_EQ(good.report.status, run_status::succeeded);
    EXPECT_EQ(good.result, "hi!");
    const auto bad = outcome_of([](const job&) -> result<std::string> { return fail(errc::io, "read x", "gone"); });
    EXPECT_EQ(bad.report.status, run_status::failed);
    EXPECT_EQ(bad.report.error, "read x: gone");
    EXPECT_EQ(outcome_of([](const job&) -> result<void> { return {}; }).report.status, run_status::succeeded);
    EXPECT_EQ(outcome_of([](const job&) -> result<void> { return fail(errc::io, "x"); }).report.error, "x");
}

TEST(Handler, OutcomeIsTakenAsItIs)
{
    EXPECT_EQ(outcome_of([](const job&) { return succeed("r"); }).result, "r");
    const auto failed = outcome_of([](const job&) { return fail_run("no"); });
    EXPECT_EQ(failed.report.status, run_status::failed);
    EXPECT_FALSE(failed.final_failure);
    const auto final = outcome_of([](const job&) { return fail_for_good("never"); });
    EXPECT_EQ(final.report.error, "never");
    EXPECT_TRUE(final.final_failure);
    const auto later = outcome_of([](const job&) { return retry_in(3s, "busy"); });
    EXPECT_EQ(later.retry_after, duration{3s});
    EXPECT_EQ(later.report.status, run_status::failed);
}

TEST(Handler, TheOverloadWithAContextIsPreferred)
{
    EXPECT_EQ(outcome_of(overloaded{}).report.status, run_status::succeeded);
}

TEST(Handler, ExceptionsAreFailures)
{
    const auto o = outcome_of([](const job&) { throw std::runtime_error{"disk on fire"}; });
    EXPECT_EQ(o.report.status, run_status::failed);
    EXPECT_EQ(o.report.error, "disk on fire");
    EXPECT_EQ(outcome_of([](const job&) { throw 1; }).report.status, run_status::failed);
}

TEST(Handler, LimitsAreKept)
{
    const auto fits = outcome_of([](const job&) { return succeed(std::string(limits::result_bytes, 'x')); });
    EXPECT_EQ(fits.report.status, run_status::succeeded);
    EXPECT_EQ(fits.result.size(), limits::result_bytes);
    const auto over = outcome_of([](const job&) { return succeed(std::string(limits::result_bytes + 1, 'x')); });
    EXPECT_EQ(over.report.status, run_status::failed);
    EXPECT_EQ(over.report.error, "the result has 65537 bytes; at most 65536 are allowed");
    EXPECT_TRUE(over.result.empty());
    EXPECT_EQ(outcome_of([](const job&) { return fail_run(std::string(9999, 'e')); }).report.error.size(),
              limits::error_bytes);
}

TEST(Handler, TimesAreMeasured)
{
    duration at = 40s;
    outcome into;
    const auto slow = [&](const job&) { at += 1500ms; };
    const auto ended =
        detail::run_handler(slow, make_lease(), stop_flag{}, manual_time{&at}, at, timestamp{100s}, into);
    EXPECT_EQ(ended, duration{41500ms});
    EXPECT_EQ(into.report.started_at, timestamp{100s});
    EXPECT_EQ(into.report.ended_at, timestamp{101500ms});
}

// What a handler says, what was asked of it, and what is reported.
TEST(Handler, StopRequestsAndItsOwnWordTogether)
{
    const auto with = [](stop_reason why, outcome said) {
        stop_flag stop;
        duration at{};
        outcome into;
        const auto handler = [&](const job&, context& c) {
            stop.request(why);
            EXPECT_EQ(c.why_stop(), why);
            return said;
        };
        detail::run_handler(handler, make_lease(), stop, manual_time{&at}, at, timestamp{}, into);
        return into;
    };
    EXPECT_EQ(with(stop_reason::cancelled, fail_run("stopped")).report.status, run_status::cancelled);
    EXPECT_EQ(with(stop_reason::cancelled, succeed("all done")).report.status, run_status::succeeded);
    EXPECT_TRUE(with(stop_reason::shutdown, fail_run("stopped")).released);
    EXPECT_FALSE(with(stop_reason::shutdown, succeed()).released);
    EXPECT_TRUE(with(stop_reason::lease_lost, fail_run("stopped")).released);
    EXPECT_EQ(with(stop_reason::timed_out, succeed("late")).report.status, run_status::timed_out);
    EXPECT_EQ(with(stop_reason::timed_out, succeed("late")).result, "");
}
