#include <queuectl/result.hpp>

#include <gtest/gtest.h>

#include <memory>

using namespace queuectl;

namespace {

TEST(Result, HoldsAValueOrAnError)
{
    const result<int> good = 5;
    EXPECT_TRUE(good);
    EXPECT_EQ(*good, 5);
    EXPECT_EQ(good.value_or(1), 5);
    const result<int> bad = fail(errc::busy, "claim", "locked by another process", 11);
    EXPECT_FALSE(bad);
    EXPECT_EQ(bad.value_or(1), 1);
    EXPECT_EQ(bad.error().code, errc::busy);
    EXPECT_EQ(bad.error().backend_code, 11);
    EXPECT_EQ(bad.error().message(), "claim: locked by another process");
}

TEST(Result, ValueThrowsOnAnError)
{
    result<int> bad = fail(errc::io, "open /q", "no such device");
    EXPECT_THROW((void)bad.value(), bad_result_access);
    result<void> none = fail(errc::io, "sync");
    EXPECT_THROW(none.value(), bad_result_access);
}

TEST(Result, MovesItsValue)
{
    result<std::unique_ptr<int>> r = std::make_unique<int>(3);
    const std::unique_ptr<int> taken = *std::move(r);
    EXPECT_EQ(*taken, 3);
}

TEST(Result, EveryErrorHasAName)
{
    EXPECT_EQ(name(errc::invalid_argument), "invalid_argument");
    EXPECT_EQ(name(errc::no_memory), "no_memory");
}

}  // namespace
