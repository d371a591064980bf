#include <queuectl/executor/inline.hpp>
#include <queuectl/handlers.hpp>

#include "support.hpp"

using namespace executor_tests;

namespace {

struct resize {
    int width = 0;

    [[nodiscard]] std::string to_payload() const { return std::to_string(width); }
    [[nodiscard]] static result<resize> from_payload(std::string_view bytes)
    {
        resize r;
        for (const char c : bytes) {
            if (c < '0' || c > '9') return fail(errc::invalid_argument, "width", "not a number");
            r.width = r.width * 10 + (c - '0');
        }
        return r;
    }
};

// Foreign: neither default-constructible nor with members of ours.
struct foreign {
    explicit foreign(std::size_t n) : size{n} {}
    std::size_t size;
};

lease of_kind(std::string kind, std::string payload = {})
{
    lease l = make_lease(1, std::move(payload));
    l.job.kind = std::move(kind);
    return l;
}

}  // namespace

template <>
struct queuectl::payload_traits<foreign> {
    static std::string encode(const foreign& f) { return std::string(f.size, 'x'); }
    static result<foreign> decode(std::string_view bytes) { return foreign{bytes.size()}; }
};

static_assert(payload_type<resize>);
static_assert(payload_type<foreign>);
static_assert(payload_type<std::string>);
static_assert(!payload_type<int>, "an int has no agreed bytes");

TEST(Handlers, EachKindGoesToItsHandler)
{
    std::string seen;
    inline_executor e{handlers{}
                          .on("email", [&](const job& j) { seen += "email:" + j.payload; })
                          .on("sms", [](const job&, context&) { return false; })
                          .on("", [](const job&) { return succeed("no kind"); })};
    EXPECT_EQ(run_one(e, of_kind("email", "hello")).report.status, run_status::succeeded);
    EXPECT_EQ(seen, "email:hello");
    EXPECT_EQ(run_one(e, of_kind("sms")).report.status, run_status::failed);
    EXPECT_EQ(run_one(e, of_kind("")).result, "no kind");
    EXPECT_EQ(e.handler().kinds(), (std::vector<std::string>{"", "email", "sms"}));
}

TEST(Handlers, AnUnknownKindIsBuriedAtOnce)
{
    inline_executor e{handlers{}.on("b", [](const job&) {})};
    for (const char* kind : {"a", "c", "bb", ""}) {
        const auto o = run_one(e, of_kind(kind));
        EXPECT_TRUE(o.final_failure) << kind;
        EXPECT_EQ(o.report.error, "there is no handler for the kind \"" + std::string{kind} + "\"");
    }
}

TEST(Handlers, TypedPayloadsAreDecoded)
{
    int width = 0;
    std::size_t size = 0;
    inline_executor e{
        handlers{}
            .on<resize>("resize",
                        [&](const resize& r, context&) {
                            width = r.width;
                            return succeed(r.to_payload());
                        })
            .on<foreign>("foreign", [&](const foreign& f) { size = f.size; })
            .on<std::string>("text", [](const std::string& text) -> result<std::string> { return text; })};
    EXPECT_EQ(run_one(e, of_kind("resize", "640")).result, "640");
    EXPECT_EQ(width, 640);
    EXPECT_EQ(run_one(e, of_kind("foreign", "12345")).report.status, run_status::succeeded);
    EXPECT_EQ(size, 5u);
    EXPECT_EQ(run_one(e, of_kind("text", "as it is")).result, "as it is");
}

TEST(Handlers, AnUnreadablePayloadIsBuriedAndTheHandlerNotCalled)
{
    inline_executor e{handlers{}.on<resize>("resize", [](const resize&) { ADD_FAILURE(); })};
    const auto o = run_one(e, of_kind("resize", "six"));
    EXPECT_TRUE(o.final_failure);
    EXPECT_EQ(o.report.error, "payload: width: not a number");
}

TEST(Handlers, TheLastHandlerOfAKindCounts)
{
    handlers table;
    table.on("a", [](const job&) { return succeed("first"); });
    table.on("a", [](const job&) { return succeed("second"); });
    inline_executor e{std::move(table)};
    EXPECT_EQ(run_one(e, of_kind("a")).result, "second");
}
