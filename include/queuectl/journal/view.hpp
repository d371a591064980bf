// journal_view: a journal that cannot be used as usual, for those who want to see what is in it. POSIX.
#ifndef QUEUECTL_JOURNAL_VIEW_HPP
#define QUEUECTL_JOURNAL_VIEW_HPP

#include <queuectl/journal/store/damage.hpp>
#include <queuectl/journal/store/facets.hpp>
#include <queuectl/journal/store/view_session.hpp>

namespace queuectl::inline v0 {

// A damaged store, or one in a folder that cannot be written. Tells what the log says up to the first damage, as it is
// when this is opened; every write is refused: errc::corrupt with the place of the damage, or errc::read_only. Locks,
// writes and creates nothing. All of the index is memory of this process.
class journal_view : public journal::facets<journal::view_session<journal::posix_file_system>> {
    using session_type = journal::view_session<journal::posix_file_system>;
    using base = journal::facets<session_type>;

public:
    // errc::not_found, permission, wrong_version, no_memory, io.
    [[nodiscard]] static result<journal_view> open(std::string path)
    {
        auto fs = journal::posix_file_system::open_folder_to_read(path);
        if (!fs) return fail(fs.error());
        auto memory = journal::index_memory::anonymous();
        if (!memory) return fail(memory.error());
        error why{errc::read_only, "open " + path, "its folder cannot be written", 0};
        auto made = std::make_unique<session_type>(std::move(*fs), std::move(*memory), std::move(path), std::move(why));
        if (auto loaded = made->load(); !loaded && loaded.error().code != errc::corrupt) return fail(loaded.error());
        return journal_view{std::move(made)};
    }

    // Why there is only a view: what every write is refused with.
    [[nodiscard]] const error& why() const noexcept { return session_->why(); }
    [[nodiscard]] static constexpr bool writable() noexcept { return false; }

    // Refused before any output is written.
    [[nodiscard]] result<void> settle(std::span<const settlement>, std::span<settle_status>, const instant&)
    {
        return refuse("settle");
    }
    [[nodiscard]] result<claim_info> settle_and_claim(std::span<const settlement>, std::span<settle_status>,
                                                      const claim_request&, std::vector<lease>&, const instant&)
    {
        return fail(refuse("settle").error());
    }

    [[nodiscard]] result<void> restore(std::span<const stored_job>, std::span<insert_status>, const instant&)
    {
        return refuse("restore");
    }

    // Every damaged place of the log.
    [[nodiscard]] result<verify_report> verify(const instant&)
    {
        verify_report report;
        if (auto done = journal::tell_damage(session_->fs(), report); !done) return fail(done.error());
        return report;
    }

private:
    result<void> refuse(const char* verb) { return session_->write(verb, false, nullptr); }
    explicit journal_view(std::unique_ptr<session_type> session) : base{std::move(session), false} {}
};

}  // namespace queuectl::inline v0

#endif
