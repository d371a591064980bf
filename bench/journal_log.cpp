// Durable appends of 200 B to the journal's log by T waiting threads, against F: 4 KiB write + fdatasync a second to a
// preallocated, zero-filled file. Both run in turn in short slices, because disks have moods; the ratio is the median
// of those of the pairs. JOURNAL_BENCH_DIR: where (default: TMPDIR, /tmp).
#include "report.hpp"

#include <queuectl/journal/log.hpp>

#include <atomic>
#include <filesystem>
#include <thread>

namespace {

using namespace queuectl;

std::string make_directory()
{
    const char* base = std::getenv("JOURNAL_BENCH_DIR");
    if (base == nullptr) base = std::getenv("TMPDIR");
    std::string path = std::string{base != nullptr ? base : "/tmp"} + "/queuectl-bench-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    return path;
}

constexpr double seconds_each = 0.1;
constexpr int pairs = 15;

class raw_file {
public:
    explicit raw_file(const std::string& path) : fs_{*journal::posix_file_system::open_folder(path, true)}
    {
        auto file = fs_.create("raw");
        if (!file || !fs_.fill_zeros(*file, 0, bytes) || !fs_.sync(*file)) std::abort();
        file_ = std::move(*file);
    }
    // One more write and sync.
    void step()
    {
        if (!fs_.write(file_, count_++ * text_.size() % bytes, text_) || !fs_.sync(file_)) std::abort();
    }

private:
    static constexpr std::uint64_t bytes = std::uint64_t{16} << 20;
    journal::posix_file_system fs_;
    journal::posix_file_system::file file_;
    std::uint64_t count_ = 0;
    std::string text_ = std::string(4096, 'x');
};

double raw_syncs(raw_file& file)
{
    std::uint64_t count = 0;
    const auto start = std::chrono::steady_clock::now();
    for (;;) {
        file.step();
        ++count;
        const double passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        if (passed >= seconds_each) return static_cast<double>(count) / passed;
    }
}

double middle(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

struct deaf {
    [[nodiscard]] journal::log_position heard() const { return at; }
    void frame(const journal::log_position& behind, const journal::frame_place&, std::string_view) { at = behind; }
    void restart() { at = {}; }
    journal::log_position at{};
};

// `sink` belongs to whoever has the turn.
double durable_appends(journal::log<>& log, deaf& sink, int threads)
{
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> count{0};
    const std::string body(200, 'b');
    std::vector<std::thread> all;
    const auto start = std::chrono::steady_clock::now();
    for (int t = 0; t < threads; ++t)
        all.emplace_back([&] {
            std::uint64_t mine = 0;
            for (; !stop.load(std::memory_order_relaxed); ++mine) {
                const auto ticket = [&] {
                    auto turn = log.take_turn(sink);
                    if (!turn) std::abort();
                    auto got = turn->append(body);
                    sink.at = turn->position();
                    return got;
                }();
                if (!ticket || !log.sync(*ticket)) std::abort();
            }
            count += mine;
        });
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds_each));
    stop = true;
    for (auto& t : all) t.join();
    return static_cast<double>(count.load()) /
           std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv)
{
    const bench::report report{argc, argv};
    const std::string path = make_directory();
    raw_file raw{path + "/raw"};
    auto log_fs = journal::posix_file_system::open_folder(path + "/log", true);
    if (!log_fs) std::abort();
    auto page = control_page::open(log_fs->folder());
    if (!page) std::abort();
    auto gate = journal::process_gate::open(log_fs->folder(), page->words());
    if (!gate) std::abort();
    auto log = journal::log<>::open(std::move(*log_fs), *gate, page->storage_words<journal::log_words>());
    if (!log) std::abort();
    deaf sink;
    for (const int threads : {1, 2, 4, 8, 16, 64}) {
        std::vector<double> ours;
        std::vector<double> theirs;
        std::vector<double> ratios;
        for (int i = 0; i < pairs; ++i) {
            ours.push_back(durable_appends(**log, sink, threads));
            theirs.push_back(raw_syncs(raw));
            ratios.push_back(ours.back() / theirs.back());
        }
        const std::string name = "journal log, 200 B durable, " + std::to_string(threads) + " waiting threads";
        report.figure(name + ": F", middle(theirs), "syncs/s");
        report.figure(name, middle(ours), "appends/s", middle(ratios), "F");
    }
    log->reset();
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
}
