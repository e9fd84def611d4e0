#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs both sides of telemetry.Host: four calls over one connection, then the end. --keep leaves the server up.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=${PROA_BIN:-$here/../../build/bin}
keep=false
case "$*" in
    '') ;;
    --keep) keep=true ;;
    *) echo "demo: unknown option $*; there is --keep" >&2; exit 2 ;;
esac

dir=$(mktemp -d)
writer='' server=''
finish() {
    [[ -z $writer ]] || kill "$writer" 2>/dev/null || true
    if [[ -n $server ]]; then
        kill -TERM "$server" 2>/dev/null || true # drains
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

# A log that has a past and goes on growing.
log=$dir/app.log
words=("request served in 3 ms" "warning: queue is half full" "request served in 5 ms" "error: disk sda is slow")
for i in {1..2000}; do
    if ((i % 500 == 0)); then echo "$i error: connection lost"; else echo "$i request served in 4 ms"; fi
done > "$log"
(i=2000; while sleep 0.1; do i=$((i + 1)); echo "$i ${words[i % 4]}"; done >> "$log") &
writer=$!

"$bin/telemetry_server" 127.0.0.1:0 "$log" > "$dir/server.out" &
server=$!
for _ in {1..100}; do
    address=$(sed -n 's/^listening on //p' "$dir/server.out")
    [[ -z $address ]] || break
    kill -0 "$server" 2>/dev/null || { server=''; echo "the server did not start" >&2; exit 1; }
    sleep 0.05
done
[[ -n $address ]] || { echo "the server does not listen" >&2; exit 1; }
echo "telemetry.Host serves on $address; one channel, one connection, HTTP/2"
echo

"$bin/telemetry_client" -a "$address" -i 400 -n 5 -m 8 -t 20 demo "$bin/telemetry_server" 'error:' 'warning:.*full'

if $keep; then
    cat <<TEXT

The server stays up until Ctrl-C. From this shell:
    $bin/telemetry_client -a $address watch
From other languages:
    grpcurl -plaintext -import-path $here -proto telemetry.proto -d '{"interval_ms": 1000}' \\
        $address telemetry.Host/Watch
    pip install grpcio grpcio-tools
    python3 -m grpc_tools.protoc -I $here --python_out=. --grpc_python_out=. telemetry.proto
    python3 -c 'import grpc, telemetry_pb2 as t, telemetry_pb2_grpc as g; print(g.HostStub(grpc.insecure_channel("$address")).Describe(t.DescribeRequest()))'
TEXT
    wait "$server"
fi
