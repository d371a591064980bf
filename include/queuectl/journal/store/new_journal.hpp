// A journal that is written as a whole: it gets its name when it is complete and durable. POSIX.
#ifndef QUEUECTL_JOURNAL_STORE_NEW_JOURNAL_HPP
#define QUEUECTL_JOURNAL_STORE_NEW_JOURNAL_HPP

#include <queuectl/journal/log.hpp>
#include <queuectl/journal/store/outputs.hpp>

namespace queuectl::inline v0::journal {

// Records are put into body(). One thread. Removed again unless published.
class new_journal {
public:
    // errc::exists when there is anything at `path`, or at `path`.partial, where it is written.
    [[nodiscard]] static result<std::unique_ptr<new_journal>> create(const std::string& path)
    {
        struct stat what {};
        if (::lstat(path.c_str(), &what) == 0) return fail(errc::exists, "create " + path, "it exists");
        const std::string partial = path + ".partial";
        if (::mkdir(partial.c_str(), 0700) != 0)
            return errno == EEXIST ? fail(errc::exists, "create " + partial, "it exists: a repair was cut off")
                                   : queuectl::detail::fail_errno("create " + partial, errno);
        auto files = posix_file_system::open_folder(partial, false);
        if (!files) return fail(files.error());
        std::unique_ptr<new_journal> made{new new_journal{std::move(*files), path}};
        if (auto opened = made->open_log(); !opened) return fail(opened.error());
        return made;
    }
    new_journal(const new_journal&) = delete;
    new_journal& operator=(const new_journal&) = delete;
    ~new_journal()
    {
        log_.reset();
        if (published_) return;
        if (const auto names = files_.list())
            for (const auto& name : *names) static_cast<void>(files_.remove(name));
        ::rmdir(files_.folder().path().c_str());
    }

    [[nodiscard]] std::string& body() noexcept { return body_; }
    [[nodiscard]] result<void> flush_if_full() { return body_.size() < flush_bytes ? result<void>{} : flush(); }

    // Copies an output file of another journal; false when there is none that can be read.
    [[nodiscard]] bool copy_output(posix_file_system& from, output_number number)
    {
        const auto out = read_output(from, number);
        return out && write_output(files_, number, *out);
    }

    // Everything is durable, and then has its name.
    [[nodiscard]] result<void> publish()
    {
        if (auto done = flush(); !done) return done;
        if (auto done = log_->settle_down(end_); !done) return done;
        if (auto done = files_.sync_directory(); !done) return done;
        log_.reset();
        if (::rename(files_.folder().path().c_str(), path_.c_str()) != 0)
            return queuectl::detail::fail_errno("rename " + files_.folder().path(), errno);
        published_ = true;
        return sync_parent(path_);
    }

private:
    static constexpr std::size_t flush_bytes = std::size_t{1} << 20;

    // A log's sink that remembers only how far it has heard.
    struct end_of_log {
        log_position at{};
        [[nodiscard]] log_position heard() const noexcept { return at; }
        void frame(const log_position& behind, const frame_place&, std::string_view) noexcept { at = behind; }
        void restart() noexcept { at = {}; }
    };

    new_journal(posix_file_system files, std::string path) : files_{std::move(files)}, path_{std::move(path)} {}

    result<void> open_log()
    {
        auto page = control_page::open(files_.folder());
        if (!page) return fail(page.error());
        page_.emplace(std::move(*page));
        auto gate = process_gate::open(files_.folder(), page_->words());
        if (!gate) return fail(gate.error());
        gate_.emplace(std::move(*gate));
        auto again = posix_file_system::open_folder(files_.folder().path(), false);
        if (!again) return fail(again.error());
        auto opened = log<>::open(std::move(*again), *gate_, page_->storage_words<log_words>());
        if (!opened) return fail(opened.error());
        log_ = std::move(*opened);
        return {};
    }

    result<void> flush()
    {
        auto turn = log_->take_turn(end_);
        if (!turn) return fail(turn.error());
        if (!body_.empty())
            if (auto done = turn->append(body_); !done) return fail(done.error());
        end_.at = turn->position();
        body_.clear();
        return {};
    }

    posix_file_system files_;
    std::string path_;
    std::optional<control_page> page_;
    std::optional<process_gate> gate_;
    std::unique_ptr<log<>> log_;
    end_of_log end_;
    std::string body_;
    bool published_ = false;
};

}  // namespace queuectl::inline v0::journal

#endif
