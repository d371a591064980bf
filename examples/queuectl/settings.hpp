// The settings of a store: names, what is allowed, defaults, in one table (settings.cpp). They are kept in the store
// under "config/NAME", as text in a canonical spelling.
#ifndef QUEUECTL_COMMAND_SETTINGS_HPP
#define QUEUECTL_COMMAND_SETTINGS_HPP

#include "any_storage.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace queuectl::command {

struct settings {
    // Resolved at enqueue and stored with the job.
    std::int32_t max_retries = 3;
    double backoff_base = 2;
    duration timeout{};
    duration keep_completed = std::chrono::hours{24 * 30};
    std::vector<std::string> env_allow{};  // names of environment variables recorded besides the usual ones
    // Read when a worker starts.
    duration lease = std::chrono::seconds{30};
    duration grace = std::chrono::seconds{5};  // between TERM and KILL
    std::int32_t max_crashes = 3;
    bool jitter = false;
    bool sync_claims = false;
    std::size_t output_head = 64u << 10;
    std::size_t output_tail = 192u << 10;
};

// One line of the table.
struct setting {
    const char* name;     // with hyphens
    const char* allowed;  // for people
    const char* help;
    result<void> (*read)(settings&, std::string_view field, std::string_view text);
    std::string (*write)(const settings&);  // the canonical spelling
};

[[nodiscard]] std::span<const setting> all_settings();

// The setting of that name; hyphens and underscores are the same. Else errc::invalid_argument with every name.
[[nodiscard]] result<const setting*> find_setting(std::string_view name);

// The key it is stored under.
[[nodiscard]] std::string storage_key(const setting& s);

// The text checked and in its canonical spelling.
[[nodiscard]] result<std::string> canonical(const setting& s, std::string_view text);

// The defaults, overlaid with what the store has. Unknown keys (of a newer version) are passed over.
[[nodiscard]] result<settings> load_settings(any_storage& store, const instant& now);

}  // namespace queuectl::command

#endif
