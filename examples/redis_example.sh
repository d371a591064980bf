#!/bin/sh
# redis_example.sh PRODUCER WORKER: runs both against a Redis server of its own, and checks what the worker says.
set -eu
folder=$(mktemp -d)
redis-server --port 0 --unixsocket "$folder/redis.sock" --save '' --appendonly yes --dir "$folder" > "$folder/log" &
server=$!
trap 'kill $server; wait $server 2> /dev/null || true; rm -rf "$folder"' EXIT
i=0
while [ ! -S "$folder/redis.sock" ] && [ $i -lt 200 ]; do sleep 0.05; i=$((i + 1)); done
url="redis+unix://$folder/redis.sock?prefix=example:"
"$1" "$url" Ada Grace
"$2" "$url" | tee "$folder/said"
printf 'hello, Ada\nhello, Grace\n2 jobs done\n' | cmp - "$folder/said"
