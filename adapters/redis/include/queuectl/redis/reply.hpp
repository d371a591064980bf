// What Redis answers, as values; made by hiredis's reader.
#ifndef QUEUECTL_REDIS_REPLY_HPP
#define QUEUECTL_REDIS_REPLY_HPP

#include <hiredis/read.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace queuectl::inline v0::detail::redis {

struct reply {
    int type = REDIS_REPLY_NIL;
    std::int64_t integer = 0;
    std::string text;
    std::vector<reply> elements;

    [[nodiscard]] bool is_error() const noexcept { return type == REDIS_REPLY_ERROR; }
    [[nodiscard]] std::size_t size() const noexcept { return elements.size(); }
    // Of an array; an empty text for what is not there.
    [[nodiscard]] std::string_view at(std::size_t i) const noexcept
    {
        return i < elements.size() ? std::string_view{elements[i].text} : std::string_view{};
    }
    // A number, also one that came as text; 0 for anything else.
    [[nodiscard]] std::int64_t number() const noexcept
    {
        return type == REDIS_REPLY_INTEGER ? integer : std::strtoll(text.c_str(), nullptr, 10);
    }
};

// The reader's callbacks: the object of an element lies in its parent's vector.
[[nodiscard]] inline reply* place_reply(const redisReadTask* task, int type)
{
    reply* r = nullptr;
    if (task->parent != nullptr)
        r = &static_cast<reply*>(task->parent->obj)->elements[static_cast<std::size_t>(task->idx)];
    else
        r = new reply;
    r->type = type;
    return r;
}
inline void* make_text(const redisReadTask* task, char* bytes, std::size_t n)
{
    reply* r = place_reply(task, task->type);
    r->text.assign(bytes, n);
    return r;
}
template <class Count>
void* make_array(const redisReadTask* task, Count n)
{
    reply* r = place_reply(task, REDIS_REPLY_ARRAY);
    r->elements.resize(static_cast<std::size_t>(n));
    return r;
}
inline void* make_integer(const redisReadTask* task, long long value)
{
    reply* r = place_reply(task, REDIS_REPLY_INTEGER);
    r->integer = value;
    return r;
}
inline void* make_nil(const redisReadTask* task) { return place_reply(task, REDIS_REPLY_NIL); }
inline void free_reply(void* r) { delete static_cast<reply*>(r); }

// The type of the array callback's count differs among versions of hiredis.
template <class Count>
constexpr auto array_maker(void* (*)(const redisReadTask*, Count)) noexcept
{
    return &make_array<Count>;
}

[[nodiscard]] inline redisReader* new_reader()
{
    static redisReplyObjectFunctions functions = [] {
        redisReplyObjectFunctions f{};
        f.createString = &make_text;
        f.createArray = array_maker(f.createArray);
        f.createInteger = &make_integer;
        f.createNil = &make_nil;
        f.freeObject = &free_reply;
        return f;
    }();
    return redisReaderCreateWithFunctions(&functions);
}

}  // namespace queuectl::inline v0::detail::redis

#endif
