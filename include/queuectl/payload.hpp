// Typed payloads: how a type becomes a job's bytes and comes back.
#ifndef QUEUECTL_PAYLOAD_HPP
#define QUEUECTL_PAYLOAD_HPP

#include <queuectl/result.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace queuectl::inline v0 {

// Either give T two members,
//     std::string to_payload() const;
//     static queuectl::result<T> from_payload(std::string_view);
// or specialise this with the two functions below, for a type that is not yours. Bytes once stored are read by
// later versions of the program: the format is a promise of its author.
template <class T>
struct payload_traits {
    [[nodiscard]] static std::string encode(const T& value) requires requires
    {
        {
            value.to_payload()
            } -> std::convertible_to<std::string>;
    }
    {
        return value.to_payload();
    }
    [[nodiscard]] static result<T> decode(std::string_view bytes) requires requires
    {
        {
            T::from_payload(bytes)
            } -> std::same_as<result<T>>;
    }
    {
        return T::from_payload(bytes);
    }
};

// Text is its own payload.
template <>
struct payload_traits<std::string> {
    [[nodiscard]] static std::string encode(std::string value) { return value; }
    [[nodiscard]] static result<std::string> decode(std::string_view bytes) { return std::string{bytes}; }
};

template <class T>
concept payload_type = requires(const T& value, std::string_view bytes)
{
    {
        payload_traits<T>::encode(value)
        } -> std::same_as<std::string>;
    {
        payload_traits<T>::decode(bytes)
        } -> std::same_as<result<T>>;
};

}  // namespace queuectl::inline v0

#endif
