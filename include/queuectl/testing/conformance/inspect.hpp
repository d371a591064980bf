// The rows of inspectable_storage: looking at jobs.
#ifndef QUEUECTL_TESTING_CONFORMANCE_INSPECT_HPP
#define QUEUECTL_TESTING_CONFORMANCE_INSPECT_HPP

#include <queuectl/testing/conformance/fixture.hpp>

namespace queuectl::inline v0::conformance {

template <backend B>
void find_returns_the_record(fixture<B>& f)
{
    f.put("a", [](job& j) { j.tag = "t", j.payload = "p", j.priority = 3; });
    const auto r = f.find("a");
    QUEUECTL_EQUAL(f, r.job.id, "a");
    QUEUECTL_EQUAL(f, r.job.payload, "p");
    QUEUECTL_EQUAL(f, r.job.tag, "t");
    QUEUECTL_EQUAL(f, r.state, state::pending);
    QUEUECTL_EQUAL(f, r.created_at, f.now.wall);
    QUEUECTL_EQUAL(f, r.updated_at, f.now.wall);
    QUEUECTL_EQUAL(f, r.exit_code, -1);
    QUEUECTL_CHECK(f, !r.token && !r.settled_token && !r.cancel_requested);
    QUEUECTL_CHECK(f, !f.knows("b"));
}

template <backend B>
[[nodiscard]] std::vector<std::string> listed(fixture<B>& f, const job_filter& filter = {}, std::size_t limit = 100)
{
    std::vector<std::string> ids;
    for (const auto& r : f.list(filter, limit)) ids.push_back(r.job.id);
    return ids;
}

template <backend B>
void list_is_in_order_of_insertion(fixture<B>& f)
{
    f.put("b", [](job& j) { j.priority = -1; });
    f.put("c", [&](job& j) { j.run_at = f.in(std::chrono::hours{1}); });
    f.put("a", [](job& j) { j.priority = 9; });
    f.settle(f.success(f.take()));
    QUEUECTL_EQUAL(f, listed(f), {"b", "c", "a"});
}

template <backend B>
void list_goes_page_by_page(fixture<B>& f)
{
    for (const char* id : {"a", "b", "c", "d", "e"}) f.put(id, [&](job& j) { j.tag = *id == 'c' ? "x" : "t"; });
    for (const std::size_t limit : {1u, 2u, 5u, 6u}) {
        QUEUECTL_EQUAL(f, listed(f, {}, limit), {"a", "b", "c", "d", "e"});
        job_filter filter;
        filter.tag = "t";
        QUEUECTL_EQUAL(f, listed(f, filter, limit), {"a", "b", "d", "e"});
    }
    std::vector<job_record> page;
    f.good(f->list({}, {0, 2}, page), "list");
    QUEUECTL_CHECK(f, page.size() <= 2);
}

template <backend B>
void list_filters(fixture<B>& f)
{
    f.put("q", [](job& j) { j.queue = "other"; });
    f.put("k", [](job& j) { j.kind = "mail"; });
    f.put("t", [](job& j) { j.tag = "red"; });
    f.advance(std::chrono::seconds{1});
    f.put("s", [](job& j) { j.priority = 1; });
    f.settle(f.buried(f.take()));
    job_filter filter;
    filter.queue = "other";
    QUEUECTL_EQUAL(f, listed(f, filter), {"q"});
    filter = {};
    filter.kind = "mail";
    QUEUECTL_EQUAL(f, listed(f, filter), {"k"});
    filter = {};
    filter.tag = "red";
    QUEUECTL_EQUAL(f, listed(f, filter), {"t"});
    filter = {};
    filter.state = state::dead;
    QUEUECTL_EQUAL(f, listed(f, filter), {"s"});
    filter.state = state::pending;
    filter.kind = "mail";
    filter.queue = "other";
    QUEUECTL_EQUAL(f, listed(f, filter), {});
    filter = {};
    filter.updated_before = f.now.wall;
    QUEUECTL_EQUAL(f, listed(f, filter), {"q", "k", "t"});
}

template <backend B>
void attempts_tell_each_run(fixture<B>& f)
{
    f.put("a");
    f.settle(f.failed(f.take(), f.now.wall, "first"));
    const timestamp started = f.now.wall;
    f.take();
    f.advance(f.lease_time + f.tick);
    auto s = f.success(f.take());
    s.report->started_at = f.in(std::chrono::seconds{-2});
    s.report->output_bytes = 5;
    s.report->output.head = "hello";
    f.settle(s);
    const auto runs = f.runs("a");
    if (!QUEUECTL_EQUAL(f, runs.size(), 3)) return;
    for (std::size_t i = 0; i < 3; ++i) {
        QUEUECTL_EQUAL(f, runs[i].number, static_cast<std::int32_t>(i + 1));
        QUEUECTL_EQUAL(f, runs[i].worker, "worker-1");
        QUEUECTL_EQUAL(f, runs[i].output.head, "");
    }
    QUEUECTL_EQUAL(f, runs[0].status, run_status::failed);
    QUEUECTL_EQUAL(f, runs[0].error, "first");
    QUEUECTL_EQUAL(f, runs[0].exit_code, 1);
    QUEUECTL_EQUAL(f, runs[1].status, run_status::crashed);
    QUEUECTL_EQUAL(f, runs[1].error, "lease expired");
    QUEUECTL_EQUAL(f, runs[1].started_at, started);
    QUEUECTL_EQUAL(f, runs[2].status, run_status::succeeded);
    QUEUECTL_EQUAL(f, runs[2].started_at, f.in(std::chrono::seconds{-2}));
    QUEUECTL_EQUAL(f, runs[2].ended_at, f.now.wall);
    QUEUECTL_EQUAL(f, runs[2].output_bytes, 5);
}

template <backend B>
void attempts_keep_the_newest(fixture<B>& f)
{
    f.put("a");
    const auto kept = static_cast<std::int32_t>(limits::attempts_kept);
    for (std::int32_t i = 0; i < kept + 3; ++i) f.settle(f.failed(f.take(), f.now.wall));
    const auto runs = f.runs("a");
    if (!QUEUECTL_EQUAL(f, runs.size(), limits::attempts_kept)) return;
    QUEUECTL_EQUAL(f, runs.front().number, 4);
    QUEUECTL_EQUAL(f, runs.back().number, kept + 3);
    QUEUECTL_EQUAL(f, f.find("a").attempts, kept + 3);
}

template <backend B>
void output_is_kept_by_run(fixture<B>& f)
{
    f.put("a");
    for (int i = 1; i <= 2; ++i) {
        auto s = f.failed(f.take(), f.now.wall);
        s.report->output.head = std::string{"run\0", 4} + std::to_string(i);
        s.report->output.tail = "end";
        s.report->output.dropped_bytes = 7;
        s.report->output_bytes = 15;
        f.settle(s);
    }
    auto got = f->output("a", 2);
    if (!f.good(got, "output")) return;
    QUEUECTL_EQUAL(f, got->head, (std::string{"run\0", 4} + "2"));
    QUEUECTL_EQUAL(f, got->tail, "end");
    QUEUECTL_EQUAL(f, got->dropped_bytes, 7);
    got = f->output("a", 1);
    if (f.good(got, "output")) QUEUECTL_EQUAL(f, got->head, (std::string{"run\0", 4} + "1"));
    got = f->output("a", 3);
    QUEUECTL_CHECK(f, !got && got.error().code == errc::not_found);
    f.remove("a");
    got = f->output("a", 1);
    QUEUECTL_CHECK(f, !got && got.error().code == errc::not_found);
}

template <backend B>
void add_inspection_checks(check_list<B>& list)
{
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_ADD_CHECK(list, B, find_returns_the_record);
        QUEUECTL_ADD_CHECK(list, B, list_is_in_order_of_insertion);
        QUEUECTL_ADD_CHECK(list, B, list_goes_page_by_page);
        QUEUECTL_ADD_CHECK(list, B, list_filters);
        QUEUECTL_ADD_CHECK(list, B, attempts_tell_each_run);
        QUEUECTL_ADD_CHECK(list, B, attempts_keep_the_newest);
        QUEUECTL_ADD_CHECK(list, B, output_is_kept_by_run);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif
