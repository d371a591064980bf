#!/usr/bin/env bash
# redis_storage against BullMQ (from npm) on one Redis server, one after the other, with appendonly and fsync always,
# then with none: jobs added one at a time, in bulk of 1000, and all of them taken and settled, 100 at a time (BullMQ: a
# worker of concurrency 100 with an empty processor). Left out without node, npm or the registry. Called by run.sh, or
# alone.
#   redis_bullmq.sh [--json]    N=20000 jobs; BUILD=folder of a configured build
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${BUILD:-$(dirname "$here")/build-bench}
json=${1:-}
n=${N:-20000}
note() { echo "redis_bullmq: $*" >&2; }
for program in node npm redis-server; do
    command -v $program > /dev/null || { note "$program is not there: left out"; exit 0; }
done
modules=$build/bullmq
mkdir -p "$modules"
if [ ! -e "$modules/node_modules/bullmq" ]; then
    (cd "$modules" && npm install --no-audit --no-fund --silent bullmq@6 ioredis > /dev/null 2>&1) ||
        { note "npm cannot install bullmq: left out"; exit 0; }
fi
cmake --build "$build" --target bench_redis > /dev/null 2>&1 || { note "bench_redis cannot be built: left out"; exit 0; }

work=$(mktemp -d)
server=
finish() {
    if [ -n "$server" ]; then kill "$server" 2> /dev/null || true; fi
    rm -rf "$work"
}
trap finish EXIT

# figure NAME VALUE RATIO VERSUS
figure() {
    if [ "$json" = --json ]; then
        printf '{"name":"%s","value":%s,"unit":"jobs/s","ratio":%s,"versus":"%s"}\n' "$@"
    else
        printf '%s\t%s\tjobs/s\t%s\t%s\n' "$@"
    fi
}

for mode in 'AOF always' 'no AOF'; do
    append=$([ "$mode" = 'no AOF' ] && echo no || echo yes)
    redis-server --port 0 --unixsocket "$work/s" --dir "$work" --save '' --appendonly "$append" --appendfsync always \
        --maxmemory-policy noeviction > /dev/null &
    server=$!
    for _ in $(seq 100); do [ -S "$work/s" ] && break; sleep 0.05; done
    node "$here/bullmq.mjs" "$work/s" "$n" "$modules" > "$work/theirs"
    "$build/bench/bench_redis" --beside-bullmq "$work/s" "$n" > "$work/ours"
    kill "$server"
    wait "$server" 2> /dev/null || true
    server=
    rm -rf "$work/s" "$work/appendonlydir"
    while IFS=$'\t' read -r name theirs ours; do
        figure "redis_storage, $mode: $name" "$ours" "$(awk "BEGIN { printf \"%.2f\", $ours / $theirs }")" \
            "BullMQ, $theirs jobs/s"
    done < <(paste "$work/theirs" <(cut -f 2 "$work/ours"))
done
