// What a call of a store does at most while the log is cleaned: counted, not timed.
#include "journal/log_testing.hpp"

#include <queuectl/journal/storage.hpp>

namespace queuectl::journal_testing {
namespace {

// Calls to a disk, and bytes.
struct disk_work {
    std::uint64_t syncs = 0;
    std::uint64_t folder_syncs = 0;
    std::uint64_t renames = 0;
    std::uint64_t removals = 0;
    std::uint64_t reads = 0;
    std::uint64_t read_bytes = 0;
    std::uint64_t written_bytes = 0;
    std::uint64_t zeros = 0;
};

class counting_file_system : public simulated_file_system {
    using base = simulated_file_system;

public:
    counting_file_system(simulated_disk& disk, disk_work& work) : base{disk}, work_{&work} {}

    [[nodiscard]] result<std::size_t> read(const file& f, std::uint64_t offset, char* to, std::size_t count)
    {
        ++work_->reads;
        work_->read_bytes += count;
        return base::read(f, offset, to, count);
    }
    [[nodiscard]] result<void> write(file& f, std::uint64_t offset, std::string_view bytes)
    {
        work_->written_bytes += bytes.size();
        return base::write(f, offset, bytes);
    }
    [[nodiscard]] result<void> fill_zeros(file& f, std::uint64_t offset, std::uint64_t count)
    {
        work_->zeros += count;
        return base::fill_zeros(f, offset, count);
    }
    [[nodiscard]] result<void> sync(file& f)
    {
        ++work_->syncs;
        return base::sync(f);
    }
    [[nodiscard]] result<void> sync_directory()
    {
        ++work_->folder_syncs;
        return base::sync_directory();
    }
    [[nodiscard]] result<void> rename(std::string_view from, std::string_view to)
    {
        ++work_->renames;
        return base::rename(from, to);
    }
    [[nodiscard]] result<void> remove(std::string_view name)
    {
        if (name.ends_with(".log")) ++work_->removals;
        return base::remove(name);
    }

private:
    disk_work* work_;
};

struct cleaning_guards : journal::store_guards {
    static constexpr std::uint64_t clean_slack_bytes = 0;
};

// Many jobs wait, and others come and go among them.
class busy_store {
public:
    static constexpr std::size_t batch = 100;

    busy_store() : memory_{std::move(*journal::index_memory::anonymous())}
    {
        auto options = small_options(1);
        options.sizes = {std::uint64_t{512} << 10, std::uint64_t{1} << 20};
        auto opened = store_type::open(counting_file_system{disk_, work_}, gate_, words_, control_, memory_.borrow(),
                                       options, "it");
        EXPECT_TRUE(opened);
        store_.emplace(std::move(*opened));
    }

    void insert(std::int8_t priority, duration retention)
    {
        std::vector<job> jobs(batch);
        std::vector<insert_status> statuses(batch);
        for (auto& j : jobs) {
            j.id = "job-" + std::to_string(++last_);
            j.queue = "default";
            j.kind = "shell";
            j.payload.assign(40, 'x');
            j.priority = priority;
            j.retention = retention;
            j.nonce = {1, last_};
        }
        EXPECT_TRUE(store_->insert(jobs, statuses, now_));
    }
    void claim_one()
    {
        claim_request request;
        request.worker = "w";
        request.nonce = {2, ++last_};
        const auto before = leases_.size();
        EXPECT_TRUE(store_->claim(request, leases_, now_));
        EXPECT_EQ(leases_.size(), before + 1);
    }
    void settle()
    {
        std::vector<settlement> ends(leases_.size());
        std::vector<settle_status> statuses(leases_.size());
        for (std::size_t i = 0; i < ends.size(); ++i) {
            ends[i].receipt = leases_[i].receipt();
            ends[i].report.emplace().status = run_status::succeeded;
        }
        EXPECT_TRUE(store_->settle(ends, statuses, now_));
        leases_.clear();
    }
    template <class Call>
    [[nodiscard]] disk_work work_of(Call&& call)
    {
        work_ = {};
        call();
        return work_;
    }

private:
    using store_type = journal::basic_storage<counting_file_system, simulated_gate, cleaning_guards>;

    simulated_disk disk_;
    disk_work work_;
    simulated_gate gate_;
    journal::log_words words_{};
    control_words control_{};
    journal::index_memory memory_;
    std::optional<store_type> store_;
    std::uint64_t last_ = 0;
    instant now_{timestamp{std::chrono::hours{1}}, std::chrono::hours{1}, first_boot};
    std::vector<lease> leases_;
};

TEST(JournalWork, ACallDoesSoMuchAtMostWhileTheLogIsCleaned)
{
    busy_store store;
    for (int i = 0; i < 100; ++i) store.insert(0, std::chrono::hours{1});
    std::uint64_t removals = 0;
    std::uint64_t segments = 0;
    for (int i = 0; i < 1500; ++i) {
        // Some end and are kept: their images and their ends lie far apart.
        const auto retention = i % 10 == 0 ? duration{std::chrono::hours{1}} : duration{0};
        const auto insert = store.work_of([&] { store.insert(1, retention); });
        for (std::size_t n = 0; n < busy_store::batch; ++n) {
            const auto claim = store.work_of([&] { store.claim_one(); });
            ASSERT_EQ(claim.syncs + claim.folder_syncs + claim.renames + claim.removals, 0U) << i;
            ASSERT_LE(claim.written_bytes, 1024U) << i;
            ASSERT_LE(claim.read_bytes, std::uint64_t{128} << 10) << i;
            ASSERT_LE(claim.reads, 2U) << i;
            ASSERT_LE(claim.zeros, std::uint64_t{1} << 20) << i;
        }
        const auto settle = store.work_of([&] { store.settle(); });
        for (const auto& w : {insert, settle}) {
            ASSERT_LE(w.syncs, 3U) << i;  // its own; the full segment's and the new one's
            ASSERT_LE(w.folder_syncs, 2U) << i;
            ASSERT_LE(w.renames, 1U) << i;
            ASSERT_LE(w.removals, 1U) << i;
            ASSERT_LE(w.written_bytes, std::uint64_t{320} << 10) << i;  // 256 KiB of what is moved, and its own
            ASSERT_LE(w.read_bytes, std::uint64_t{2} << 20) << i;
            ASSERT_LE(w.reads, 64U) << i;
            ASSERT_LE(w.zeros, std::uint64_t{1} << 20) << i;
        }
        for (const auto& w : {insert, settle}) {
            removals += w.removals;
            segments += w.renames;
        }
    }
    EXPECT_GT(removals, 5U);
    EXPECT_GT(segments, 5U);
}

}  // namespace
}  // namespace queuectl::journal_testing
