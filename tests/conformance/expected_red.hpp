// Which checks each fault turns red.
#ifndef QUEUECTL_TESTS_CONFORMANCE_EXPECTED_RED_HPP
#define QUEUECTL_TESTS_CONFORMANCE_EXPECTED_RED_HPP

#include "conformance/red_by_facets.hpp"
#include "conformance/red_by_verbs.hpp"

inline const std::vector<expectation> expectations = [] {
    auto all = red_by_verbs;
    all.insert(all.end(), red_by_facets.begin(), red_by_facets.end());
    return all;
}();

#endif
