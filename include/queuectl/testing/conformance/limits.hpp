// Line 8: values at their limits are kept whole.
#ifndef QUEUECTL_TESTING_CONFORMANCE_LIMITS_HPP
#define QUEUECTL_TESTING_CONFORMANCE_LIMITS_HPP

#include <queuectl/testing/conformance/fixture.hpp>

namespace queuectl::inline v0::conformance {

template <backend B>
void line8_names_at_their_limits(fixture<B>& f)
{
    job j = f.make(std::string(limits::id_bytes, 'i'));
    j.queue.assign(limits::name_bytes, 'q');
    j.kind.assign(limits::name_bytes, 'k');
    j.tag.assign(limits::name_bytes, 't');
    j.batch.assign(limits::name_bytes, 'b');
    j.key.assign(limits::key_bytes, '\xff');
    j.unique_key.assign(limits::key_bytes, '\0');
    f.insert(j);
    f.put(std::string(limits::id_bytes - 1, 'i'));
    const std::vector<std::string> queues{j.queue};
    const std::vector<std::string> kinds{j.kind};
    auto r = f.request(2);
    r.queues = queues;
    r.kinds = kinds;
    const auto leases = f.claim(r);
    if (!QUEUECTL_EQUAL(f, f.ids(leases), {j.id})) return;
    QUEUECTL_EQUAL(f, leases[0].job.queue, j.queue);
    QUEUECTL_EQUAL(f, leases[0].job.tag, j.tag);
    QUEUECTL_EQUAL(f, leases[0].job.batch, j.batch);
    QUEUECTL_EQUAL(f, leases[0].job.key, j.key);
    QUEUECTL_EQUAL(f, leases[0].job.unique_key, j.unique_key);
    QUEUECTL_EQUAL(f, f.settle(f.success(leases[0])), settle_status::applied);
}

template <backend B>
void line8_a_payload_holds_any_bytes(fixture<B>& f)
{
    job j = f.make("bytes");
    j.payload.clear();
    for (int i = 0; i < 512; ++i) j.payload += static_cast<char>(i);
    f.insert(j);
    f.put("empty", [](job& e) { e.payload.clear(); });
    QUEUECTL_EQUAL(f, f.take().job.payload, j.payload);
    QUEUECTL_EQUAL(f, f.take().job.payload, "");
}

template <backend B>
void line8_a_payload_of_16_mib(fixture<B>& f)
{
    job j = f.make("large");
    j.payload.assign(limits::payload_bytes, 'x');
    j.payload.back() = '\0';
    f.insert(j);
    QUEUECTL_CHECK(f, f.take().job.payload == j.payload);
}

template <backend B>
void line8_numbers_at_their_limits(fixture<B>& f)
{
    job j = f.make("numbers");
    j.max_retries = limits::retries_max;
    j.backoff_base = limits::backoff_base_max;
    j.timeout = duration_max;
    j.retention = duration_max;
    j.priority = limits::priority_min;
    j.nonce = uid{~std::uint64_t{0}, ~std::uint64_t{0}};
    f.insert(j);
    QUEUECTL_EQUAL(f, f.insert(j), insert_status::inserted);
    const job got = f.take().job;
    QUEUECTL_EQUAL(f, got.max_retries, j.max_retries);
    QUEUECTL_EQUAL(f, got.backoff_base, j.backoff_base);
    QUEUECTL_EQUAL(f, got.timeout, j.timeout);
    QUEUECTL_EQUAL(f, got.retention, j.retention);
    QUEUECTL_EQUAL(f, int{got.priority}, limits::priority_min);
    QUEUECTL_EQUAL(f, got.nonce, j.nonce);
}

template <backend B>
void line8_many_dependencies_and_environment(fixture<B>& f)
{
    job j = f.make("many");
    for (std::size_t i = 0; i < limits::dependencies; ++i) j.depends_on.push_back(std::string{"d"} + std::to_string(i));
    while (j.env.size() + 8 < limits::environment_bytes) j.env += std::string{"A=12345", 8};
    f.insert(j);
    const job got = f.take().job;
    QUEUECTL_CHECK(f, got.depends_on == j.depends_on);
    QUEUECTL_CHECK(f, got.env == j.env);
}

template <backend B>
void line8_errors_and_results_at_their_limits(fixture<B>& f)
{
    f.put("a");
    f.settle(f.failed(f.take(), f.now.wall, std::string(limits::error_bytes, 'e')));
    const lease l = f.take();
    QUEUECTL_EQUAL(f, l.error, std::string(limits::error_bytes, 'e'));
    auto s = f.success(l);
    s.result.assign(limits::result_bytes, '\0');
    QUEUECTL_EQUAL(f, f.settle(s), settle_status::applied);
    if constexpr (fixture<B>::inspectable) QUEUECTL_CHECK(f, f.find("a").result == s.result);
}

template <backend B>
void add_limit_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, line8_names_at_their_limits);
    QUEUECTL_ADD_CHECK(list, B, line8_a_payload_holds_any_bytes);
    QUEUECTL_ADD_CHECK(list, B, line8_a_payload_of_16_mib);
    QUEUECTL_ADD_CHECK(list, B, line8_numbers_at_their_limits);
    QUEUECTL_ADD_CHECK(list, B, line8_many_dependencies_and_environment);
    QUEUECTL_ADD_CHECK(list, B, line8_errors_and_results_at_their_limits);
}

}  // namespace queuectl::inline v0::conformance

#endif
