// result<T>: a value or a queuectl::error. A subset of std::expected's interface.
#ifndef QUEUECTL_RESULT_HPP
#define QUEUECTL_RESULT_HPP

#include <queuectl/error.hpp>

#include <cstdlib>
#include <optional>
#include <type_traits>
#include <utility>

#if QUEUECTL_HAS_EXCEPTIONS
#include <exception>
#endif

namespace queuectl::inline v0 {

// Wraps an error so that it converts to any result<T>: `return fail(errc::busy, "claim", "…")`.
struct failure_value {
    error value;
};

[[nodiscard]] inline failure_value fail(errc code, std::string operation, std::string detail = {}, int backend_code = 0)
{
    return {error{code, std::move(operation), std::move(detail), backend_code}};
}
[[nodiscard]] inline failure_value fail(error e) { return {std::move(e)}; }

#if QUEUECTL_HAS_EXCEPTIONS
// Thrown by result<T>::value() when there is none.
class bad_result_access : public std::exception {
public:
    explicit bad_result_access(queuectl::error e) : error_{std::move(e)}, text_{error_.message()} {}
    [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
    [[nodiscard]] const queuectl::error& error() const noexcept { return error_; }

private:
    queuectl::error error_;
    std::string text_;
};
#endif

namespace detail {
[[noreturn]] inline void bad_access([[maybe_unused]] const error& e)
{
#if QUEUECTL_HAS_EXCEPTIONS
    throw bad_result_access{e};
#else
    std::abort();
#endif
}
}  // namespace detail

// Either a T or an error. `*r` and `r->` require a value (asserted); value() throws bad_result_access, or
// ends the program where exceptions are off. Not thread-safe, like any value.
template <class T>
class [[nodiscard]] result {
public:
    using value_type = T;
    using error_type = queuectl::error;

    result(T value) : value_{std::move(value)} {}
    result(failure_value f) : error_{std::move(f.value)} {}

    [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] T& operator*() & { return checked(); }
    [[nodiscard]] const T& operator*() const& { return const_cast<result*>(this)->checked(); }
    [[nodiscard]] T&& operator*() && { return std::move(checked()); }
    [[nodiscard]] T* operator->() { return &checked(); }
    [[nodiscard]] const T* operator->() const { return &**this; }

    [[nodiscard]] T& value() &
    {
        if (!value_) detail::bad_access(*error_);
        return *value_;
    }
    [[nodiscard]] const T& value() const& { return const_cast<result*>(this)->value(); }
    [[nodiscard]] T&& value() && { return std::move(value()); }

    template <class U>
    [[nodiscard]] T value_or(U&& fallback) const&
    {
        return value_ ? *value_ : static_cast<T>(std::forward<U>(fallback));
    }

    [[nodiscard]] const queuectl::error& error() const
    {
        QUEUECTL_ASSERT(error_.has_value());
        return *error_;
    }

private:
    T& checked()
    {
        QUEUECTL_ASSERT(value_.has_value());
        return *value_;
    }
    std::optional<T> value_;
    std::optional<queuectl::error> error_;
};

// Success, or an error.
template <>
class [[nodiscard]] result<void> {
public:
    using value_type = void;
    using error_type = queuectl::error;

    result() noexcept {}  // not "= default": `return {}` would zero the room of the error first
    result(failure_value f) : error_{std::move(f.value)} {}

    [[nodiscard]] bool has_value() const noexcept { return !error_.has_value(); }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }
    void operator*() const { QUEUECTL_ASSERT(has_value()); }
    void value() const
    {
        if (error_) detail::bad_access(*error_);
    }
    [[nodiscard]] const queuectl::error& error() const
    {
        QUEUECTL_ASSERT(error_.has_value());
        return *error_;
    }

private:
    std::optional<queuectl::error> error_;
};

}  // namespace queuectl::inline v0

#endif
