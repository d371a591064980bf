// A folder for a journal, removed with all that is in it; and stores in it.
#ifndef QUEUECTL_TESTS_JOURNAL_STORE_FOLDER_HPP
#define QUEUECTL_TESTS_JOURNAL_STORE_FOLDER_HPP

#include <queuectl/journal/storage.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace queuectl::journal_testing {

class store_folder {
public:
    store_folder()
    {
        path_ = (std::filesystem::temp_directory_path() / "queuectl-journal-XXXXXX").string();
        if (::mkdtemp(path_.data()) == nullptr) std::abort();
    }
    store_folder(const store_folder&) = delete;
    store_folder& operator=(const store_folder&) = delete;
    ~store_folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string path() const { return path_ + "/store"; }

    [[nodiscard]] std::unique_ptr<journal_storage> open(const journal_options& options = {}) const
    {
        auto opened = journal_storage::open(path(), options);
        if (!opened) {
            ADD_FAILURE() << opened.error().message();
            std::abort();
        }
        return std::make_unique<journal_storage>(std::move(*opened));
    }

private:
    std::string path_;
};

inline journal_options short_segments()
{
    journal_options options;
    options.durability = durability::none;
    options.sizes = {64 << 10, 256 << 10};
    return options;
}

}  // namespace queuectl::journal_testing

#endif
