#include "json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace queuectl::command {

namespace {

failure_value not_json(std::string why) { return fail(errc::invalid_argument, "json", std::move(why)); }

// The library's words without its code, on one line, not too long.
std::string in_short(std::string_view what)
{
    if (const auto end = what.find("] "); end != std::string_view::npos) what.remove_prefix(end + 2);
    return std::string{what.substr(0, 240)};
}

// Builds json_values from events; a false return ends the parse, and `why` says why.
class builder {
public:
    using number_integer_t = nlohmann::json::number_integer_t;
    using number_unsigned_t = nlohmann::json::number_unsigned_t;
    using number_float_t = nlohmann::json::number_float_t;
    using string_t = nlohmann::json::string_t;
    using binary_t = nlohmann::json::binary_t;

    bool null() { return add(json_kind::null) != nullptr; }
    bool boolean(bool b)
    {
        json_value* v = add(json_kind::boolean);
        if (v != nullptr) v->boolean = b;
        return v != nullptr;
    }
    bool number_integer(number_integer_t n)
    {
        json_value* v = add(json_kind::integer);
        if (v == nullptr) return false;
        v->integer = n;
        v->number = static_cast<double>(n);
        return true;
    }
    bool number_unsigned(number_unsigned_t n)
    {
        if (n <= static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max()))
            return number_integer(static_cast<number_integer_t>(n));
        return number_float(static_cast<double>(n), {});
    }
    bool number_float(number_float_t n, const string_t&)
    {
        json_value* v = add(json_kind::number);
        if (v != nullptr) v->number = n;
        return v != nullptr;
    }
    bool string(string_t& text)
    {
        json_value* v = add(json_kind::string);
        if (v != nullptr) v->text = std::move(text);
        return v != nullptr;
    }
    bool binary(binary_t&) { return false; }

    bool start_object(std::size_t) { return open(json_kind::object); }
    bool key(string_t& name)
    {
        auto& members = open_.back()->members;
        const auto same = [&](const auto& member) { return member.first == name; };
        if (std::any_of(members.begin(), members.end(), same)) return refused("duplicate name \"" + name + "\"");
        if (members.size() == names_max) return refused("an object has more than 1000 names");
        members.emplace_back(std::move(name), json_value{});
        return true;
    }
    bool end_object() { return close(); }
    bool start_array(std::size_t) { return open(json_kind::array); }
    bool end_array() { return close(); }

    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e)
    {
        constexpr int number_overflow = 406;
        return refused((e.id == number_overflow ? current_name() : std::string{}) + in_short(e.what()));
    }

    json_value root{};
    std::string why{};

private:
    // Keeps the search for duplicate names short; no object of ours comes near.
    static constexpr std::size_t names_max = 1000;

    // "NAME: " of the member whose value comes next.
    [[nodiscard]] std::string current_name() const
    {
        if (open_.empty() || open_.back()->members.empty()) return {};
        return open_.back()->members.back().first + ": ";
    }

    bool refused(std::string text)
    {
        why = std::move(text);
        return false;
    }

    // The place of the next value, of that kind.
    json_value* add(json_kind kind)
    {
        if (++values_ > json_values_max) {
            why = "has too many values";
            return nullptr;
        }
        json_value* place = &root;
        if (!open_.empty() && open_.back()->kind == json_kind::array)
            place = &open_.back()->items.emplace_back();
        else if (!open_.empty())
            place = &open_.back()->members.back().second;
        place->kind = kind;
        return place;
    }

    bool open(json_kind kind)
    {
        if (open_.size() == json_depth_max) return refused("is nested deeper than " + std::to_string(json_depth_max));
        json_value* v = add(kind);
        if (v == nullptr) return false;
        open_.push_back(v);
        return true;
    }
    bool close()
    {
        open_.pop_back();
        return true;
    }

    std::vector<json_value*> open_;  // the containers that the next value is in, outermost first
    std::size_t values_ = 0;
};

}  // namespace

std::string_view name(json_kind kind)
{
    constexpr std::string_view names[] = {"null",     "a boolean", "an integer", "a number",
                                          "a string", "an array",  "an object"};
    return names[static_cast<std::size_t>(kind)];
}

result<json_value> parse_json(std::string_view text)
{
    if (text.size() > json_bytes_max) return not_json("is longer than 64 MiB");
    builder built;
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &built))
        return not_json(built.why.empty() ? "is not JSON" : built.why);
    return std::move(built.root);
}

}  // namespace queuectl::command
