#include "file_enqueue.hpp"

#include "json_writer.hpp"
#include "line_reader.hpp"

#include <queuectl/queue.hpp>

namespace queuectl::command {

namespace {

class file_enqueuer {
public:
    file_enqueuer(context& c, open_store& store, const request& defaults, request_place place, bool print_ids)
        : c_{c},
          defaults_{defaults},
          queue_{store.ref(), no_executor{}, place.options},
          place_{std::move(place)},
          print_ids_{print_ids},
          terminal_{writer{2}.terminal()}
    {
    }

    result<file_summary> run(line_reader& file)
    {
        while (true) {
            // What is known is stored before waiting for more: a pipe's jobs need not wait for its end.
            if (batch_.size() == batch_jobs || bytes_ > batch_bytes || (waits_long(file) && !batch_.empty()))
                if (auto stored = store_batch(); !stored) return fail(stored.error());
            auto line = file.next();
            if (!line) return fail(line.error());
            if (!*line) break;
            take(**line);
        }
        if (auto stored = store_batch(); !stored) return fail(stored.error());
        if (terminal_ && summary_.enqueued >= progress_step) writer{2} << "\r\x1b[K";
        return summary_;
    }

private:
    static constexpr std::size_t batch_jobs = any_storage::max_batch;
    static constexpr std::size_t batch_bytes = 16u << 20;
    static constexpr std::uint64_t progress_step = 10'000;

    bool waits_long(const line_reader& file) const { return batch_.size() * 4 >= batch_jobs && file.would_read(); }

    void take(const line_reader::line& line)
    {
        ++number_;
        if (line.too_long) return refuse(number_, "longer than 64 MiB");
        if (line.text.find_first_not_of(" \t\r") == std::string_view::npos) return;
        auto prepared = prepare(line.text);
        if (!prepared) return refuse(number_, prepared.error().message());
        bytes_ += line.text.size();
        batch_.push_back(std::move(*prepared));
        lines_.push_back(number_);
    }

    result<job> prepare(std::string_view text)
    {
        auto r = read_request(text);
        if (!r) return fail(r.error());
        add_defaults(*r, defaults_);
        if (auto completed = complete(*r); !completed) return fail(completed.error());
        auto job = job_of(std::move(*r), place_);
        if (!job) return fail(job.error());
        return queue_.prepare(std::move(*job));
    }

    result<void> store_batch()
    {
        if (batch_.empty()) return {};
        auto done = queue_.enqueue_prepared(std::move(batch_));
        if (!done) return fail(done.error());
        for (std::size_t i = 0; i < done->size(); ++i) tell((*done)[i], lines_[i]);
        c_.out.flush();
        batch_.clear();
        lines_.clear();
        bytes_ = 0;
        progress();
        return {};
    }

    void tell(const enqueued& e, std::uint64_t line)
    {
        if (e.status == insert_status::duplicate) return refuse(line, "id: " + e.id + " exists already");
        ++summary_.enqueued;
        if (!print_ids_) return;
        if (c_.json)
            json_writer{c_.out.buffer()}.begin_object().member("id", e.id).end_object();
        else
            c_.out << e.id;
        c_.out << "\n";
    }

    void refuse(std::uint64_t line, const std::string& why)
    {
        ++summary_.refused;
        complain("line " + std::to_string(line) + ": " + why);
    }

    void progress()
    {
        if (!terminal_ || summary_.enqueued < shown_ + progress_step) return;
        shown_ = summary_.enqueued;
        writer{2} << "\r" << std::to_string(shown_) << " enqueued";
    }

    context& c_;
    const request& defaults_;
    producer<storage_ref<any_storage>> queue_;
    request_place place_;
    bool print_ids_;
    bool terminal_;
    std::vector<job> batch_;
    std::vector<std::uint64_t> lines_;  // of the batch's jobs
    std::size_t bytes_ = 0;
    std::uint64_t number_ = 0;  // of the line read last
    std::uint64_t shown_ = 0;
    file_summary summary_{};
};

}  // namespace

result<file_summary> enqueue_file(context& c, open_store& store, const std::string& path, const request& defaults,
                                  bool print_ids)
{
    line_reader file{path};
    if (auto opened = file.open(); !opened) return fail(opened.error());
    auto values = load_settings(*store.storage, c.now());
    if (!values) return fail(values.error());
    return file_enqueuer{c, store, defaults, request_place::here(*values), print_ids}.run(file);
}

}  // namespace queuectl::command
