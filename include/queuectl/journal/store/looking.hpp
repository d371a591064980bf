// What inspectable_storage tells of a journal.
#ifndef QUEUECTL_JOURNAL_STORE_LOOKING_HPP
#define QUEUECTL_JOURNAL_STORE_LOOKING_HPP

#include <queuectl/journal/store/inspect.hpp>
#include <queuectl/journal/store/verbs.hpp>

namespace queuectl::inline v0::journal {

template <class Session>
class looking : public verbs<Session> {
    using base = verbs<Session>;
    using core = typename Session::core_type;

public:
    [[nodiscard]] result<store_info> info()
    {
        store_info i;
        i.format = format_version;
        i.min_reader = min_reader;
        i.min_writer = min_writer;
        i.id = session().store();
        i.location = session().where();
        i.durability = session().mode();
        auto done = session().read("info", [&](core& c) -> result<void> {
            const auto& roots = c.index.roots();
            i.state = static_cast<store_state>(roots.store_state);
            i.read_only = i.state == store_state::read_only;
            if (roots.moved_to != 0) i.moved_to = read_text(c.index.space(), roots.moved_to);
            return {};
        });
        if (!done) return fail(done.error());
        i.id = session().store();
        return i;
    }

    [[nodiscard]] result<std::optional<job_record>> find(std::string_view id)
    {
        std::optional<job_record> found;
        auto done = session().read("find", [&](core& c) -> result<void> {
            const ref job = c.index.find(id);
            if (job == 0) return {};
            auto image = c.load(job);
            if (!image) return fail(image.error());
            found = std::move(image->record);
            return {};
        });
        if (!done) return fail(done.error());
        return found;
    }

    // Looks at no more than limits::sweep jobs.
    [[nodiscard]] result<std::uint64_t> list(const job_filter& filter, const page_request& page,
                                             std::vector<job_record>& out)
    {
        std::uint64_t next = 0;
        auto done = session().read("list", [&](core& c) -> result<void> {
            auto listed = list_jobs(c, filter, page, out);
            if (!listed) return fail(listed.error());
            next = *listed;
            return {};
        });
        if (!done) return fail(done.error());
        return next;
    }

    [[nodiscard]] result<void> attempts(std::string_view id, std::vector<attempt>& out)
    {
        return session().read("attempts", [&](core& c) -> result<void> {
            const ref job = c.index.find(id);
            if (job == 0) return {};
            auto image = c.load(job);
            if (!image) return fail(image.error());
            for (auto& stored : image->attempts) {
                stored.run.output = {};
                out.push_back(std::move(stored.run));
            }
            return {};
        });
    }

    [[nodiscard]] result<run_output> output(std::string_view id, std::int32_t number)
    {
        std::optional<stored_attempt> run;
        auto done = session().read("output", [&](core& c) -> result<void> {
            const ref job = c.index.find(id);
            if (job == 0) return {};
            auto image = c.load(job);
            if (!image) return fail(image.error());
            for (auto& stored : image->attempts)
                if (stored.run.number == number) run = std::move(stored);
            return {};
        });
        if (!done) return fail(done.error());
        if (!run || run->run.output_bytes == 0)
            return fail(errc::not_found, "output " + std::string{id}, "no output is kept");
        if (run->output_file == 0) return std::move(run->run.output);
        auto out = read_output(session().fs(), run->output_file);
        if (!out) return out;
        out->dropped_bytes = run->run.output.dropped_bytes;
        return out;
    }

    [[nodiscard]] result<void> counts(std::vector<queue_counts>& out)
    {
        return session().read("counts", [&](core& c) -> result<void> {
            auto& space = c.index.space();
            c.index.all_lanes().for_each_queue([&](ref at) {
                const auto& queue = *space.template get<queue_slot>(at);
                auto& counts = out.emplace_back();
                counts.queue = read_text(space, queue.name);
                std::copy(std::begin(queue.counts), std::end(queue.counts), counts.by_state.begin());
                return true;
            });
            return {};
        });
    }

protected:
    using base::base;

private:
    [[nodiscard]] Session& session() const { return *this->session_; }
};

}  // namespace queuectl::inline v0::journal

#endif
