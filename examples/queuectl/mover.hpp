// The move of a store, step by step. Each step may be cut off and done again.
#ifndef QUEUECTL_COMMAND_MOVER_HPP
#define QUEUECTL_COMMAND_MOVER_HPP

#include "move_mark.hpp"

#include <functional>

namespace queuectl::command {

struct move_options {
    duration patience = duration_max;  // for what runs to end
    std::size_t batch = any_storage::max_batch;
    duration note_pause = std::chrono::milliseconds{100};  // between the notes of its progress: each is a write
};

struct move_report {
    std::uint64_t jobs = 0;
    std::uint64_t runs = 0;
    std::uint64_t settings = 0;
    bool resumed = false;  // an earlier attempt was cut off
    bool was_done = false;
};

// From one store to another, while clients and workers are at the first:
//
//   mark the target → the source is moving → what runs there ends → copy jobs → the counts are equal → copy settings
//   → the source has moved → copy the settings that were changed meanwhile → the mark goes.
//
// Cut off anywhere it goes on when it is run again: behind the jobs that the target's move_progress speaks of, or, if
// the counts differ then, from the first (copying a job again changes nothing, and as long as the source is moving no
// job in it changes). A target that was marked by a move that was given up is emptied of its copies first.
// One at a time: see move_lock.
class mover {
public:
    // Told on the way: "12000 of 100000 jobs copied".
    using tell = std::function<void(const std::string& what)>;
    // Called before every step. When it fails, somebody else may be moving the store, and nothing is done any more.
    using keep = std::function<result<void>()>;

    mover(open_store& from, open_store& to, const move_options& options, tell told, keep lock)
        : from_{from}, to_{to}, options_{options}, tell_{std::move(told)}, keep_{std::move(lock)}
    {
    }
    [[nodiscard]] result<move_report> run();

private:
    [[nodiscard]] result<bool> ended_before(const store_info& source);
    [[nodiscard]] result<void> prepare(const store_info& source);
    [[nodiscard]] result<void> begin(const uid& source, bool first);
    [[nodiscard]] result<void> empty_target(const move_mark& old);
    [[nodiscard]] result<bool> is_copy(const job_record& r, const move_mark& old);
    [[nodiscard]] result<void> wait_for_runs();
    [[nodiscard]] result<std::size_t> still_running();
    [[nodiscard]] result<void> copy_jobs();
    [[nodiscard]] result<void> copy_pages();
    [[nodiscard]] result<void> note_progress(std::uint64_t after);
    [[nodiscard]] result<void> copy_settings();
    [[nodiscard]] result<void> write_settings(const std::vector<config_entry>& all,
                                              const std::vector<config_entry>& copied);
    [[nodiscard]] result<void> compare_counts();
    [[nodiscard]] result<void> finish();
    [[nodiscard]] result<void> settle_target();

    open_store& from_;
    open_store& to_;
    move_options options_;
    tell tell_;
    keep keep_;
    move_report report_{};
    move_progress progress_;
    duration noted_at_{};                                // monotonic
    std::optional<std::vector<config_entry>> settings_;  // of the target, as they were copied last
};

}  // namespace queuectl::command

#endif
