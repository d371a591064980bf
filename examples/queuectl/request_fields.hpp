// The fields of a request, one line each.
#ifndef QUEUECTL_COMMAND_REQUEST_FIELDS_HPP
#define QUEUECTL_COMMAND_REQUEST_FIELDS_HPP

#include "request.hpp"

#include <span>

namespace queuectl::command {

struct request_field {
    const char* name;
    bool numeric;  // a flag's text is read as a number where it is one
    result<void> (*read)(request&, const char* name, const json_value&);
};

[[nodiscard]] std::span<const request_field> request_fields();

}  // namespace queuectl::command

#endif
