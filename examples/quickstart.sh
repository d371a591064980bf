#!/usr/bin/env bash
# Shows the command at work: builds it (installing what is missing on Debian) and runs real jobs on a SQLite store
# in a throw-away folder: success, a retry with backoff, the dead letter queue, logs. Ends with 0 if all went so.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$here/.ci/packages.sh"

need cmake cmake
need g++ g++
need ninja ninja-build
need "/usr/include/sqlite3.h /usr/local/include/sqlite3.h" libsqlite3-dev
need "/usr/include/CLI/CLI.hpp /usr/local/include/CLI/CLI.hpp" libcli11-dev
need "/usr/include/nlohmann/json.hpp /usr/local/include/nlohmann/json.hpp" nlohmann-json3-dev
install_missing
find_generator

build=$here/build/quickstart
log=$here/build/quickstart.log
echo "Building the command (about a minute the first time; log: $log)"
mkdir -p "$here/build"
if ! { cmake -S "$here" -B "$build" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release -DQUEUECTL_WITH_SQLITE=ON &&
    cmake --build "$build" -j "$(nproc)" --target queuectl_command; } >"$log" 2>&1 </dev/null; then
    grep -E -A5 'error|FAILED|Error' "$log" | head -30 >&2
    exit 1
fi

store=$(mktemp -d)
trap 'rm -rf "$store"' EXIT
export QUEUECTL_STORE="sqlite:$store/jobs.db" PATH="$build:$PATH"

# Prints a command as one would type it, and runs it.
show() {
    local word
    printf '\n$ queuectl'
    for word in "$@"; do
        case $word in
            *[!A-Za-z0-9_./:=-]*) printf ' %s' "${word@Q}" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    echo
    queuectl "$@"
}

show config set backoff-base 1.2
show enqueue --id hello 'echo "hello from $QUEUECTL_JOB_ID, attempt $QUEUECTL_ATTEMPT"'
show enqueue '{"id":"nap","command":"sleep 1","priority":5}'
show enqueue --id flaky --max-retries 2 'test "$QUEUECTL_ATTEMPT" -ge 2 || { echo "not yet"; exit 1; }'
show enqueue --id broken --max-retries 2 'echo "no such host" >&2; exit 3'
show worker start --count 2 --drain
show status
show list
show logs hello
show logs broken
show dlq list

printf '\nThe same, checked: '
if ! output=$(queuectl smoke-test 2>&1); then
    printf 'queuectl smoke-test failed\n%s\n' "$output"
    exit 1
fi
echo "queuectl smoke-test succeeded"
