// What a fault must turn red.
#ifndef QUEUECTL_TESTS_CONFORMANCE_EXPECTATION_HPP
#define QUEUECTL_TESTS_CONFORMANCE_EXPECTATION_HPP

#include "conformance/faults.hpp"

#include <ostream>
#include <string>
#include <vector>

enum class reach {
    exactly,   // these and no other
    at_least,  // a fault so broad that it breaks the ground under many checks; these among them
};

struct expectation {
    fault broken;
    reach how;
    std::vector<std::string> red;
};
// For the test's listing.
inline void PrintTo(const expectation& e, std::ostream* out) { *out << e.red.size() << " red"; }

#endif
