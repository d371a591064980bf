// Where a Redis server is, and how to use it.
#ifndef QUEUECTL_REDIS_OPTIONS_HPP
#define QUEUECTL_REDIS_OPTIONS_HPP

#include <queuectl/time.hpp>

#include <string>

namespace queuectl::inline v0 {

struct redis_address {
    std::string host = "127.0.0.1";
    int port = 6379;
    std::string unix_path;  // a socket: then host and port do not count
    int database = 0;
    std::string user;      // empty = the default user
    std::string password;  // empty = no AUTH is sent
    std::string prefix = "queuectl:";

    // For people: as in a URL, without user and password.
    [[nodiscard]] std::string text() const
    {
        const std::string db = std::to_string(database);
        std::string url = unix_path.empty() ? "redis://" + host + ':' + std::to_string(port) + '/' + db
                                            : "redis+unix://" + unix_path + "?db=" + db;
        if (prefix == "queuectl:") return url;
        return url + (unix_path.empty() ? "?prefix=" : "&prefix=") + prefix;
    }
};

// Whose clock leases, due times and records go by.
enum class redis_clock : std::uint8_t {
    server,  // the server's TIME; the instants of the calls only tell how far the caller's clock is from it
    caller,  // the instants of the calls: for tests that move time. Every handle of the store must say so.
};

struct redis_options {
    bool create = true;      // make the store when there is none
    bool read_only = false;  // this handle writes nothing
    duration connect_timeout = std::chrono::seconds{5};
    // In all for one call: reconnecting and asking again included. Then errc::unreachable, busy (it is loading) or,
    // when it may have happened, outcome_unknown.
    duration timeout = std::chrono::seconds{15};
    // Every write waits until so many replicas have it, at most replica_timeout; else errc::outcome_unknown.
    int replicas = 0;
    duration replica_timeout = std::chrono::seconds{1};
    std::size_t connections = 16;  // at most; calls of more threads share them. Waits use one more
    redis_clock clock = redis_clock::server;
};

}  // namespace queuectl::inline v0

#endif
