# SPDX-License-Identifier: Apache-2.0
# What each kind of command needs from Debian, and the peers in other languages (build/peers).

PACKAGES_build="gcc g++ libc6-dev cmake ninja-build pkg-config libuv1-dev libc-ares-dev libcmocka-dev
    libnghttp2-dev libssl-dev protobuf-compiler python3"
PACKAGES_test="libprotobuf-dev libprotoc-dev make binutils nghttp2-client nghttp2-server curl iproute2 openssl
    valgrind"
PACKAGES_lint="clang-format clang-tidy doxygen"
PACKAGES_docs="doxygen"
PACKAGES_fuzz="clang llvm libclang-rt-dev" # the last: what -fsanitize links
PACKAGES_bench="valgrind openssl util-linux libgrpc++-dev protobuf-compiler-grpc libprotobuf-dev libprotobuf-c-dev
    protobuf-c-compiler"
PACKAGES_peers="python3-venv iproute2 openssl"
GO_VERSION_MIN=26 # of go 1.N, as tests/peers/go/go.mod says

# Prints those of the packages that are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || printf '%s ' "$package"
    done
}

need_packages() { # KIND...
    local kind wanted="" missing
    if ! command -v dpkg-query >/dev/null; then
        command -v cmake >/dev/null || die "this is not Debian: install the like of: $PACKAGES_build"
        return
    fi
    for kind in "$@"; do
        local -n list=PACKAGES_$kind
        wanted+=" $list"
    done
    # shellcheck disable=SC2086 # a list of words
    missing=$(missing_packages $(printf '%s\n' $wanted | awk '!seen[$0]++'))
    [[ -n $missing ]] || return 0
    local sudo=""
    if [[ $(id -u) != 0 ]]; then
        if ! sudo -n true 2>/dev/null; then
            printf 'dev: some packages are missing; this installs them:\n' >&2
            printf 'sudo apt-get update && sudo apt-get install -y --no-install-recommends %s\n' "${missing% }" >&2
            exit 1
        fi
        sudo="sudo -n"
    fi
    say "Installing ${missing% } ..."
    # shellcheck disable=SC2086
    quietly build/log/apt $sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
        die "apt-get update failed"
    # shellcheck disable=SC2086
    quietly build/log/apt $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing ||
        die "apt-get install failed"
}

# Go programs: grpc-go's own interop programs and h2spec, one pinned module. Built when go.mod or go.sum changed.
need_go_peers() {
    local stamp=build/peers/go.stamp
    if [[ -e $stamp && $(cat tests/peers/go/go.mod tests/peers/go/go.sum | cksum) == "$(cat $stamp)" ]]; then
        return
    fi
    local go found
    go=$(command -v go || true)
    [[ -n $go || ! -x /usr/local/go/bin/go ]] || go=/usr/local/go/bin/go
    local need="the Go peers need Go 1.$GO_VERSION_MIN or newer in PATH (Debian 12's is too old): see tests/peers/README.md"
    [[ -n $go ]] || die "$need"
    found=$("$go" version | sed -E 's/.*go1\.([0-9]+).*/\1/')
    [[ $found -ge $GO_VERSION_MIN ]] || die "$need; found 1.$found"
    say "Building the Go peers into build/peers (two minutes the first time) ..."
    mkdir -p build/peers/bin
    # No -trimpath: the interop programs find their certificates by the path that they were built at.
    (cd tests/peers/go && quietly "$ROOT/build/log/peers_go" \
        "$go" build -p "$JOBS" -buildvcs=false -mod=readonly -o "$ROOT/build/peers/bin/" tool) ||
        die "the Go peers did not build"
    cat tests/peers/go/go.mod tests/peers/go/go.sum | cksum >$stamp
}

# grpcio in a virtual environment of its own.
need_python_peers() {
    local stamp=build/peers/python.stamp
    if [[ -e $stamp && $(cksum <tests/peers/python/requirements.txt) == "$(cat $stamp)" ]]; then
        return
    fi
    say "Installing the Python peers into build/peers ..."
    mkdir -p build/peers
    quietly build/log/peers_python python3 -m venv build/peers/python || die "python3 -m venv failed"
    quietly build/log/peers_python build/peers/python/bin/pip install --disable-pip-version-check --no-input \
        -r tests/peers/python/requirements.txt ||
        die "the Python peers did not install"
    cksum <tests/peers/python/requirements.txt >$stamp
}

need_peers() { # go python
    local peer
    for peer in "$@"; do
        "need_${peer}_peers"
    done
}
