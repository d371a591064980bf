// Jobs that survive the program: enqueued by one life of it, run by the next.
#include <queuectl/queuectl.hpp>
#include <queuectl/sqlite.hpp>

#include <cstdio>
#include <filesystem>

namespace {

bool first_life(const std::string& path)
{
    auto storage = queuectl::sqlite_storage::open(path);
    if (!storage) return std::puts(storage.error().message().c_str()), false;
    queuectl::basic_queue queue{*std::move(storage), queuectl::no_executor{}};
    // Once this has returned, the job is on the disk.
    const auto id = queue.enqueue({.payload = "survive", .id = "job1"});
    return id.has_value();
}

bool second_life(const std::string& path)
{
    auto storage = queuectl::sqlite_storage::open(path);
    if (!storage) return std::puts(storage.error().message().c_str()), false;
    queuectl::basic_queue queue{*std::move(storage), queuectl::inline_executor{[](const queuectl::job& job) {
                                    std::printf("%s: %s\n", job.id.c_str(), job.payload.c_str());
                                }}};
    const auto summary = queue.run_until_drained();
    return summary && summary->completed == 1;
}

}  // namespace

// sqlite_restart [PATH]: the store; default a fresh one that is removed afterwards.
int main(int argc, char** argv)
{
    namespace fs = std::filesystem;
    const fs::path folder = fs::temp_directory_path() / "queuectl_sqlite_restart";
    fs::remove_all(folder);
    fs::create_directory(folder);
    const std::string path = argc > 1 ? argv[1] : (folder / "jobs.db").string();
    const bool done = first_life(path) && second_life(path);
    fs::remove_all(folder);
    return done ? 0 : 1;
}
