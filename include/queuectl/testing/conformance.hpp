// The contract of a storage, as checks that can be run on any. A table of contents: each part is one header.
//
// With GoogleTest, one source file is enough:
//
//     #include <queuectl/testing/conformance.hpp>
//     #include <queuectl/testing/conformance/gtest.hpp>
//     struct my_backend {
//         using storage_type = my_storage;
//         my_storage make() { return my_storage{}; }
//     };
//     QUEUECTL_CONFORMANCE(my_storage, my_backend);
//
// With any other framework: for (auto& c : all_checks<my_backend>()) { sink out; c.run(out); out.failures(); }
// What else a backend may offer, so that more is checked, is told in conformance/fixture.hpp.
#ifndef QUEUECTL_TESTING_CONFORMANCE_HPP
#define QUEUECTL_TESTING_CONFORMANCE_HPP

#include <queuectl/testing/conformance/atomic.hpp>
#include <queuectl/testing/conformance/bounds.hpp>
#include <queuectl/testing/conformance/changes.hpp>
#include <queuectl/testing/conformance/cost.hpp>
#include <queuectl/testing/conformance/counts.hpp>
#include <queuectl/testing/conformance/header.hpp>
#include <queuectl/testing/conformance/inspect.hpp>
#include <queuectl/testing/conformance/limits.hpp>
#include <queuectl/testing/conformance/notify.hpp>
#include <queuectl/testing/conformance/order.hpp>
#include <queuectl/testing/conformance/persist.hpp>
#include <queuectl/testing/conformance/processes.hpp>
#include <queuectl/testing/conformance/settings.hpp>
#include <queuectl/testing/conformance/store_states.hpp>
#include <queuectl/testing/conformance/threads.hpp>
#include <queuectl/testing/conformance/time.hpp>
#include <queuectl/testing/conformance/tokens.hpp>
#include <queuectl/testing/conformance/transfer.hpp>
#include <queuectl/testing/conformance/verdicts.hpp>
#include <queuectl/testing/conformance/visible.hpp>
#include <queuectl/testing/random_ops.hpp>

namespace queuectl::inline v0::conformance {

// Every check that the backend's storage and abilities allow.
template <backend B>
[[nodiscard]] std::vector<check> all_checks()
{
    check_list<B> list;
    add_atomic_checks(list);
    add_token_checks(list);
    add_order_checks(list);
    add_visibility_checks(list);
    add_verdict_checks(list);
    add_count_checks(list);
    add_cost_checks(list);
    add_bound_checks(list);
    add_limit_checks(list);
    add_time_checks(list);
    add_persistence_checks(list);
    add_header_checks(list);
    add_inspection_checks(list);
    add_change_checks(list);
    add_setting_checks(list);
    add_notification_checks(list);
    add_transfer_checks(list);
    add_store_state_checks(list);
    add_random_checks(list);
    add_thread_checks(list);
    add_process_checks(list);
    return list.checks();
}

}  // namespace queuectl::inline v0::conformance

#endif
