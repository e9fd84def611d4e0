#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# peers_test.sh BIN: nghttp, h2load and curl against h2_responder, h2_client_probe against h2_responder and nghttpd.
# Exit 77: none of these programs is installed, so nothing but our own pair could run.
set -u
bin=$1
work=$(mktemp -d)
children=()
failed=0
ran=0

finish() {
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null
        wait "$child" 2>/dev/null
    done
    rm -rf "$work"
}
trap finish EXIT

# check NAME COMMAND...: runs it, its output must hold what stands in $want.
check() {
    local name=$1
    shift
    ran=$((ran + 1))
    if ! timeout 30 "$@" >"$work/out" 2>&1 || ! grep -qaE "$want" "$work/out"; then
        failed=$((failed + 1))
        echo "FAILED: $name: no \"$want\" in:"
        tail -20 "$work/out" | cut -c1-300
    else
        echo "ok: $name"
    fi
}

# wait_for PORT: until something listens.
wait_for() {
    for _ in $(seq 100); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
        sleep 0.05
    done
    echo "nothing listens on port $1"
    exit 1
}

has() {
    command -v "$1" >/dev/null || { echo "skipped: $1 is not installed"; return 1; }
}

"$bin/h2_responder" --port=0 --size=300000 >"$work/port" &
children+=($!)
for _ in $(seq 100); do
    [ -s "$work/port" ] && break
    sleep 0.05
done
port=$(sed 's/.*://' "$work/port")
url=http://127.0.0.1:$port/
head -c 1000000 /dev/zero >"$work/upload"

want='status=200 bytes=300000$' check "h2_client_probe" "$bin/h2_client_probe" --once "$url"
foreign=0
if has nghttp; then
    foreign=1
    want='200 +292K /\?2' check "nghttp: two requests, statistics" nghttp -ns "$url" "$url?2"
    want=':status: 200' check "nghttp: upload of 1 MB" nghttp -nv -d "$work/upload" "$url"
    want=':status: 200' check "nghttp: padding, small windows, a long header" \
        nghttp -nv -b 100 -w 10 -W 12 -H "x-long: $(head -c 6000 /dev/zero | tr '\0' a)" "$url"
    want=':status: 431' check "nghttp: a header list over the limit, in CONTINUATION" nghttp -nv --continuation "$url"
    want=':status: 200' check "nghttp: no dynamic table" nghttp -nv -c 0 "$url" "$url?2"
fi
if has h2load; then
    foreign=1
    want=' 400 succeeded, 0 failed' check "h2load: 4 connections, 25 streams" h2load -n 400 -c 4 -m 25 "$url"
    want=' 200 succeeded, 0 failed' check "h2load: uploads" h2load -n 200 -c 2 -m 10 -d "$work/upload" "$url"
    want=' 2000 succeeded, 0 failed' check "h2load: 100 streams on one connection" h2load -n 2000 -c 1 -m 100 -w 20 "$url"
fi
if has curl; then
    foreign=1
    want='^200 300000$' check "curl: GET" \
        curl -sS --http2-prior-knowledge -o /dev/null -w '%{http_code} %{size_download}\n' "$url"
    want='^200 1000000$' check "curl: upload" curl -sS --http2-prior-knowledge --data-binary "@$work/upload" \
        -o /dev/null -w '%{http_code} %{size_upload}\n' "$url"
    want='content-length: 300000' check "curl: HEAD" curl -sS --http2-prior-knowledge -I "$url"
fi
if has nghttpd; then
    foreign=1
    free=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    nghttpd --no-tls -a 127.0.0.1 -d "$work" "$free" &
    children+=($!)
    wait_for "$free"
    want='status=200 bytes=1000000$' check "nghttpd: download of 1 MB" \
        "$bin/h2_client_probe" --once "http://127.0.0.1:$free/upload"
    "$bin/h2_client_probe" --once "http://127.0.0.1:$free/nothing" >"$work/out"
    grep -q 'status=404' "$work/out" || { echo "FAILED: nghttpd: 404"; failed=$((failed + 1)); }
fi
echo "$ran ran, $failed failed"
[ "$failed" = 0 ] || exit 1
[ "$foreign" = 1 ] || exit 77
