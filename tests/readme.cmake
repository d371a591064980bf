# Writes the first C++ block of README (-DREADME=…) to OUT: the example there is compiled and run as a test.
file(READ "${README}" text)
string(REGEX MATCH "```cpp\n(.*)" unused "${text}")
string(FIND "${CMAKE_MATCH_1}" "\n```" end)
string(SUBSTRING "${CMAKE_MATCH_1}" 0 ${end} code)
file(WRITE "${OUT}" "${code}\n")
