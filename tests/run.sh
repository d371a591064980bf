#!/usr/bin/env bash
# Builds and runs all tests: with clang's address and undefined-behaviour sanitizers, the threaded ones with its
# thread sanitizer, and all of them, the shipping tests too, with g++. Installs what is missing on Debian.
# The last lines are the summary of the g++ run; the exit code is 0 only if every run was clean.
#
# tests/run.sh [--quick] [--soak]    --quick: g++ only    --soak: the long, random tests run long
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. .ci/packages.sh

quick=
for argument in "$@"; do
    case $argument in
        --quick) quick=1 ;;
        --soak) export QUEUECTL_SOAK=1 ;;
        *) echo "usage: tests/run.sh [--quick] [--soak]" >&2; exit 2 ;;
    esac
done

need cmake cmake
need g++ g++
need ninja ninja-build
need pkg-config pkg-config
need "/usr/include/gtest/gtest.h /usr/local/include/gtest/gtest.h" libgtest-dev
need "/usr/include/sqlite3.h /usr/local/include/sqlite3.h" libsqlite3-dev
need "/usr/include/lmdb.h /usr/local/include/lmdb.h" liblmdb-dev
need "/usr/include/hiredis/hiredis.h /usr/local/include/hiredis/hiredis.h" libhiredis-dev
need redis-server redis-server
need "/usr/include/CLI/CLI.hpp /usr/local/include/CLI/CLI.hpp" libcli11-dev
need "/usr/include/nlohmann/json.hpp /usr/local/include/nlohmann/json.hpp" nlohmann-json3-dev
if [ -z "$quick" ]; then
    need clang++ clang
    need "/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan-*.a /usr/lib/clang/*/lib/*/libclang_rt.asan*.a" libclang-rt-14-dev
fi
install_missing
find_generator

jobs=$(nproc 2>/dev/null || echo 2)
failed=()
threaded='core executor storage conformance journal_store'

# run NAME TARGETS TESTS CMAKE-ARGUMENTS…: configures and builds in build/NAME, then runs the matching tests.
run() {
    local name=$1 targets=$2 tests=$3
    shift 3
    local folder=build/$name log=build/$name.log
    mkdir -p build
    echo "== $name: building (log: $log)"
    # shellcheck disable=SC2086
    if ! { cmake -S . -B "$folder" "${generator[@]}" -DQUEUECTL_BUILD_TESTS=ON "$@" &&
        cmake --build "$folder" -j "$jobs" ${targets:+--target $targets}; } >"$log" 2>&1 </dev/null; then
        grep -E -A5 'error|FAILED|Error' "$log" | head -40 >&2
        echo "== $name: the build failed" >&2
        failed+=("$name")
        return 1
    fi
    echo "== $name: testing"
    ctest --test-dir "$folder" -j "$jobs" --output-on-failure ${tests:+-R "$tests"} </dev/null 2>&1 |
        grep -vE '^ +Start |^ *[0-9]+/[0-9]+ Test .* Passed |^Internal ctest|^Test project'
    [ "${PIPESTATUS[0]}" -eq 0 ] || { failed+=("$name"); return 1; }
}

if [ -z "$quick" ]; then
    export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    # Not optimised, which takes a third of the time to compile, but where the tests compute for longer than that.
    run asan '' '' -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=None -DQUEUECTL_TEST_SHIPPING=OFF \
        -DCMAKE_CXX_FLAGS='-O0 -gline-tables-only -fsanitize=address,undefined -fno-sanitize-recover=undefined' \
        -DQUEUECTL_TEST_UNITY=LONG -DQUEUECTL_TEST_LONG_FLAGS=-O1
    # Without what forks, which the thread sanitizer cannot follow, and the storages that are wrong on purpose.
    run tsan "$(printf 'test_%s ' $threaded)" '^(core|storage)/|^executor/[^P]|^conformance/(memory|model)|^journal/store/(.*(threads|notify)|JournalCombine\.[^K])' \
        -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=None -DQUEUECTL_TEST_SHIPPING=OFF \
        -DQUEUECTL_BUILD_EXAMPLES=OFF -DCMAKE_CXX_FLAGS='-O0 -gline-tables-only -fsanitize=thread' \
        -DQUEUECTL_TEST_UNITY=ON
    [ ${#failed[@]} -eq 0 ] || echo "== failed so far: ${failed[*]}" >&2
fi
# Optimised as users build it, but with the assertions; tests that run for a moment only are optimised less. A folder's
# tests are compiled together, and the command's files, as above most are alone.
run gcc '' '' -DCMAKE_CXX_COMPILER=g++ -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O2 \
    -DQUEUECTL_TEST_UNITY=ON -DQUEUECTL_TEST_SHORT_FLAGS=-O1

[ ${#failed[@]} -eq 0 ]
