// The stream socket: how it waits.
#include <queuectl/redis/socket.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include <time.h>

namespace queuectl::redis_testing {
namespace {

namespace r = queuectl::detail::redis;

// One connection to a server that says what it is told to.
class RedisSocket : public ::testing::Test {
protected:
    RedisSocket()
    {
        folder_ = (std::filesystem::temp_directory_path() / "queuectl-socket-XXXXXX").string();
        if (::mkdtemp(folder_.data()) == nullptr) std::abort();
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        redis_address to;
        to.unix_path = folder_ + "/s";
        to.unix_path.copy(name.sun_path, sizeof name.sun_path - 1);
        const int listening = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(::bind(listening, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
        EXPECT_EQ(::listen(listening, 1), 0);
        auto connected = mine.connect(to, r::limit_in(std::chrono::seconds{5}));
        EXPECT_TRUE(connected);
        theirs = ::accept(listening, nullptr, nullptr);
        ::close(listening);
    }
    ~RedisSocket() override
    {
        ::close(theirs);
        std::filesystem::remove_all(folder_);
    }
    std::string read(duration within)
    {
        char bytes[16];
        std::string why;
        const auto n = mine.read(bytes, sizeof bytes, r::limit_in(within), why);
        return n != 0 ? std::string{bytes, n} : why;
    }

    r::socket mine;
    int theirs = -1;

private:
    std::string folder_;
};

duration processor_time()
{
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return duration{std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000};
}

TEST_F(RedisSocket, AnAnswerIsReadAtOnceOrLate)
{
    ASSERT_EQ(::write(theirs, "now", 3), 3);
    EXPECT_EQ(read(std::chrono::seconds{5}), "now");
    std::thread late{[this] {
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
        EXPECT_EQ(::write(theirs, "late", 4), 4);
    }};
    EXPECT_EQ(read(std::chrono::seconds{5}), "late");
    late.join();
    ::shutdown(theirs, SHUT_RDWR);
    EXPECT_EQ(read(std::chrono::seconds{5}), "the server closed the connection");
}

TEST_F(RedisSocket, AServerThatDoesNotAnswerTakesNoProcessor)
{
    const auto before = processor_time();
    for (int i = 0; i < 20; ++i) EXPECT_EQ(read(std::chrono::milliseconds{20}), std::strerror(ETIMEDOUT));
    EXPECT_LT(processor_time() - before, std::chrono::milliseconds{100}) << "of 400 that it waited";
}

}  // namespace
}  // namespace queuectl::redis_testing
