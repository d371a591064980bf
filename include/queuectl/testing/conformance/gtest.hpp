// Registers the checks of a backend with GoogleTest.
#ifndef QUEUECTL_TESTING_CONFORMANCE_GTEST_HPP
#define QUEUECTL_TESTING_CONFORMANCE_GTEST_HPP

#include <queuectl/testing/conformance/fixture.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace queuectl::inline v0::conformance {

class gtest_check final : public ::testing::Test {
public:
    explicit gtest_check(void (*run)(sink&)) : run_{run} {}
    void TestBody() override
    {
        sink out;
        run_(out);
        for (const auto& f : out.failures()) ADD_FAILURE_AT(f.file, f.line) << f.text;
    }

private:
    void (*run_)(sink&);
};

// One test SUITE.CHECK for each; before RUN_ALL_TESTS.
inline bool register_checks(const char* suite, const std::vector<check>& checks)
{
    for (const auto& c : checks)
        ::testing::RegisterTest(suite, c.name, nullptr, nullptr, __FILE__, __LINE__,
                                [run = c.run]() -> ::testing::Test* { return new gtest_check(run); });
    return !checks.empty();
}

}  // namespace queuectl::inline v0::conformance

// At namespace scope, after including <queuectl/testing/conformance.hpp>: the whole suite for a backend type.
#define QUEUECTL_CONFORMANCE(suite, backend)              \
    [[maybe_unused]] static const bool suite##_conforms = \
        ::queuectl::conformance::register_checks(#suite, ::queuectl::conformance::all_checks<backend>())

#endif
