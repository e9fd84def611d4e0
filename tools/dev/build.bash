# SPDX-License-Identifier: Apache-2.0
# Configure, compile, test: one build folder each.

configure() { # DIR [CMAKE ARGUMENTS...]
    local dir=$1
    shift
    if [[ -e $dir/build.ninja && $# -eq 0 && -z ${PROA_BUILD_TYPE:-} ]]; then
        return # ninja configures again by itself when it must
    fi
    quietly "$dir/log/cmake" cmake -S "$ROOT" -B "$dir" -G Ninja ${PROA_BUILD_TYPE:+-DCMAKE_BUILD_TYPE=$PROA_BUILD_TYPE} "$@" ||
        die "cmake failed in $dir"
}

# Ninja's own status line on a terminal, else a line for every tenth and whatever a compiler says.
compile() { # DIR TARGET...
    local dir=$1
    shift
    if [[ -t 1 ]]; then
        NINJA_STATUS="[%p, %es] " ninja -C "$dir" -j "$JOBS" "$@" || die "the build failed"
        return
    fi
    NINJA_STATUS="[%p %es] " ninja -C "$dir" -j "$JOBS" "$@" 2>&1 | awk '
        /^(ninja: (Entering|no work)|-- )/ { next }
        /^\[ *[0-9]+% / { tenth = int(substr($0, 2) / 10)
                          if (!/FAILED/) { if (tenth > last) { print; last = tenth; fflush() } next } }
        { print; fflush() }' || die "the build failed"
}

# CTest's progress is one line on a terminal and as ever elsewhere.
run_tests() { # DIR [CTEST ARGUMENTS...]
    local dir=$1
    shift
    (cd "$dir" && isolated ctest -j "$JOBS" --progress --output-on-failure --no-tests=error "$@")
}
