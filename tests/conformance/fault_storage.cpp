// fault_storage fails as planned, and only then.
#include <queuectl/storage/memory.hpp>
#include <queuectl/testing/conformance.hpp>
#include <queuectl/testing/conformance/gtest.hpp>
#include <queuectl/testing/fault_storage.hpp>

namespace {

using namespace queuectl;

// Every call fails once after its effect, and is repeated: what a careful caller does.
class insistent_storage : public fault_storage<memory_storage> {
public:
    using base = fault_storage<memory_storage>;
    insistent_storage() : base{memory_storage{}} {}

    result<void> insert(std::span<const job> jobs, std::span<insert_status> told, const instant& now)
    {
        plan().fail_next(verb::insert, errc::outcome_unknown, true);
        EXPECT_FALSE(base::insert(jobs, told, now));
        return base::insert(jobs, told, now);
    }
    result<claim_info> claim(claim_request request, std::vector<lease>& leases, const instant& now)
    {
        plan().fail_next(verb::claim, errc::outcome_unknown, true);
        EXPECT_FALSE(base::claim(request, leases, now));
        request.repeat = true;
        return base::claim(request, leases, now);
    }
    result<void> settle(std::span<const settlement> all, std::span<settle_status> told, const instant& now)
    {
        plan().fail_next(verb::settle, errc::outcome_unknown, true);
        EXPECT_FALSE(base::settle(all, told, now));
        return base::settle(all, told, now);
    }
};

struct unplanned_backend {
    using storage_type = fault_storage<memory_storage>;
    storage_type make() { return storage_type{memory_storage{}}; }
};

struct one_job {
    fault_storage<memory_storage> store{memory_storage{}};
    instant now{timestamp{duration{1'000'000}}, duration{1}, uid{1, 1}};
    std::vector<job> jobs{1};
    std::vector<insert_status> inserted{insert_status::kept};
    one_job()
    {
        jobs[0].id = "a";
        jobs[0].queue = "q";
        jobs[0].nonce = uid{1, 2};
    }
    [[nodiscard]] std::size_t claimable()
    {
        claim_request r;
        r.nonce = uid{3, ++nonces};
        std::vector<lease> leases;
        EXPECT_TRUE(store.claim(r, leases, now));
        return leases.size();
    }
    std::uint64_t nonces = 0;
};

TEST(fault_storage, fails_the_call_that_was_planned_without_effect)
{
    one_job t;
    t.store.plan().add({verb::insert, 1, errc::store_full, false, 2});
    for (int i = 0; i < 2; ++i) {
        const auto told = t.store.insert(t.jobs, t.inserted, t.now);
        ASSERT_FALSE(told);
        EXPECT_EQ(told.error().code, errc::store_full);
        EXPECT_EQ(t.inserted[0], insert_status::kept);
    }
    EXPECT_EQ(t.claimable(), 0U);
    EXPECT_TRUE(t.store.insert(t.jobs, t.inserted, t.now));
    EXPECT_EQ(t.inserted[0], insert_status::inserted);
    EXPECT_EQ(t.store.plan().calls(verb::insert), 3U);
    EXPECT_EQ(t.store.plan().failed(), 2U);
}

TEST(fault_storage, fails_after_the_effect_and_keeps_the_answer)
{
    one_job t;
    t.store.plan().fail_next(verb::insert, errc::outcome_unknown, true);
    const auto told = t.store.insert(t.jobs, t.inserted, t.now);
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().code, errc::outcome_unknown);
    EXPECT_EQ(t.inserted[0], insert_status::kept);
    EXPECT_EQ(t.claimable(), 1U);
}

struct insistent_backend {
    using storage_type = insistent_storage;
    std::unique_ptr<storage_type> make() { return std::make_unique<storage_type>(); }
};

}  // namespace

// A plan that is empty changes nothing; the long random runs are memory_storage's own.
[[maybe_unused]] static const bool unplanned_conforms = [] {
    auto checks = conformance::all_checks<unplanned_backend>();
    std::erase_if(checks,
                  [](const conformance::check& c) { return std::string_view{c.name}.substr(0, 7) == "random_"; });
    return conformance::register_checks("fault_storage_unplanned", checks);
}();

// Every call may fail after its effect and be repeated: the rest of the contract holds.
TEST(fault_storage, repeated_calls_keep_the_contract)
{
    for (const auto& check : conformance::all_checks<insistent_backend>()) {
        const std::string name = check.name;
        // A repeated settle of a job that was removed at once says "gone"; a repeated claim has nothing to reap any
        // more, and may say that there is more to find when it returned fewer leases than it may.
        if (name.rfind("line10_threads", 0) == 0 || name.rfind("random_", 0) == 0 || name.rfind("line7_", 0) == 0 ||
            name.find("without_retention") != name.npos || name == "claim_counts_a_crash" ||
            name == "claim_reaps_every_queue" || name == "line9_another_boot_means_expired" ||
            name == "line11_a_moving_store_returns_expired_leases" || name.rfind("next_at_", 0) == 0)
            continue;
        conformance::sink out;
        check.run(out);
        EXPECT_TRUE(out.good()) << name << ": " << out.failures().front().text;
    }
}
