// What a simulated disk holds: what is surely on it, and what has been asked of it since.
#ifndef QUEUECTL_TESTING_DISK_STATE_HPP
#define QUEUECTL_TESTING_DISK_STATE_HPP

#include <queuectl/config.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace queuectl::inline v0::simulated {

// A change of a file that no sync has covered.
struct file_change {
    bool resize = false;
    std::uint64_t offset = 0;  // of a write; of a resize: the new size
    std::string bytes;
    bool lost = false;  // a sync of it failed: the cache takes it for clean, and no later sync writes it
};

inline void put(std::string& content, std::uint64_t offset, std::string_view bytes)
{
    if (content.size() < offset + bytes.size()) content.resize(static_cast<std::size_t>(offset) + bytes.size());
    content.replace(static_cast<std::size_t>(offset), bytes.size(), bytes);
}
inline void put(std::string& content, const file_change& change)
{
    if (change.resize)
        content.resize(static_cast<std::size_t>(change.offset));
    else
        put(content, change.offset, change.bytes);
}

// Takes what `later` covers out of earlier writes: that place is written by the later one, whatever became of them.
inline void supersede(std::vector<file_change>& earlier, const file_change& later)
{
    if (later.resize) return;
    const std::uint64_t end = later.offset + later.bytes.size();
    std::vector<file_change> left;
    for (auto& c : earlier) {
        const std::uint64_t c_end = c.offset + c.bytes.size();
        if (c.resize || c_end <= later.offset || end <= c.offset) {
            left.push_back(std::move(c));
            continue;
        }
        if (c.offset < later.offset)
            left.push_back(
                {false, c.offset, c.bytes.substr(0, static_cast<std::size_t>(later.offset - c.offset)), c.lost});
        if (end < c_end) left.push_back({false, end, c.bytes.substr(static_cast<std::size_t>(end - c.offset)), c.lost});
    }
    earlier = std::move(left);
}

// A failed sync is reported as Linux does it (errseq_t): to the one that meets it, and once to each handle that was
// opened before it. Handles that are opened after it has been reported hear nothing of it.
struct inode {
    std::string cached;                // what programs read
    std::string stored;                // what a power loss leaves at least
    std::vector<file_change> pending;  // in the order they were made
    std::uint64_t errors = 0;          // how often writing it back has failed

    void change(file_change c)
    {
        put(cached, c);
        pending.push_back(std::move(c));
    }
    // A successful sync: all but what an earlier failed one has lost.
    void settle()
    {
        std::vector<file_change> left;
        for (auto& c : pending) {
            if (c.lost) {
                left.push_back(std::move(c));
                continue;
            }
            put(stored, c);
            supersede(left, c);
        }
        pending = std::move(left);
    }
    void lose()
    {
        ++errors;
        for (auto& c : pending) c.lost = true;
    }
};

using names = std::map<std::string, std::shared_ptr<inode>, std::less<>>;

// A change of the directory that no sync has covered.
struct name_change {
    std::string gone;  // the name that is removed; empty = none
    std::string made;  // the name that is set; empty = none
    std::shared_ptr<inode> target{};
    bool lost = false;
};
inline void put(names& all, const name_change& change)
{
    if (!change.gone.empty()) all.erase(change.gone);
    if (!change.made.empty()) all[change.made] = change.target;
}

struct disk_state {
    names cached;
    names stored;
    std::vector<name_change> pending;

    void change(name_change c)
    {
        put(cached, c);
        pending.push_back(std::move(c));
    }
    void settle()
    {
        std::vector<name_change> left;
        for (auto& c : pending) {
            if (c.lost) {
                left.push_back(std::move(c));
                continue;
            }
            put(stored, c);
            // What was lost of the same names before cannot come after it.
            std::erase_if(left, [&](const name_change& old) {
                const auto speaks_of = [&old](const std::string& name) {
                    return !name.empty() && (old.made == name || old.gone == name);
                };
                return speaks_of(c.made) || speaks_of(c.gone);
            });
        }
        pending = std::move(left);
    }
    void lose()
    {
        for (auto& c : pending) c.lost = true;
    }
};

}  // namespace queuectl::inline v0::simulated

#endif
