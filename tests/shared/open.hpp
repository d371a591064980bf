// Opening a store of this machine: what is created, with which modes, and what is refused. The kind also tells
//
//     modes                                {file, mode} of each file of an open store that has taken a job
//     almost_empty_bytes_max               of a store with one job
//     write_versions(store, path, r)       makes the store one of format 7, for readers from r on and writers from 7 on
#ifndef QUEUECTL_TESTS_SHARED_OPEN_HPP
#define QUEUECTL_TESTS_SHARED_OPEN_HPP

#include "shared/store.hpp"

#include <sys/stat.h>

namespace queuectl_test {

struct file_mode {
    const char* file;
    int mode;
};

template <class Kind>
errc refusal_as(const std::string& path, typename Kind::options options = {})
{
    const auto s = Kind::storage::open(path, options);
    EXPECT_FALSE(s);
    return s ? errc::io : s.error().code;
}

inline int mode_of(const std::string& path)
{
    struct stat what {};
    EXPECT_EQ(::lstat(path.c_str(), &what), 0) << path;
    return static_cast<int>(what.st_mode & 07777);
}

template <class Storage>
errc refusal_of_insert(Storage& s)
{
    const job j = make_job("refused");
    insert_status status{};
    const auto refused = s.insert({&j, 1}, {&status, 1}, at(1));
    EXPECT_FALSE(refused);
    return refused ? errc::io : refused.error().code;
}

template <class Kind>
class StoreOpen : public store_of<Kind> {
};
TYPED_TEST_SUITE_P(StoreOpen);

TYPED_TEST_P(StoreOpen, ModesDoNotDependOnTheUmask)
{
    for (const int mask : {0, 077, 0777}) {
        const std::string place = this->folder / std::to_string(mask) + '/';
        std::filesystem::create_directory(place);
        const auto before = ::umask(static_cast<mode_t>(mask));
        auto s = open_as<TypeParam>(place + TypeParam::file);
        put(s, make_job("a"));
        ::umask(before);
        for (const auto& expected : TypeParam::modes)
            EXPECT_EQ(mode_of(place + expected.file), expected.mode) << expected.file;
    }
}

TYPED_TEST_P(StoreOpen, AReadDoesNotCreate)
{
    typename TypeParam::options options;
    options.create = false;
    EXPECT_EQ(refusal_as<TypeParam>(this->path, options), errc::not_found);
    options.read_only = true;
    EXPECT_EQ(refusal_as<TypeParam>(this->path, options), errc::not_found);
    EXPECT_EQ(refusal_as<TypeParam>(this->folder / (std::string{"none/"} + TypeParam::file)), errc::not_found);
    EXPECT_TRUE(std::filesystem::is_empty(this->folder / ""));
}

TYPED_TEST_P(StoreOpen, ReadOnlyReadsAndRefusesWrites)
{
    auto writer = this->open();
    put(writer, make_job("a"));
    typename TypeParam::options options;
    options.read_only = true;
    auto s = this->open(options);
    EXPECT_EQ(state_of(s, "a"), state::pending);
    EXPECT_EQ(refusal_of_insert(s), errc::read_only);
}

TYPED_TEST_P(StoreOpen, RefusesANewerFormatInOneLine)
{
    auto s = this->open();
    put(s, make_job("a"));
    TypeParam::write_versions(s, this->path, 1);
    EXPECT_EQ(state_of(s, "a"), state::pending) << "it may still be read";
    EXPECT_EQ(refusal_of_insert(s), errc::wrong_version);
    TypeParam::write_versions(s, this->path, 7);
    EXPECT_FALSE(s.find("a")) << "an open handle notices";
    const auto newer = TypeParam::storage::open(this->path);
    ASSERT_FALSE(newer);
    EXPECT_EQ(newer.error().code, errc::wrong_version);
    EXPECT_NE(newer.error().message().find("format 7"), std::string::npos) << newer.error().message();
    EXPECT_EQ(newer.error().message().find('\n'), std::string::npos);
}

TYPED_TEST_P(StoreOpen, AnAlmostEmptyStoreIsSmall)
{
    {
        auto s = this->open();
        put(s, make_job("a"));
    }
    std::uintmax_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(this->folder / ""))
        if (entry.is_regular_file()) bytes += entry.file_size();
    EXPECT_LE(bytes, TypeParam::almost_empty_bytes_max);
}

TYPED_TEST_P(StoreOpen, AHandleDoesNotCrossFork)
{
    auto s = std::make_unique<typename TypeParam::storage>(this->open());
    put(*s, make_job("a"));
    const auto child = ::fork();
    if (child == 0) {
        const auto found = s->find("a");
        bool good = !found && found.error().code == errc::unsupported && refusal_of_insert(*s) == errc::unsupported;
        {
            auto own = TypeParam::storage::open(this->path);
            good = good && own && own->find("a")->has_value();
        }
        s.reset();
        ::_exit(good ? 0 : 1);
    }
    EXPECT_EQ(exit_code_of(child), 0);
    EXPECT_EQ(state_of(*s, "a"), state::pending) << "the child's end did not harm the parent's handle";
    EXPECT_EQ(put(*s, make_job("c")), insert_status::inserted);
}

TYPED_TEST_P(StoreOpen, SixteenProcessesCreateOneStore)
{
    std::vector<pid_t> children;
    for (int i = 0; i < 16; ++i) {
        const auto child = ::fork();
        if (child == 0) {
            auto s = TypeParam::storage::open(this->path);
            const job j = make_job("job" + std::to_string(i));
            insert_status status{};
            const bool good = s && s->insert({&j, 1}, {&status, 1}, at(1)) && status == insert_status::inserted;
            if (!s) std::fprintf(stderr, "%s\n", s.error().message().c_str());
            ::_exit(good ? 0 : 1);
        }
        children.push_back(child);
    }
    for (const auto child : children) EXPECT_EQ(exit_code_of(child), 0);
    auto s = this->open();
    EXPECT_EQ(take(s, 100).size(), 16u);
}

REGISTER_TYPED_TEST_SUITE_P(StoreOpen, ModesDoNotDependOnTheUmask, AReadDoesNotCreate, ReadOnlyReadsAndRefusesWrites,
                            RefusesANewerFormatInOneLine, AnAlmostEmptyStoreIsSmall, AHandleDoesNotCrossFork,
                            SixteenProcessesCreateOneStore);

}  // namespace queuectl_test

#endif
