// Handlers for two kinds of jobs, with typed payloads, on four threads, while another thread enqueues.
#include <queuectl/queuectl.hpp>

#include <atomic>
#include <cstdio>
#include <thread>

namespace {

// A payload: how it is written, and how it is read back.
struct thumbnail {
    std::string picture;
    int width = 0;

    [[nodiscard]] std::string to_payload() const { return std::to_string(width) + " " + picture; }
    [[nodiscard]] static queuectl::result<thumbnail> from_payload(std::string_view bytes)
    {
        const auto space = bytes.find(' ');
        if (space == 0 || space > 5) return queuectl::fail(queuectl::errc::invalid_argument, "thumbnail", "no width");
        thumbnail t{std::string{bytes.substr(space + 1)}, 0};
        for (const char digit : bytes.substr(0, space)) t.width = t.width * 10 + (digit - '0');
        return t;
    }
};

}  // namespace

int main()
{
    std::atomic<int> pixels{0};
    std::atomic<int> mails{0};
    auto table = queuectl::handlers{}
                     .on<thumbnail>("thumbnail", [&](const thumbnail& t) { pixels += t.width; })
                     .on("mail", [&](const queuectl::job&, queuectl::context& run) {
                         // A long handler looks now and then whether it is to end.
                         if (run.stop_requested()) return false;
                         ++mails;
                         return true;
                     });
    queuectl::basic_queue queue{queuectl::memory_storage{}, queuectl::thread_pool_executor{4, std::move(table)}};

    queuectl::stop_source stop;
    std::thread worker{[&] {
        if (const auto summary = queue.run(stop))
            std::printf("%d jobs completed\n", static_cast<int>(summary->completed));
    }};
    bool taken = true;
    for (int i = 1; i <= 100; ++i) {
        taken = queue.enqueue({.payload = thumbnail{"cat.png", i}.to_payload(), .kind = "thumbnail"}) && taken;
        taken = queue.enqueue({.payload = "hello", .kind = "mail"}) && taken;
    }
    while (taken && (pixels < 5050 || mails < 100)) std::this_thread::yield();
    stop.request();
    worker.join();
    std::printf("%d pixels, %d mails\n", pixels.load(), mails.load());
    return taken && pixels == 5050 && mails == 100 ? 0 : 1;
}
