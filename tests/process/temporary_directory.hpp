// A fresh directory, removed with what is in it.
#ifndef QUEUECTL_TESTS_TEMPORARY_DIRECTORY_HPP
#define QUEUECTL_TESTS_TEMPORARY_DIRECTORY_HPP

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace queuectl::process_testing {

class temporary_directory {
public:
    temporary_directory()
    {
        const char* const base = std::getenv("TMPDIR");
        path_ = std::string{base != nullptr ? base : "/tmp"} + "/queuectl-process-XXXXXX";
        EXPECT_NE(::mkdtemp(path_.data()), nullptr);
    }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;
    ~temporary_directory()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace queuectl::process_testing

#endif
