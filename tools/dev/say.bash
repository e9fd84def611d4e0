# SPDX-License-Identifier: Apache-2.0
# How ./dev speaks: results to stdout, failures to stderr with exit 1.

say() { printf '%s\n' "$*"; }
die() { printf 'dev: %s\n' "$*" >&2; exit 1; }

# Runs a command quietly: its output is shown when it fails, and kept in a file.
quietly() { # LOG COMMAND...
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    if ! "$@" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        return 1
    fi
}

# Runs a command in a network namespace of its own, so that ports never clash and nothing leaves the machine. Without
# the right to make one it runs in the machine's network: everything of ours listens on loopback alone anyway.
isolated() {
    if [[ -z ${PROA_ISOLATED:-} && $(id -u) == 0 ]] && unshare -n true 2>/dev/null; then
        PROA_ISOLATED=1 unshare -n bash -c 'ip link set lo up 2>/dev/null; exec "$@"' isolated "$@"
    else
        "$@"
    fi
}
