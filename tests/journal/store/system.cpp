// A journal on file systems that it cannot write to, or must not.
#include "journal/store/crash_world.hpp"
#include "journal/store/jobs.hpp"
#include "journal/store/mounts.hpp"

#include <queuectl/journal/view.hpp>

#include <sys/syscall.h>
#include <sys/vfs.h>

namespace {

std::uint32_t pretended_file_system = 0;  // by its magic number; 0 = what there is

}  // namespace

// What the system would say of a folder on another file system: instead of libc's.
extern "C" int statfs(const char* path, struct statfs* what) noexcept
{
    const auto done = static_cast<int>(::syscall(SYS_statfs, path, what));
    if (done == 0 && pretended_file_system != 0)
        what->f_type = static_cast<decltype(what->f_type)>(pretended_file_system);
    return done;
}

namespace queuectl::journal_testing {
namespace {

TEST(JournalSystem, NetworkFileSystemsAreRefusedUnlessInsistedOn)
{
    struct known {
        std::uint32_t magic;
        const char* name;
    };
    for (const auto& [magic, name] : {known{0x6969, "NFS"}, known{0xff534d42, "SMB"}, known{0x01021997, "9P"},
                                      known{0x65735546, "FUSE"}, known{0x00c36400, "Ceph"}}) {
        const store_folder folder;
        static_cast<void>(folder.open());
        pretended_file_system = magic;
        const auto refused = journal_storage::open(folder.path());
        journal_options insisting;
        insisting.insist_network_fs = true;
        const auto opened = journal_storage::open(folder.path(), insisting);
        pretended_file_system = 0;
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, errc::unsupported);
        EXPECT_NE(refused.error().message().find(name), std::string::npos) << refused.error().message();
        EXPECT_TRUE(opened);
    }
    pretended_file_system = 0xef53;  // ext4
    const store_folder folder;
    EXPECT_TRUE(journal_storage::open(folder.path()));
    pretended_file_system = 0;
}

TEST(JournalSystem, AReadOnlyFileSystemIsNamedAndCanBeLookedAt)
{
    const store_folder folder;
    {
        auto s = folder.open();
        EXPECT_FALSE(put(*s, make_job("a")));
    }
    EXPECT_EQ(in_child([&] {
                  if (const auto why = mount_read_only(folder.path()); !why.empty()) {
                      std::printf("not on a read-only mount: %s\n", why.c_str());
                      return 0;
                  }
                  const auto opened = journal_storage::open(folder.path());
                  if (opened) return 1;
                  EXPECT_EQ(opened.error().code, errc::read_only) << opened.error().message();
                  EXPECT_NE(opened.error().message().find(folder.path()), std::string::npos);
                  const auto made = journal_storage::open(folder.path() + "/new");
                  EXPECT_TRUE(!made && made.error().code == errc::read_only);
                  auto view = journal_view::open(folder.path());
                  if (!view) return 2;
                  const auto found = view->find("a");
                  if (!found || !*found) return 3;
                  const auto j = make_job("b");
                  insert_status status{};
                  const auto refused = view->insert({&j, 1}, {&status, 1}, at(1));
                  return !refused && refused.error().code == errc::read_only ? 0 : 4;
              }),
              0);
    auto s = folder.open();
    EXPECT_FALSE(put(*s, make_job("b")));
}

// A file system that turns read-only under a store, as after an error of its disk; and back.
class turning_file_system : public simulated_file_system {
    using base = simulated_file_system;

public:
    explicit turning_file_system(simulated_disk& disk) : base{disk} {}
    static inline bool read_only = false;

    [[nodiscard]] result<file> create(std::string_view name)
    {
        return read_only ? result<file>{refuse("create ", name)} : base::create(name);
    }
    [[nodiscard]] result<void> write(file& f, std::uint64_t offset, std::string_view bytes)
    {
        return read_only ? result<void>{refuse("write ", f.name)} : base::write(f, offset, bytes);
    }
    [[nodiscard]] result<void> fill_zeros(file& f, std::uint64_t offset, std::uint64_t count)
    {
        return read_only ? result<void>{refuse("write ", f.name)} : base::fill_zeros(f, offset, count);
    }
    [[nodiscard]] result<void> rename(std::string_view from, std::string_view to)
    {
        return read_only ? result<void>{refuse("rename ", from)} : base::rename(from, to);
    }
    [[nodiscard]] result<void> remove(std::string_view name)
    {
        return read_only ? result<void>{refuse("remove ", name)} : base::remove(name);
    }

private:
    static failure_value refuse(const char* what, std::string_view name)
    {
        return journal::detail::fail_errno(std::string{what}.append(name), EROFS);
    }
};

TEST(JournalSystem, AFileSystemThatTurnsReadOnlyLosesNothingAndReadsGoOn)
{
    const auto memory = journal::index_memory::anonymous();
    simulated_disk disk;
    simulated_gate gate;
    journal::log_words words{};
    control_words control{};
    auto s = journal::basic_storage<turning_file_system, simulated_gate>::open(
        turning_file_system{disk}, gate, words, control, memory->borrow(), small_options(1), "it");
    ASSERT_TRUE(s) << s.error().message();
    const auto insert = [&](const char* id) -> std::optional<errc> {
        const auto j = make_job(id);
        insert_status status{};
        const auto done = s->insert({&j, 1}, {&status, 1}, at(1));
        if (done) return {};
        EXPECT_NE(done.error().message().find("ead-only"), std::string::npos) << done.error().message();
        return done.error().code;
    };
    const auto there = [&](const char* id) {
        const auto found = s->find(id);
        EXPECT_TRUE(found) << (found ? "" : found.error().message());
        return found && *found;
    };
    EXPECT_EQ(insert("a"), std::nullopt);
    turning_file_system::read_only = true;
    // What the first failed write has left cannot be cut off; nothing is written from then on.
    EXPECT_EQ(insert("b"), errc::outcome_unknown);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(insert("c"), errc::read_only);
    EXPECT_TRUE(there("a"));
    EXPECT_FALSE(there("b") || there("c"));
    turning_file_system::read_only = false;
    EXPECT_EQ(insert("d"), std::nullopt);
    EXPECT_TRUE(there("a") && there("d"));
    EXPECT_FALSE(there("b") || there("c"));
}

}  // namespace
}  // namespace queuectl::journal_testing
