// The facets of a journal.
#ifndef QUEUECTL_JOURNAL_STORE_FACETS_HPP
#define QUEUECTL_JOURNAL_STORE_FACETS_HPP

#include <queuectl/journal/store/transferring.hpp>

namespace queuectl::inline v0::journal {

template <class Session>
class facets : public transferring<Session> {
    using base = transferring<Session>;
    using core = typename Session::core_type;

public:
    // ── notifying_storage ──

    [[nodiscard]] change_counts changes() { return session().wake().changes(); }
    change_counts wait_for_change(change_counts seen, duration max) { return session().wait(seen, max); }
    void interrupt_waits() { session().wake().interrupt(); }

    // How much work claims have done so far: lines looked at, and places of the index changed. For tests of their cost.
    [[nodiscard]] std::uint64_t index_steps()
    {
        std::uint64_t steps = 0;
        static_cast<void>(session().read("look", [&](core& c) -> result<void> {
            steps = c.index.steps();
            return {};
        }));
        return steps;
    }

    // Memory that the index uses, shared by all processes. For tests of its size.
    [[nodiscard]] std::uint64_t index_bytes()
    {
        std::uint64_t bytes = 0;
        static_cast<void>(session().read("look", [&](core& c) -> result<void> {
            const auto& roots = c.index.roots();
            bytes = c.index.space().block_bytes() + sizeof(ref) * (roots.table.bucket_count + roots.pages.count);
            return {};
        }));
        return bytes;
    }

protected:
    using base::base;

private:
    [[nodiscard]] Session& session() const { return *this->session_; }
};

}  // namespace queuectl::inline v0::journal

#endif
