// The check of killed processes can fail: on stores that lie.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Warray-bounds"  // a false alarm of GCC 12
#endif

#include "lmdb/store.hpp"

#include <queuectl/testing/conformance/processes.hpp>

#include <gtest/gtest.h>

namespace queuectl_test {
namespace {

enum class lie { none, inserts_are_lost, completions_are_lost };
lie told_now = lie::none;

// Four verbs that now and then do less than they say.
class lying_storage {
public:
    explicit lying_storage(lmdb_storage s) : store_{std::move(s)} {}

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
    lmdb_storage store_;
    std::uint64_t calls_ = 0;
};

struct lying_backend {
    using storage_type = lying_storage;
    [[maybe_unused]] static constexpr bool processes = true;
    std::unique_ptr<storage_type> make() { return open(); }
    std::unique_ptr<storage_type> reopen() { return open(); }
    std::unique_ptr<storage_type> another() { return open(); }

private:
    [[nodiscard]] std::unique_ptr<storage_type> open() const
    {
        lmdb_options options;
        options.durability = durability::none;
        return std::make_unique<storage_type>(open_store(folder_ / "q", options));
    }
    temporary_folder folder_;
};

std::size_t failures_with(lie what)
{
    told_now = what;
    conformance::sink out;
    conformance::fixture<lying_backend> f{out};
    conformance::line10_killed_processes_lose_nothing_acknowledged(f);
    told_now = lie::none;
    return out.failures().size();
}

TEST(killed_processes, are_green_on_the_truth) { EXPECT_EQ(failures_with(lie::none), 0U); }
TEST(killed_processes, show_lost_inserts) { EXPECT_GT(failures_with(lie::inserts_are_lost), 0U); }
TEST(killed_processes, show_lost_completions) { EXPECT_GT(failures_with(lie::completions_are_lost), 0U); }

}  // namespace
}  // namespace queuectl_test
