// The check of killed processes can fail: on stores that lie.
#ifndef QUEUECTL_TESTS_SHARED_WRONG_PROCESSES_HPP
#define QUEUECTL_TESTS_SHARED_WRONG_PROCESSES_HPP

#include "shared/store.hpp"

#include <queuectl/testing/conformance/processes.hpp>

namespace queuectl_test {

enum class lie { none, inserts_are_lost, completions_are_lost };
inline lie told_now = lie::none;

// Four verbs that now and then do less than they say.
template <class Storage>
class lying_storage {
public:
    explicit lying_storage(Storage s) : store_{std::move(s)} {}

    result<void> insert(std::span<const job> jobs, std::span<insert_status> told, const instant& now)
    {
        if (told_now == lie::inserts_are_lost && ++calls_ % 16 == 0) {
            for (auto& t : told) t = insert_status::inserted;
            return {};
        }
        return store_.insert(jobs, told, now);
    }
    result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        return store_.claim(request, leases, now);
    }
    result<void> extend(std::span<const receipt> receipts, duration d, std::span<extend_status> told,
                        const instant& now)
    {
        return store_.extend(receipts, d, told, now);
    }
    result<void> settle(std::span<const settlement> all, std::span<settle_status> told, const instant& now)
    {
        std::vector<settlement> wrong(all.begin(), all.end());
        if (told_now == lie::completions_are_lost && ++calls_ % 4 == 0)
            for (auto& s : wrong) s.verdict.kind = verdict_kind::release;
        return store_.settle(wrong, told, now);
    }

private:
    Storage store_;
    std::uint64_t calls_ = 0;
};

template <class Kind>
struct lying_backend {
    using storage_type = lying_storage<typename Kind::storage>;
    [[maybe_unused]] static constexpr bool processes = true;
    std::unique_ptr<storage_type> make() { return open(); }
    std::unique_ptr<storage_type> reopen() { return open(); }
    std::unique_ptr<storage_type> another() { return open(); }

private:
    [[nodiscard]] std::unique_ptr<storage_type> open() const
    {
        typename Kind::options options;
        options.durability = durability::none;
        return std::make_unique<storage_type>(open_as<Kind>(folder_ / Kind::file, options));
    }
    temporary_folder folder_;
};

template <class Kind>
std::size_t failures_with(lie what)
{
    told_now = what;
    conformance::sink out;
    conformance::fixture<lying_backend<Kind>> f{out};
    conformance::line10_killed_processes_lose_nothing_acknowledged(f);
    told_now = lie::none;
    return out.failures().size();
}

template <class Kind>
class killed_processes : public ::testing::Test {
};
TYPED_TEST_SUITE_P(killed_processes);

TYPED_TEST_P(killed_processes, are_green_on_the_truth) { EXPECT_EQ(failures_with<TypeParam>(lie::none), 0U); }
TYPED_TEST_P(killed_processes, show_lost_inserts) { EXPECT_GT(failures_with<TypeParam>(lie::inserts_are_lost), 0U); }
TYPED_TEST_P(killed_processes, show_lost_completions)
{
    EXPECT_GT(failures_with<TypeParam>(lie::completions_are_lost), 0U);
}

REGISTER_TYPED_TEST_SUITE_P(killed_processes, are_green_on_the_truth, show_lost_inserts, show_lost_completions);

}  // namespace queuectl_test

#endif
