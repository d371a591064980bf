#include "output.hpp"
#include "store_parts.hpp"

#include <queuectl/journal/storage.hpp>
#include <queuectl/journal/view.hpp>

namespace queuectl::command {

namespace {

// Whether there may be more to see without writing.
bool worth_a_view(errc code)
{
    return code == errc::corrupt || code == errc::read_only || code == errc::permission || code == errc::io;
}

// What can be read of a store that cannot be used; says so, in one line. `why` when there is nothing.
result<std::unique_ptr<any_storage>> open_view(const std::string& path, const error& why)
{
    auto view = journal_view::open(path);
    if (!view) return fail(why);
    const bool damaged = view->why().code == errc::corrupt;
    complain("journal:" + path + ": " + (damaged ? view->why() : why).message() +
             (damaged ? "; what comes before is shown, nothing can be written (see queuectl verify, repair)"
                      : "; it can only be read"));
    return erase_type(std::move(*view));
}

}  // namespace

result<std::unique_ptr<any_storage>> open_journal(const std::string& path, open_mode mode, const open_options& options)
{
    journal_options o;
    o.create = mode == open_mode::create;
    o.sync_claims = options.sync_claims;
    o.durability = options.durability;
    auto opened = journal_storage::open(path, o);
    if (opened && mode != open_mode::read) return erase_type(std::move(*opened));
    const auto ready = opened ? opened->info() : result<store_info>{fail(opened.error())};
    if (ready) return erase_type(std::move(*opened));
    if (mode == open_mode::read && worth_a_view(ready.error().code)) return open_view(path, ready.error());
    return fail(ready.error());
}

}  // namespace queuectl::command
