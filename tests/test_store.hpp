// The storage that the checks of the command run on: QUEUECTL_TEST_STORE, sqlite (default) or journal.
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
    if (store != "sqlite" && store != "journal") {
        std::fprintf(stderr, "QUEUECTL_TEST_STORE must be sqlite or journal\n");
        std::abort();
    }
    return store;
}
[[nodiscard]] inline bool on_journal() { return name() == "journal"; }

// Of the store called `name` in a folder: its path, its URL, and the folder of its locks, workers and logs.
[[nodiscard]] inline std::string path_in(const std::string& folder, bool journal, const std::string& name = "q")
{
    return folder + '/' + name + (journal ? "" : ".db");
}
[[nodiscard]] inline std::string url_in(const std::string& folder, bool journal, const std::string& name = "q")
{
    return (journal ? "journal:" : "sqlite:") + path_in(folder, journal, name);
}
[[nodiscard]] inline std::string side_folder_in(const std::string& folder, bool journal)
{
    return path_in(folder, journal) + (journal ? "" : ".d");
}

}  // namespace test_store

#endif
