// Things known by a name: queues, kinds, workers, settings.
#ifndef QUEUECTL_DETAIL_MEMORY_NAMES_HPP
#define QUEUECTL_DETAIL_MEMORY_NAMES_HPP

#include <queuectl/detail/memory_text.hpp>

#include <map>
#include <memory>
#include <string_view>
#include <utility>

namespace queuectl::inline v0::detail {

struct memory_named {
    memory_named() = default;
    memory_named(const memory_named&) = delete;
    memory_named& operator=(const memory_named&) = delete;
    virtual ~memory_named() = default;
    memory_text name;
};

// Owns named things, at stable addresses, in the order of their names. Each operation is O(log size).
class memory_name_tree {
public:
    [[nodiscard]] std::size_t size() const noexcept { return tree_.size(); }
    [[nodiscard]] memory_named* find(std::string_view name) const noexcept { return at(tree_.find(name)); }
    // The first whose name is not before, or is after this one; null = there is none.
    [[nodiscard]] memory_named* first_from(std::string_view name) const noexcept { return at(tree_.lower_bound(name)); }
    [[nodiscard]] memory_named* first_after(std::string_view name) const noexcept
    {
        return at(tree_.upper_bound(name));
    }
    // Requires: the name is not there.
    void add(std::unique_ptr<memory_named> one, std::string_view name)
    {
        one->name.assign(name);
        const std::string_view key = one->name;
        tree_.emplace(key, std::move(one));
    }
    void erase(const memory_named& one) noexcept { tree_.erase(tree_.find(one.name)); }

private:
    using tree = std::map<std::string_view, std::unique_ptr<memory_named>>;  // the keys are the names' own bytes
    [[nodiscard]] memory_named* at(tree::const_iterator place) const noexcept
    {
        return place == tree_.end() ? nullptr : place->second.get();
    }
    tree tree_;
};

// The same for one type derived from memory_named; next to nothing is compiled for each.
template <class T>
class memory_names {
public:
    [[nodiscard]] std::size_t size() const noexcept { return tree_.size(); }
    [[nodiscard]] T* find(std::string_view name) const noexcept { return static_cast<T*>(tree_.find(name)); }
    [[nodiscard]] T* first_from(std::string_view name) const noexcept
    {
        return static_cast<T*>(tree_.first_from(name));
    }
    [[nodiscard]] T* first_after(std::string_view name) const noexcept
    {
        return static_cast<T*>(tree_.first_after(name));
    }
    // The T of that name, made from the arguments where there is none.
    template <class... Arguments>
    T& get(std::string_view name, Arguments&&... arguments)
    {
        if (T* const known = find(name)) return *known;
        T* const made = new T(std::forward<Arguments>(arguments)...);
        tree_.add(std::unique_ptr<memory_named>{made}, name);
        return *made;
    }
    void erase(const T& one) noexcept { tree_.erase(one); }

    // Calls visit(T&) for each, by name, until it returns false; whether none did. O(log size) a step.
    template <class Visit>
    bool for_each(Visit visit) const
    {
        for (T* one = first_from({}); one; one = first_after(one->name))
            if (!visit(*one)) return false;
        return true;
    }

private:
    memory_name_tree tree_;
};

}  // namespace queuectl::inline v0::detail

#endif
