#!/usr/bin/env bash
# bench/run.sh [--json] [NAME…]: builds the benchmarks in Release and runs them, all when none is named. One line a
# figure: name, value, unit, ratio, versus, tab-separated; with --json one object a line. A NAME is bench/NAME.cpp or
# bench/NAME.sh; a script is called with the build directory in $BUILD and prints the same lines.
# The build directory is build-bench beside bench/, or $BUILD. Packages that are missing are installed by apt as root.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
export BUILD=${BUILD:-$root/build-bench}

json=
names=()
for argument in "$@"; do
    case $argument in
        --json) json=--json ;;
        -h | --help) sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
        -*) echo "run.sh: unknown option $argument" >&2; exit 2 ;;
        *) names+=("$argument") ;;
    esac
done
if [ ${#names[@]} -eq 0 ]; then
    for file in "$here"/*.cpp "$here"/*.sh; do
        name=$(basename "${file%.*}")
        if [ -e "$file" ] && [ "$name" != run ] && [ "$name" != lib ]; then names+=("$name"); fi
    done
fi
for name in "${names[@]}"; do
    if [ ! -e "$here/$name.cpp" ] && [ ! -e "$here/$name.sh" ]; then
        echo "run.sh: there is no benchmark $name" >&2
        exit 2
    fi
done

# need PROGRAM PACKAGE: installs the Debian package when the program is missing.
need() {
    command -v "$1" > /dev/null && return
    local sudo=
    if [ "$(id -u)" != 0 ]; then sudo="sudo -n"; fi
    { $sudo apt-get update -qq && $sudo apt-get install -qq -y "$2"; } > /dev/null 2>&1 || true
    command -v "$1" > /dev/null || { echo "run.sh: $1 is needed (Debian package $2)" >&2; exit 69; }
}
need cmake cmake
need g++ g++
need make make
export -f need

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { "$@" > "$log" 2>&1 || { cat "$log" >&2; exit 1; }; }
quietly cmake -S "$root" -B "$BUILD" -DCMAKE_BUILD_TYPE=Release -DQUEUECTL_BUILD_BENCH=ON -DQUEUECTL_BUILD_TESTS=OFF
targets=$(cat "$BUILD/bench/targets")
for name in "${names[@]}"; do
    if [ -e "$here/$name.cpp" ]; then
        if [[ ! " $targets " == *" bench_$name "* ]]; then
            echo "run.sh: $name left out: a library it needs was not found" >&2
            continue
        fi
        quietly cmake --build "$BUILD" --target "bench_$name"
        program=$(find "$BUILD/bench" -maxdepth 2 -name "bench_$name" -type f | head -n 1)
        "$program" ${json:+"$json"}
    else
        bash "$here/$name.sh" ${json:+"$json"}
    fi
done
