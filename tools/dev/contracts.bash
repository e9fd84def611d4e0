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

# ---- For ./dev interop, in the manner of peers.bash: peer_NAME brings what tests/peers/NAME/run needs, or lacks.
SERVICES="etcd cri"

# What Debian's packages hold, unpacked and not installed, in build/peers/NAME; FILE tells that it is there.
unpack_debian() { # NAME FILE PACKAGES...
    local dir=$ROOT/build/peers/$1 file=$2 log=$ROOT/build/log/peers_$1
    shift 2
    [[ ! -e $dir/$file ]] || return 0
    say "Unpacking Debian's $* into ${dir#"$ROOT"/} ..."
    rm -rf "$dir"
    mkdir -p "$dir"
    local get=(apt-get -o "APT::Sandbox::User=$(id -un)" download "$@") package
    if ! (cd "$dir" && "${get[@]}") >/dev/null 2>&1; then
        # The lists of packages may be older than the packages.
        [[ $(id -u) != 0 ]] || quietly build/log/apt apt-get update -qq || true
        (cd "$dir" && quietly "$log" "${get[@]}") || die "$* could not be fetched: apt-get update?"
    fi
    for package in "$dir"/*.deb; do dpkg -x "$package" "$dir"; done
    rm "$dir"/*.deb
}

# Etcd's contract, at the same place wherever it comes from: etcd 3.4 had other folders.
keep_etcd_contract() { # RPC-PROTO KV-PROTO AUTH-PROTO
    local to=build/contracts/etcd/etcd/api
    mkdir -p $to/etcdserverpb $to/mvccpb $to/authpb
    python3 tools/dev/contract.py "$2" $to/mvccpb/kv.proto
    python3 tools/dev/contract.py "$3" $to/authpb/auth.proto
    python3 tools/dev/contract.py "$1" $to/etcdserverpb/rpc.proto etcd/mvcc/=etcd/api/ etcd/auth/=etcd/api/
}

etcd_of_go() { # GO
    local dir=tests/peers/etcd stamp=build/peers/etcd.stamp command api
    is_current $stamp $dir/go.mod $dir/go.sum tools/dev/contract.py && [[ -d build/contracts/etcd ]] && return
    say "Building etcd into build/peers (a minute the first time) ..."
    mkdir -p build/peers/bin
    for command in etcd=server etcdctl=etcdctl; do
        (cd $dir && quietly "$ROOT/build/log/peers_etcd" "$1" build -p "$JOBS" -buildvcs=false -mod=readonly \
            -o "$ROOT/build/peers/bin/${command%=*}" "go.etcd.io/etcd/${command#*=}/v3") || die "etcd did not build"
    done
    api=$(module_folder "$1" $dir go.etcd.io/etcd/api/v3)
    keep_etcd_contract "$api/etcdserverpb/rpc.proto" "$api/mvccpb/kv.proto" "$api/authpb/auth.proto"
    cat $dir/go.mod $dir/go.sum tools/dev/contract.py | cksum >$stamp
}

etcd_of_debian() {
    local source=build/peers/etcd-debian/usr/share/gocode/src/go.etcd.io/etcd
    unpack_debian etcd-debian usr/bin/etcd etcd-server etcd-client golang-etcd-server-dev
    [[ -d build/contracts/etcd ]] || keep_etcd_contract \
        $source/etcdserver/etcdserverpb/rpc.proto $source/mvcc/mvccpb/kv.proto $source/auth/authpb/auth.proto
}

peer_etcd() {
    local go
    if go=$(find_go); then etcd_of_go "$go"; fi
    if command -v apt-get >/dev/null; then
        etcd_of_debian
    elif [[ -z $go ]]; then
        lack "etcd comes from its Go module or from Debian's package; this machine has neither Go 1.$GO_VERSION_MIN nor apt-get"
    fi
}

peer_cri() {
    local dir=tests/peers/cri stamp=build/peers/cri.stamp go source
    go=$(find_go) || lack "its contract comes from a Go module, Go 1.$GO_VERSION_MIN or newer is not in PATH"
    command -v apt-get >/dev/null || lack "containerd comes from a Debian package, this is not Debian"
    [[ $(id -u) == 0 ]] || lack "containerd runs as root alone"
    unpack_debian containerd usr/bin/containerd containerd
    is_current $stamp $dir/go.mod $dir/go.sum tools/dev/contract.py && [[ -d build/contracts/cri ]] && return
    source=$(module_folder "$go" $dir k8s.io/cri-api)
    mkdir -p build/contracts/cri
    python3 tools/dev/contract.py "$source/pkg/apis/runtime/v1/api.proto" build/contracts/cri/api.proto
    cat $dir/go.mod $dir/go.sum tools/dev/contract.py | cksum >$stamp
}
