// The storage that the checks of the command run on: QUEUECTL_TEST_STORE, sqlite (default), journal, lmdb or redis.
#ifndef QUEUECTL_TESTS_TEST_STORE_HPP
#define QUEUECTL_TESTS_TEST_STORE_HPP

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace test_store {

[[nodiscard]] inline std::string_view name()
{
    const char* const named = std::getenv("QUEUECTL_TEST_STORE");
    const std::string_view store = named == nullptr ? "sqlite" : named;
    if (store != "sqlite" && store != "journal" && store != "lmdb" && store != "redis") {
        std::fprintf(stderr, "QUEUECTL_TEST_STORE must be sqlite, journal, lmdb or redis\n");
        std::abort();
    }
    return store;
}
[[nodiscard]] inline bool on_redis() { return name() == "redis"; }

// Of the store of that kind and called `name` in a folder: its path, its URL, and the folder of its locks, workers and
// logs.
[[nodiscard]] inline std::string path_in(const std::string& folder, std::string_view kind,
                                         const std::string& name = "q")
{
    return folder + '/' + name + (kind == "sqlite" ? ".db" : "");
}
[[nodiscard]] inline std::string url_in(const std::string& folder, std::string_view kind, const std::string& name = "q")
{
    return std::string{kind} + ':' + path_in(folder, kind, name);
}
[[nodiscard]] inline std::string side_folder_in(const std::string& folder, std::string_view kind)
{
    return path_in(folder, kind) + (kind == "sqlite" ? ".d" : "");
}

}  // namespace test_store

#endif
