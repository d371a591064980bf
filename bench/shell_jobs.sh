#!/usr/bin/env bash
# Shell jobs per second, every start and every finish durable (journal and SQLite, full), against tools that keep
# nothing: xargs -P2, GNU parallel -j2 --joblog, task-spooler -S2. Also enqueue by command, bulk enqueue, and idle
# CPU. One run measures all sides, alternately. Called by run.sh, or alone.
#   shell_jobs.sh [--json]    N=2000 jobs, ROUNDS=3 (medians), COUNT and CONCURRENCY of worker start, STORES
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${BUILD:-$(dirname "$here")/build-bench}
json=${1:-}
n=${N:-2000} rounds=${ROUNDS:-3} count=${COUNT:-2} concurrency=${CONCURRENCY:-8} bulk=${BULK:-100000}
read -ra stores <<< "${STORES:-journal sqlite}"
[ -x "$build/queuectl" ] || cmake --build "$build" --target queuectl_command > /dev/null
queuectl=$build/queuectl
work=$(mktemp -d)
tsp_started=
finish() {
    if [ -n "$tsp_started" ]; then tsp -K > /dev/null 2>&1 || true; fi
    rm -rf "$work"
}
trap finish EXIT

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
note() { echo "shell_jobs: $*" >&2; }
now() { date +%s%N; }
rate() { awk "BEGIN { printf \"%.0f\\n\", $1 / (($3 - $2) / 1e9) }"; }  # COUNT BEGIN END
ratio() { awk "BEGIN { printf \"%.2f\", $1 / $2 }"; }
median() { sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }
have() {
    command -v "$1" > /dev/null && return
    if declare -F need > /dev/null; then (need "$1" "$2") 2> /dev/null && return; fi
    note "$1 is not there: left out"
    return 1
}

lines() { awk -v n="$2" -v line="$1" 'BEGIN { for (i = 0; i < n; ++i) print line }'; }
objects() { awk -v n="$2" -v c="$1" 'BEGIN { for (i = 0; i < n; ++i) printf "{\"command\":\"%s\"}\n", c }'; }
fresh_store() { rm -rf "$work"/q*; export QUEUECTL_STORE=$store:$work/q; }

# Each prints jobs per second of N times the command $1.
ours() {
    fresh_store
    objects "$1" "$n" | "$queuectl" enqueue --file - > /dev/null
    local begin end
    begin=$(now)
    "$queuectl" worker start --drain --quiet --count "$count" --concurrency "$concurrency" 2> /dev/null
    end=$(now)
    rate "$n" "$begin" "$end"
}
of_xargs() {
    local begin end
    begin=$(now)
    lines "$1" "$n" | xargs -P2 -I{} sh -c {}
    end=$(now)
    rate "$n" "$begin" "$end"
}
of_parallel() {
    local begin end
    rm -f "$work/joblog"
    begin=$(now)
    lines "$1" "$n" | parallel -j2 --joblog "$work/joblog" > /dev/null 2>&1
    end=$(now)
    rate "$n" "$begin" "$end"
}
of_spooler() {
    local begin end i
    export TS_SOCKET=$work/tsp.socket TS_MAXFINISHED=10 TMPDIR=$work
    tsp_started=yes
    tsp -S 2
    begin=$(now)
    for ((i = 0; i < n; ++i)); do tsp -n sh -c "$1" > /dev/null; done
    tsp -n true > /dev/null
    tsp -w
    end=$(now)
    rate "$n" "$begin" "$end"
}

compare() {  # NAME COMMAND
    local i a b mine others
    rm -f "$work"/rate.*
    for ((i = 0; i < rounds; ++i)); do
        for store in "${stores[@]}"; do ours "$2" >> "$work/rate.$store"; done
        of_xargs "$2" >> "$work/rate.xargs"
    done
    a=$(median < "$work/rate.${stores[0]}")
    b=$(median < "$work/rate.xargs")
    for store in "${stores[@]}"; do
        mine=$(median < "$work/rate.$store")
        figure "shell jobs, $store: $1" "$mine" jobs/s "$(ratio "$mine" "$b")" "xargs -P2 sh -c ($b)"
    done
    if have parallel parallel; then
        others=$(of_parallel "$2")
        figure "shell jobs, ${stores[0]}: $1" "$a" jobs/s "$(ratio "$a" "$others")" "parallel -j2 --joblog ($others)"
    fi
    if have tsp task-spooler; then
        others=$(of_spooler "$2")
        figure "shell jobs, ${stores[0]}: $1" "$a" jobs/s "$(ratio "$a" "$others")" "task-spooler -S2, enqueue included ($others)"
    fi
}

enqueue_by_command() {
    local begin end i mine theirs k=300
    fresh_store
    "$queuectl" enqueue true > /dev/null
    begin=$(now)
    for ((i = 0; i < k; ++i)); do "$queuectl" enqueue true > /dev/null; done
    end=$(now)
    mine=$(rate "$k" "$begin" "$end")
    if ! have tsp task-spooler; then
        figure "shell/enqueue-by-command, $store" "$mine" jobs/s - -
        return
    fi
    export TS_SOCKET=$work/tsp2.socket
    tsp -S 1
    tsp -n sleep 60 > /dev/null
    begin=$(now)
    for ((i = 0; i < k; ++i)); do tsp -n true > /dev/null; done
    end=$(now)
    tsp -k 2> /dev/null || true
    tsp -K > /dev/null 2>&1 || true
    theirs=$(rate "$k" "$begin" "$end")
    figure "shell/enqueue-by-command, $store" "$mine" jobs/s "$(ratio "$mine" "$theirs")" "task-spooler, keeps nothing ($theirs)"
}

# fdatasync and fsync of the command "$@" and of all its processes.
syncs_of() {
    strace -f -qq -e trace=fdatasync,fsync -o "$work/syncs" "$@" > /dev/null 2>&1
    grep -cE 'f(data)?sync\(' "$work/syncs"
}
syncs() {
    local k=400 total
    have strace strace || return 0
    fresh_store
    objects true "$k" | "$queuectl" enqueue --file - > /dev/null
    total=$(syncs_of "$queuectl" worker start --drain --quiet --count "$count" --concurrency "$concurrency")
    figure "shell jobs, $store: syncs" "$(ratio "$total" "$k")" "per job" - -
    figure "shell/enqueue-by-command, $store: syncs" "$(syncs_of "$queuectl" enqueue true)" "per job" - -
}

enqueue_in_bulk() {
    local begin end
    fresh_store
    objects true "$bulk" > "$work/bulk"
    begin=$(now)
    "$queuectl" enqueue --file "$work/bulk" > /dev/null
    end=$(now)
    figure "shell/enqueue-bulk, $store" "$(rate "$bulk" "$begin" "$end")" jobs/s - -
}

# The CPU of an idle worker and its supervisor.
idle_cpu() {
    local pids ticks_before ticks_after
    fresh_store
    "$queuectl" worker start --detach 2> /dev/null
    "$queuectl" wait "$("$queuectl" enqueue true)" > /dev/null
    pids=$(sed -n 's/^pid=//p' "$work"/q*/workers/*.lock)
    ticks() { for p in $pids; do awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$p/stat"; done | awk '{ s += $1 } END { print s }'; }
    sleep 0.5
    ticks_before=$(ticks)
    sleep 5
    ticks_after=$(ticks)
    figure "shell/idle-cpu, $store" "$(awk "BEGIN { printf \"%.2f\", ($ticks_after - $ticks_before) / 5 }")" % - -
    "$queuectl" worker stop > /dev/null
}

note "worker start --count $count --concurrency $concurrency; N=$n, medians of $rounds"
compare 'sh -c true' 'true;'
compare '/bin/true directly' /bin/true
for store in "${stores[@]}"; do
    enqueue_by_command
    syncs
    enqueue_in_bulk
    idle_cpu
done
