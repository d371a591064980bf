// For the thread sanitizer of clang 14, which does not know pthread_mutex_clocklock (std::timed_mutex): the same by
// what it knows.
#include <ctime>
#include <pthread.h>

extern "C" int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const timespec* until)
{
    constexpr long second = 1'000'000'000;
    timespec there{};
    timespec real{};
    clock_gettime(clock, &there);
    clock_gettime(CLOCK_REALTIME, &real);
    long nanoseconds = until->tv_nsec - there.tv_nsec + real.tv_nsec;
    real.tv_sec += until->tv_sec - there.tv_sec;
    while (nanoseconds < 0) nanoseconds += second, --real.tv_sec;
    while (nanoseconds >= second) nanoseconds -= second, ++real.tv_sec;
    real.tv_nsec = nanoseconds;
    return pthread_mutex_timedlock(mutex, &real);
}
