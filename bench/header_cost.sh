#!/usr/bin/env bash
# What including the library costs: seconds to compile a file that includes only queuectl/queuectl.hpp, against
# nlohmann/json.hpp, both at -O0; and the bytes of a small program: memory_storage, an inline executor, ten jobs.
# Called by run.sh, or alone: header_cost.sh [--json]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
include=$(dirname "$here")/include
cxx=${CXX:-g++}
json=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# figure NAME VALUE UNIT RATIO VERSUS
figure() {
    if [ "$json" = --json ]; then
        local ratio=$4 versus="\"$5\""
        if [ "$4" = - ]; then ratio=null versus=null; fi
        printf '{"name":"%s","value":%s,"unit":"%s","ratio":%s,"versus":%s}\n' "$1" "$2" "$3" "$ratio" "$versus"
    else
        printf '%s\t%s\t%s\t%s\t%s\n' "$@"
    fi
}

# compile_seconds HEADER: processor seconds, the least of five runs, which other programs disturb least.
compile_seconds() {
    printf '#include <%s>\nint main() {}\n' "$1" > "$work/one.cpp"
    for _ in 1 2 3 4 5; do
        (TIMEFORMAT='%U %S'; time "$cxx" -std=c++20 -O0 -I"$include" -c "$work/one.cpp" -o "$work/one.o") 2>&1 |
            awk '{ print $1 + $2 }'
    done | sort -n | head -n 1
}

if declare -F need > /dev/null && [ ! -e /usr/include/nlohmann/json.hpp ]; then
    sudo=; if [ "$(id -u)" != 0 ]; then sudo="sudo -n"; fi
    { $sudo apt-get update -qq && $sudo apt-get install -qq -y nlohmann-json3-dev; } > /dev/null 2>&1 || true
fi
ours=$(compile_seconds queuectl/queuectl.hpp)
if [ -e /usr/include/nlohmann/json.hpp ]; then
    theirs=$(compile_seconds nlohmann/json.hpp)
    figure "header/compile queuectl.hpp" "$ours" s "$(awk "BEGIN { printf \"%.2f\", $theirs / $ours }")" \
        "nlohmann/json.hpp ($theirs s)"
else
    figure "header/compile queuectl.hpp" "$ours" s - -
fi

cat > "$work/small.cpp" <<'CPP'
#include <queuectl/executor/inline.hpp>
#include <queuectl/queue.hpp>
#include <queuectl/storage/memory.hpp>
int main()
{
    int runs = 0;
    queuectl::basic_queue queue{queuectl::memory_storage{},
                                queuectl::inline_executor{[&runs](const queuectl::job&) { ++runs; }}};
    for (int i = 0; i < 10; ++i)
        if (!queue.enqueue({"mail"})) return 1;
    if (!queue.run_until_idle()) return 1;
    return runs == 10 ? 0 : 1;
}
CPP
flags="-std=c++20 -Os -fno-exceptions -fno-rtti -ffunction-sections -fdata-sections -Wl,--gc-sections"
for variant in "threads " "no threads -DQUEUECTL_NO_THREADS"; do
    define=${variant##* }
    # shellcheck disable=SC2086
    "$cxx" $flags $define -I"$include" "$work/small.cpp" -o "$work/small"
    "$work/small"
    text=$(size "$work/small" | awk 'NR == 2 { print $1 }')
    figure "header/text of a small program, ${variant% *}" "$text" bytes - -
done
