// The suite can fail: each fault of a storage turns exactly its checks red, and every check is turned red by some
// fault.
#include "conformance/expected_red.hpp"
#include "conformance/wrong_storage.hpp"

#include <queuectl/testing/conformance.hpp>

#include <gtest/gtest.h>

#include <set>

namespace {

const std::vector<conformance::check>& checks()
{
    static const auto all = conformance::all_checks<wrong_backend>();
    return all;
}

bool begins_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

// Checks that take long; run only on the faults that they are there for. The random operations have tests of their own.
bool is_slow(const std::string& check)
{
    return begins_with(check, "line6_") || begins_with(check, "line7_") || begins_with(check, "line8_a_payload_of") ||
           begins_with(check, "line8_many") || begins_with(check, "restore_takes_whole") ||
           begins_with(check, "notify_") || begins_with(check, "random_") || begins_with(check, "line10_threads_");
}

class wrong_storages : public testing::TestWithParam<expectation> {
protected:
    void SetUp() override
    {
        fault_now = GetParam().broken;
        conformance::notify_patience = std::chrono::milliseconds{200};
    }
    void TearDown() override { fault_now = fault::none; }
};

TEST_P(wrong_storages, turn_their_checks_red)
{
    const auto& wanted = GetParam().red;
    const std::set<std::string> expected(wanted.begin(), wanted.end());
    for (const auto& check : checks()) {
        const bool should = expected.count(check.name) != 0;
        if (!should && is_slow(check.name)) continue;
        conformance::sink out;
        check.run(out);
        if (should) {
            EXPECT_FALSE(out.good()) << check.name << " does not notice the fault";
        } else if (GetParam().how == reach::exactly) {
            EXPECT_TRUE(out.good()) << check.name << " is red too: " << (out.good() ? "" : out.failures()[0].text);
        }
    }
}

std::string fault_name(const testing::TestParamInfo<expectation>& info)
{
    return fault_names[static_cast<std::size_t>(info.param.broken)];
}
INSTANTIATE_TEST_SUITE_P(fault, wrong_storages, testing::ValuesIn(expectations), fault_name);

TEST(wrong_storages_table, names_every_fault_and_every_check)
{
    std::set<std::string> red;
    for (const auto& e : expectations) red.insert(e.red.begin(), e.red.end());
    EXPECT_EQ(expectations.size(), std::size(fault_names));
    std::set<std::string> known;
    for (const auto& check : checks()) {
        known.insert(check.name);
        if (begins_with(check.name, "random_")) continue;
        EXPECT_EQ(red.count(check.name), 1U) << "no fault is expected to turn " << check.name << " red";
    }
    for (const auto& name : red) EXPECT_EQ(known.count(name), 1U) << name << " is no check";
}

// The random operations find these faults too, and tell them in a few lines.
class random_operations : public testing::TestWithParam<fault> {
protected:
    void TearDown() override { fault_now = fault::none; }
};

TEST_P(random_operations, find_the_fault_and_shrink_it)
{
    fault_now = GetParam();
    std::string story;
    for (std::uint64_t seed = 1; seed <= 10 && story.empty(); ++seed)
        story = random_difference<wrong_backend>(seed, 300);
    ASSERT_FALSE(story.empty());
    EXPECT_LE(std::count(story.begin(), story.end(), '\n'), 16) << story;
    EXPECT_EQ(story.rfind("seed ", 0), 0U) << story;
}

INSTANTIATE_TEST_SUITE_P(fault, random_operations,
                         testing::Values(fault::repeated_claim_takes_more, fault::repeated_settle_counts_again,
                                         fault::nonces_are_not_compared, fault::clock_decides_settle,
                                         fault::queue_by_queue, fault::retry_takes_a_new_sequence, fault::due_late,
                                         fault::next_at_forgets_retries, fault::crash_is_not_counted,
                                         fault::leases_on_the_wall_clock, fault::boots_are_not_told_apart,
                                         fault::reopen_loses_nonces, fault::cancel_is_not_told,
                                         fault::purge_ignores_its_filter),
                         [](const auto& one) { return fault_names[static_cast<std::size_t>(one.param)]; });

// Counting shows what a linear claim costs.
class counting_storage : public model_storage {
public:
    using model_storage::model_storage;
    mutable std::uint64_t looked = 0;

protected:
    bool waits(const model_row& r) const override
    {
        ++looked;
        return model_storage::waits(r);
    }
};

struct linear_backend {
    using storage_type = counting_storage;
    std::unique_ptr<storage_type> make()
    {
        auto made = std::make_unique<storage_type>();
        storage = made.get();
        return made;
    }
    [[nodiscard]] std::uint64_t operations() const { return storage->looked; }

    storage_type* storage = nullptr;
};

TEST(linear_storage, fails_every_check_of_cost)
{
    std::size_t of_cost = 0;
    for (const auto& check : conformance::all_checks<linear_backend>()) {
        if (!begins_with(check.name, "line6_")) continue;
        ++of_cost;
        conformance::sink out;
        check.run(out);
        EXPECT_EQ(out.failures().size(), 1U) << check.name;
    }
    EXPECT_EQ(of_cost, 6U);
}

}  // namespace
