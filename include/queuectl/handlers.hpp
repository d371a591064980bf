// A handler for each kind of job.
#ifndef QUEUECTL_HANDLERS_HPP
#define QUEUECTL_HANDLERS_HPP

#include <queuectl/detail/run_handler.hpp>
#include <queuectl/payload.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace queuectl::inline v0 {

// `handlers{}.on("email", send).on<resize>("resize", [](const resize& r, context&) { … })`: itself a handler,
// that calls the one of the job's kind. A job of a kind without one, and a payload that cannot be decoded, are
// dead-lettered with the reason: no retry mends them. Movable. Calls are as thread-safe as the handlers are;
// on() while calls go on is not.
class handlers {
public:
    // The handler of one kind; a second one replaces the first. `kind` may be empty: jobs without a kind.
    template <job_handler H>
    handlers& on(std::string kind, H h) &
    {
        place(std::move(kind)) = std::make_unique<held<H>>(std::move(h));
        return *this;
    }
    // The handler gets the decoded payload in place of the job: h(const T&, context&) or h(const T&).
    template <payload_type T, class F>
    handlers& on(std::string kind, F f) &
    {
        return on(std::move(kind), typed<T, F>{std::move(f)});
    }
    template <job_handler H>
    handlers&& on(std::string kind, H h) &&
    {
        return std::move(on(std::move(kind), std::move(h)));
    }
    template <payload_type T, class F>
    handlers&& on(std::string kind, F f) &&
    {
        return std::move(on<T>(std::move(kind), std::move(f)));
    }

    // The kinds that have a handler, sorted: for queue_options::kinds, so that others are left to other workers.
    [[nodiscard]] std::vector<std::string> kinds() const
    {
        std::vector<std::string> out;
        out.reserve(table_.size());
        for (const entry& e : table_) out.push_back(e.kind);
        return out;
    }

    [[nodiscard]] outcome operator()(const job& j, context& c)
    {
        const auto found = lower_bound(j.kind);
        if (found == table_.end() || found->kind != j.kind)
            return fail_for_good("there is no handler for the kind \"" + j.kind + "\"");
        outcome into;
        found->handler->call(j, c, into);
        return into;
    }

private:
    struct base {
        base() = default;
        base(const base&) = delete;
        base& operator=(const base&) = delete;
        virtual ~base() = default;
        virtual void call(const job& j, context& c, outcome& into) = 0;
    };
    template <class H>
    struct held final : base {
        explicit held(H h) : handler{std::move(h)} {}
        void call(const job& j, context& c, outcome& into) override { detail::call_into(handler, j, c, into); }
        H handler;
    };
    // A handler of T as a handler of jobs.
    template <class T, class F>
    struct typed {
        F function;
        outcome operator()(const job& j, context& c)
        {
            auto value = payload_traits<T>::decode(j.payload);
            if (!value) return fail_for_good("payload: " + value.error().message());
            outcome into;
            const auto with_value = [&](const job&, context& same) -> decltype(auto) {
                if constexpr (std::invocable<F&, const T&, context&>)
                    return function(*std::as_const(value), same);
                else
                    return function(*std::as_const(value));
            };
            detail::call_into(with_value, j, c, into);
            return into;
        }
    };
    struct entry {
        std::string kind;
        std::unique_ptr<base> handler;
    };

    std::vector<entry>::iterator lower_bound(std::string_view kind)
    {
        return std::lower_bound(table_.begin(), table_.end(), kind,
                                [](const entry& e, std::string_view k) { return e.kind < k; });
    }
    std::unique_ptr<base>& place(std::string kind)
    {
        auto at = lower_bound(kind);
        if (at == table_.end() || at->kind != kind) at = table_.insert(at, entry{std::move(kind), nullptr});
        return at->handler;
    }

    std::vector<entry> table_;  // sorted by kind
};

static_assert(job_handler<handlers>);

}  // namespace queuectl::inline v0

#endif
