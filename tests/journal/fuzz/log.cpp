// libFuzzer: fuzz_log [CORPUS…]
#include "../log_fuzz.hpp"

#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    if (const char* why = queuectl::journal_testing::fuzz_log(data, size)) {
        std::fprintf(stderr, "%s\n", why);
        std::abort();
    }
    return 0;
}
