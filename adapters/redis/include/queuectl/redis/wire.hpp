// One connection: a socket of ours, hiredis's reader for what comes back. (hiredis's own connection writes without
// MSG_NOSIGNAL, so that a server that went away would end the program.)
#ifndef QUEUECTL_REDIS_WIRE_HPP
#define QUEUECTL_REDIS_WIRE_HPP

#include <queuectl/redis/reply.hpp>
#include <queuectl/redis/socket.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace queuectl::inline v0::detail::redis {

// A request in Redis's own words (RESP): an array of strings.
class request {
public:
    request& add(std::string_view word)
    {
        bytes_ += '$';
        bytes_ += std::to_string(word.size());
        bytes_ += "\r\n";
        bytes_ += word;
        bytes_ += "\r\n";
        ++words_;
        return *this;
    }
    template <class Number>
        requires(std::is_integral_v<Number>)
    request& add(Number n) { return add(std::to_string(n)); }
    // Adds a word of one byte that may be changed later: set(place).
    std::size_t add_byte(char c)
    {
        add(std::string_view{&c, 1});
        return bytes_.size() - 3;
    }
    void set(std::size_t place, char c) { bytes_[place] = c; }
    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t words() const noexcept { return words_; }

private:
    std::string bytes_;
    std::size_t words_ = 0;
};

[[nodiscard]] inline std::string command(std::initializer_list<std::string_view> words)
{
    request r;
    for (const auto word : words) r.add(word);
    return '*' + std::to_string(r.words()) + "\r\n" + r.bytes();
}

// Not thread-safe. After a call that returned nothing it is of no use any more: see failed().
class wire {
public:
    wire() = default;
    wire(const wire&) = delete;
    wire& operator=(const wire&) = delete;
    ~wire()
    {
        if (reader_ != nullptr) redisReaderFree(reader_);
    }

    [[nodiscard]] result<void> connect(const redis_address& to, time_limit limit)
    {
        reader_ = new_reader();
        if (reader_ == nullptr) return fail(errc::no_memory, "connect");
        return socket_.connect(to, limit);
    }
    [[nodiscard]] int fd() const noexcept { return socket_.fd(); }

    // Whether any byte may have reached the server.
    bool write(std::string_view head, std::string_view body, time_limit limit)
    {
        return socket_.write(head, body, limit, why_);
    }
    // The next reply; nothing when the connection failed or the time is over.
    [[nodiscard]] std::optional<reply> read(time_limit limit)
    {
        for (;;) {
            if (auto there = read_received()) return there;
            if (broken_) return std::nullopt;
            const auto n = socket_.read(buffer_.data(), buffer_.size(), limit, why_);
            if (n == 0) return std::nullopt;
            if (redisReaderFeed(reader_, buffer_.data(), n) != REDIS_OK) {
                why_ = reader_->errstr;
                return std::nullopt;
            }
        }
    }
    // A reply that has been received whole, without waiting.
    [[nodiscard]] std::optional<reply> read_received()
    {
        void* got = nullptr;
        broken_ = redisReaderGetReply(reader_, &got) != REDIS_OK;
        if (broken_) why_ = std::string{"not a Redis server: "} + reader_->errstr;
        if (broken_ || got == nullptr) return std::nullopt;
        std::optional<reply> out{std::move(*static_cast<reply*>(got))};
        free_reply(got);
        return out;
    }
    // Why the last call returned nothing.
    [[nodiscard]] const std::string& failed() const noexcept { return why_; }

private:
    socket socket_;
    redisReader* reader_ = nullptr;
    bool broken_ = false;
    std::string why_;
    std::array<char, 64 * 1024> buffer_;
};

}  // namespace queuectl::inline v0::detail::redis

#endif
