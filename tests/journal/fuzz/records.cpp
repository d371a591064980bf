// libFuzzer: fuzz_records [CORPUS…]
#include "../record_fuzz.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    if (!queuectl::journal_testing::fuzz_records(data, size)) std::abort();
    return 0;
}
