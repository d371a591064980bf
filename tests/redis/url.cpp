// Addresses as URLs.
#include <queuectl/redis/url.hpp>

#include <gtest/gtest.h>

namespace {

using namespace queuectl;

TEST(RedisUrl, Parts)
{
    auto t = parse_redis_url("redis://us%65r:p%40ss@10.0.0.7:7000/3?prefix={jobs}:&replicas=2");
    ASSERT_TRUE(t) << t.error().message();
    EXPECT_EQ(t->address.user, "user");
    EXPECT_EQ(t->address.password, "p@ss");
    EXPECT_EQ(t->address.host, "10.0.0.7");
    EXPECT_EQ(t->address.port, 7000);
    EXPECT_EQ(t->address.database, 3);
    EXPECT_EQ(t->address.prefix, "{jobs}:");
    EXPECT_EQ(t->replicas, 2);
    EXPECT_EQ(t->address.text(), "redis://10.0.0.7:7000/3?prefix={jobs}:");
}

TEST(RedisUrl, Defaults)
{
    auto t = parse_redis_url("redis://localhost");
    ASSERT_TRUE(t);
    EXPECT_EQ(t->address.text(), "redis://localhost:6379/0");
    auto six = parse_redis_url("redis://[::1]:7000");
    ASSERT_TRUE(six);
    EXPECT_EQ(six->address.host, "::1");
    auto socket = parse_redis_url("redis+unix:///run/r%20s.sock?db=2");
    ASSERT_TRUE(socket);
    EXPECT_EQ(socket->address.unix_path, "/run/r s.sock");
    EXPECT_EQ(socket->address.database, 2);
}

TEST(RedisUrl, RefusedWithoutRepeatingAPassword)
{
    for (const char* url : {"redis://", "redis://u:secret@", "redis://u:secret@host:0", "redis://u:secret@host:70000",
                            "redis://u:secret@h/x", "redis://u:secret@h/0?prefix=", "redis://u:secret@h?unknown=secret",
                            "redis://u:%zz@h", "redis://secret@h", "redis+unix://u:secret@h", "redis+unix:///",
                            "redis://u:secret@h?db=1", "rediss://u:secret@h"}) {
        auto t = parse_redis_url(url);
        ASSERT_FALSE(t) << url;
        EXPECT_EQ(t.error().message().find("secret"), std::string::npos) << t.error().message();
    }
    EXPECT_EQ(parse_redis_url("rediss://h").error().code, errc::unsupported);
}

}  // namespace
