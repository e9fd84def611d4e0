# SPDX-License-Identifier: Apache-2.0
# Contracts of other people, build/contracts/NAME: .proto files that we generate from and never commit, and the programs
# that keep them, build/peers: the Connect conformance suite, etcd, containerd.

find_go() { # prints the command; fails where there is none that is new enough
    local go
    go=$(command -v go || true)
    [[ -n $go || ! -x /usr/local/go/bin/go ]] || go=/usr/local/go/bin/go
    [[ -n $go && $("$go" version | sed -E 's/.*go1\.([0-9]+).*/\1/') -ge $GO_VERSION_MIN ]] || return 1
    printf '%s' "$go"
}

# The folder of a module that DIR/go.mod names.
module_folder() { # GO DIR MODULE
    (cd "$2" && "$1" mod download "$3" && "$1" list -mod=readonly -m -f '{{.Dir}}' "$3") || die "$3 could not be fetched"
}

need_connect() {
    local dir=tests/conformance/connect stamp=build/peers/connect.stamp module=connectrpc.com/conformance go source
    if [[ -e $stamp && $(cat $dir/go.mod $dir/go.sum | cksum) == "$(cat $stamp)" ]]; then
        return
    fi
    go=$(find_go) || die "the Connect suite needs Go 1.$GO_VERSION_MIN or newer in PATH (Debian 12's is too old)"
    say "Building the Connect conformance suite into build/peers (a minute the first time) ..."
    mkdir -p build/peers/bin
    (cd $dir && quietly "$ROOT/build/log/peers_connect" \
        "$go" build -p "$JOBS" -buildvcs=false -mod=readonly -o "$ROOT/build/peers/bin/" tool) ||
        die "the Connect suite did not build"
    source=$(module_folder "$go" $dir $module)
    rm -rf build/contracts/connect
    mkdir -p build/contracts/connect
    cp -r --no-preserve=mode "$source/proto/connectrpc" build/contracts/connect/
    cat $dir/go.mod $dir/go.sum | cksum >$stamp
}
