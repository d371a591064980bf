// Compiles as it is; with any one CASE_ defined it must not, and the message must help.
#include <queuectl/queuectl.hpp>

#include <string>
#include <vector>

using namespace queuectl;

namespace {

[[maybe_unused]] void nothing(const job&) {}

struct four_verbs {
    result<void> insert(std::span<const job>, std::span<insert_status>, const instant&) { return {}; }
    result<claim_info> claim(const claim_request&, std::vector<lease>&, const instant&) { return claim_info{}; }
    result<void> extend(std::span<const receipt>, duration, std::span<extend_status>, const instant&) { return {}; }
    result<void> settle(std::span<const settlement>, std::span<settle_status>, const instant&) { return {}; }
};

}  // namespace

int main()
{
    [[maybe_unused]] four_verbs verbs;
    [[maybe_unused]] basic_queue minimal{four_verbs{}, inline_executor{nothing}};

#if defined(CASE_no_storage)
    basic_queue queue{std::vector<int>{}, inline_executor{nothing}};
#elif defined(CASE_no_executor)
    basic_queue queue{memory_storage{}, std::string{}};
#elif defined(CASE_no_backoff)
    basic_queue queue{memory_storage{}, inline_executor{nothing}, std::string{}};
#elif defined(CASE_no_handler)
    inline_executor executor{[](int) {}};
#elif defined(CASE_no_facet)
    static_cast<void>(minimal.find("job1"));
#elif defined(CASE_no_payload)
    handlers{}.on<int>("number", [](int) {});
#elif defined(CASE_ignored_result)
    verbs.insert({}, {}, {});
#elif defined(CASE_ignored_claim)
    std::vector<lease> leases;
    verbs.claim({}, leases, {});
#endif
}
