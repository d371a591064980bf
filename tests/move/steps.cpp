// The move itself, in this process, on storages that fail at each of its writes in turn.
#include "../../examples/queuectl/job_past.hpp"
#include "../../examples/queuectl/mover.hpp"

#include <queuectl/storage/memory.hpp>

#include <gtest/gtest.h>

#include <functional>

namespace move_tests {
namespace {

using namespace queuectl;
using command::any_storage;

constexpr int job_count = 23;
constexpr std::size_t batch = 4;
const instant at{timestamp{duration{1'700'000'000'000'000}}, duration{1}, {}};

// What both stores of a move share: how many more writes succeed, and what was written.
struct script {
    std::size_t writes_left = std::size_t(-1);
    bool after_effect = false;  // the write that fails is done all the same
    bool failed = false;
    std::size_t restored = 0;                    // jobs, also those that were there
    std::function<void()> before_moved = [] {};  // called before the source is said to have moved
};

class scripted : public memory_storage {
public:
    explicit scripted(std::shared_ptr<script> s) : script_{std::move(s)} {}

    result<void> restore(std::span<const stored_job> jobs, std::span<insert_status> statuses, const instant& now)
    {
        return write<void>([&] {
            script_->restored += jobs.size();
            return memory_storage::restore(jobs, statuses, now);
        });
    }
    result<void> set_state(store_state state, std::string_view moved_to)
    {
        if (state == store_state::moved) script_->before_moved();
        return write<void>([&] { return memory_storage::set_state(state, moved_to); });
    }
    result<std::uint64_t> config_put(const config_entry& entry, const instant& now)
    {
        return write<std::uint64_t>([&] { return memory_storage::config_put(entry, now); });
    }
    result<bool> config_erase(std::string_view key)
    {
        return write<bool>([&] { return memory_storage::config_erase(key); });
    }

private:
    template <class T, class Write>
    result<T> write(Write&& write)
    {
        auto& s = *script_;
        if (s.writes_left > 0) {
            --s.writes_left;
            return write();
        }
        if (s.after_effect && !s.failed)
            if (auto done = write(); !done) return done;
        s.failed = true;
        return fail(errc::io, "write", "the script says so");
    }

    std::shared_ptr<script> script_;
};

std::vector<stored_job> all_of(any_storage& store)
{
    std::vector<stored_job> all, page;
    for (command::job_pages pages{store, any_storage::max_batch};;) {
        auto more = pages.next(page);
        EXPECT_TRUE(more);
        if (!more || !*more) return all;
        all.insert(all.end(), page.begin(), page.end());
    }
}

std::string text_of(const std::vector<stored_job>& jobs)
{
    std::string text;
    for (const auto& j : jobs) {
        text += j.record.job.id + ' ' + std::string{name(j.record.state)};
        for (const auto& run : j.attempts) text += ' ' + run.worker + ' ' + run.output.head;
        text += '\n';
    }
    return text;
}

stored_job job_number(int n)
{
    stored_job j;
    j.record.job.id = "job-" + std::to_string(n);
    j.record.job.queue = n % 3 == 0 ? "a" : "b";
    j.record.job.nonce = uid{1, static_cast<std::uint64_t>(n) + 1};
    j.record.job.run_at = j.record.created_at = j.record.updated_at = at.wall;
    if (n % 2 == 0) return j;
    j.record.state = state::dead;
    j.record.attempts = 1;
    auto& run = j.attempts.emplace_back();
    run.number = 1;
    run.worker = "w";
    run.output.head = "output " + std::to_string(n);
    run.output_bytes = run.output.head.size();
    return j;
}

class steps : public ::testing::Test {
protected:
    steps()
    {
        std::vector<stored_job> jobs;
        for (int i = 0; i < job_count; ++i) jobs.push_back(job_number(i));
        std::vector<insert_status> statuses(jobs.size());
        EXPECT_TRUE(source().restore(jobs, statuses, at));
        set("config/kept", "1");
        set("config/changed", "before");
        set("config/unset", "1");
        script_->restored = 0;
    }

    static command::open_store open(const std::shared_ptr<script>& s, const std::string& path)
    {
        return {command::erase_type(scripted{s}), {command::store_kind::sqlite, path}, true};
    }
    [[nodiscard]] any_storage& source() { return *from_.storage; }
    [[nodiscard]] any_storage& target() { return *to_.storage; }
    void set(const std::string& key, const std::string& value)
    {
        EXPECT_TRUE(source().config_put({key, value, any_version, timestamp_max}, at));
    }
    result<command::move_report> move()
    {
        command::move_options options;
        options.batch = batch;
        options.note_pause = {};
        return command::mover{from_, to_, options, [](const std::string&) {}, keep_}.run();
    }
    result<command::move_report> move_cut_off(std::size_t after_writes, bool after_effect)
    {
        script_->writes_left = after_writes;
        script_->after_effect = after_effect;
        script_->failed = false;
        auto moved = move();
        script_->writes_left = std::size_t(-1);
        return moved;
    }
    [[nodiscard]] std::string setting(const std::string& key)
    {
        auto found = target().config_get(key, at);
        return found && *found ? (*found)->value : "none";
    }
    void expect_moved()
    {
        EXPECT_EQ(text_of(all_of(target())), text_of(all_of(source())));
        EXPECT_EQ(source().info()->state, store_state::moved);
        std::vector<config_entry> marks;
        EXPECT_TRUE(target().config_list(command::move_key_prefix, marks, at));
        EXPECT_TRUE(marks.empty()) << marks.front().key;
    }

    command::mover::keep keep_ = [] { return result<void>{}; };
    std::shared_ptr<script> script_ = std::make_shared<script>();
    command::open_store from_ = open(script_, "/nowhere/from");
    command::open_store to_ = open(script_, "/nowhere/to");
};

// What is changed at the last moment is there, too.
TEST_F(steps, settings_are_copied_until_they_cannot_change)
{
    script_->before_moved = [this] {
        set("config/changed", "after");
        set("config/new", "1");
        EXPECT_TRUE(source().config_erase("config/unset"));
    };
    auto moved = move();
    ASSERT_TRUE(moved) << moved.error().message();
    EXPECT_EQ(moved->settings, 3u);
    EXPECT_EQ(setting("config/kept"), "1");
    EXPECT_EQ(setting("config/changed"), "after");
    EXPECT_EQ(setting("config/new"), "1");
    EXPECT_EQ(setting("config/unset"), "none");
    expect_moved();
}

// Of an attempt that was cut off after it had copied it.
TEST_F(steps, a_setting_that_was_unset_before_the_move_went_on_is_not_there)
{
    script_->before_moved = [this] { script_->writes_left = 0; };
    EXPECT_FALSE(move());
    EXPECT_EQ(setting("config/unset"), "1");
    script_->writes_left = std::size_t(-1);
    script_->before_moved = [] {};
    EXPECT_TRUE(source().config_erase("config/unset"));
    ASSERT_TRUE(move());
    EXPECT_EQ(setting("config/unset"), "none");
    EXPECT_EQ(setting("config/kept"), "1");
    expect_moved();
}

// Whoever lost the lock may not end the move: another may have given it up meanwhile.
TEST_F(steps, without_its_lock_it_goes_no_further)
{
    int steps_left = 0;
    keep_ = [&steps_left]() -> result<void> {
        if (steps_left-- > 0) return {};
        return fail(errc::busy, "migrate", "the lock is lost");
    };
    int granted = 0;
    for (;; ++granted) {
        steps_left = granted;
        auto moved = move();
        if (moved) break;
        EXPECT_EQ(moved.error().detail, "the lock is lost");
        EXPECT_NE(source().info()->state, store_state::open);
        if (source().info()->state == store_state::moved) continue;
        std::vector<config_entry> marks;
        EXPECT_TRUE(target().config_list(command::move_key_prefix, marks, at));
        EXPECT_FALSE(marks.empty());
    }
    EXPECT_GE(granted, 4);
    expect_moved();
}

// A write that fails is a move that was cut off there, for the stores.
class cut_off : public steps, public ::testing::WithParamInterface<bool> {};

TEST_P(cut_off, at_each_write_and_run_again)
{
    for (std::size_t n = 0;; ++n) {
        SCOPED_TRACE("after " + std::to_string(n) + " writes");
        script_ = std::make_shared<script>();
        from_ = open(script_, "/nowhere/from");
        to_ = open(script_, "/nowhere/to");
        std::vector<stored_job> jobs;
        for (int i = 0; i < job_count; ++i) jobs.push_back(job_number(i));
        std::vector<insert_status> statuses(jobs.size());
        ASSERT_TRUE(source().restore(jobs, statuses, at));
        set("config/changed", "before");
        script_->before_moved = [this] {
            const auto left = std::exchange(script_->writes_left, std::size_t(-1));
            set("config/changed", "after");
            script_->writes_left = left;
        };
        const bool whole = move_cut_off(n, GetParam()).has_value();
        const auto moved = move();
        ASSERT_TRUE(moved) << moved.error().message();
        EXPECT_EQ(moved->was_done || moved->jobs == job_count, true) << moved->jobs;
        EXPECT_EQ(setting("config/changed"), "after");
        expect_moved();
        if (HasFailure()) return;
        if (!whole) continue;
        EXPECT_GT(n, std::size_t{2 * job_count / batch}) << "each page is a write, and the note of it another";
        return;
    }
}

INSTANTIATE_TEST_SUITE_P(writes, cut_off, ::testing::Bool(),
                         [](const auto& after) { return after.param ? "with_effect" : "without_effect"; });

TEST_F(steps, a_move_goes_on_behind_what_it_has_copied)
{
    ASSERT_FALSE(move_cut_off(11, false));  // the mark, its name, the state, and four pages with their notes
    const auto copied = all_of(target()).size();
    EXPECT_EQ(copied, 4 * batch);
    script_->restored = 0;
    auto moved = move();
    ASSERT_TRUE(moved) << moved.error().message();
    EXPECT_TRUE(moved->resumed);
    EXPECT_EQ(moved->jobs, std::uint64_t{job_count});
    EXPECT_EQ(moved->runs, std::uint64_t{job_count / 2});
    EXPECT_EQ(script_->restored, job_count - copied);
    expect_moved();
}

// Somebody deletes copies before the move goes on.
TEST_F(steps, a_move_whose_copies_are_gone_copies_them_again)
{
    ASSERT_FALSE(move_cut_off(11, false));
    std::vector<change_status> statuses(2);
    ASSERT_TRUE(target().remove(std::vector<std::string>{"job-0", "job-5"}, statuses));
    auto moved = move();
    ASSERT_TRUE(moved) << moved.error().message();
    EXPECT_EQ(moved->jobs, std::uint64_t{job_count});
    EXPECT_EQ(all_of(target()).size(), std::size_t{job_count});
    EXPECT_EQ(source().info()->state, store_state::moved);
}

}  // namespace
}  // namespace move_tests
