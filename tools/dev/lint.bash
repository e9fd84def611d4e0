# SPDX-License-Identifier: Apache-2.0
# The checkers of tools/, clang-format, clang-tidy, and the documentation of the public headers.

# C sources of ours. What a generator wrote is nobody's style; headers are tables, see .clang-format.
all_sources() {
    git ls-files --cached --others --exclude-standard -- '*.c' |
        grep -Ev '\.proa\.[ch]$|^tests/golden/' | while read -r file; do [[ ! -e $file ]] || printf '%s\n' "$file"; done
}

# What differs from the last commit, is new, or (on a clean tree) was changed by the last commit.
changed_sources() {
    local changed
    changed=$( (git diff --name-only HEAD; git ls-files --others --exclude-standard) | sort -u)
    [[ -n $changed ]] || changed=$(git show --name-only --format= HEAD)
    all_sources | grep -Fx -f <(printf '%s\n' "$changed") || true
}

fmt() {
    if [[ ${1:-} == --check ]]; then
        local bad
        bad=$(all_sources | xargs -r clang-format --dry-run 2>&1 |
            sed -n 's/^\([^:]*:[0-9]*\):.*/\1: not formatted (.\/dev fmt)/p' | sort -u -t: -k1,1) || true
        [[ -z $bad ]] || { printf '%s\n' "$bad"; return 1; }
        return
    fi
    [[ $# -eq 0 ]] || die "fmt: unknown option $1; there is --check"
    all_sources | xargs -r clang-format -i
}

# Warnings about an undocumented public symbol are errors; the lines name file and line.
build_docs() {
    mkdir -p build/docs build/log
    rm -f build/docs/warnings
    if ! doxygen Doxyfile >build/log/doxygen 2>&1 || [[ -s build/docs/warnings ]]; then
        cat build/docs/warnings build/log/doxygen 2>/dev/null | grep -E 'warning|error' | sed "s|^$ROOT/||" | sort -u >&2
        return 1
    fi
}

tidy() { # FILES...
    local sources
    # What the build compiles: the compile commands tell its flags. tests/nocompile and the like are for the compiler.
    sources=$(printf '%s\n' "$@" |
        grep -Fx -f <(sed -n "s|^ *\"file\": \"$ROOT/\(.*\)\".*|\1|p" "$BUILD/compile_commands.json") || true)
    [[ -n $sources ]] || return 0
    local flags=(-p "$BUILD" --quiet --warnings-as-errors='*' --extra-arg=-Wno-unknown-warning-option
        --extra-arg=-Wno-ignored-optimization-argument) failed=0
    # The analyzer walks every path of a function, minutes in all: not those of tests, which the sanitizers run anyway.
    # That there are none of a kind is no failure.
    { grep -Ev '_test(lib)?\.c$|^tests/' <<<"$sources" || true; } |
        xargs -r -P "$JOBS" -n 4 clang-tidy "${flags[@]}" >build/log/tidy 2>build/log/tidy.err || failed=1
    { grep -E '_test(lib)?\.c$|^tests/' <<<"$sources" || true; } |
        xargs -r -P "$JOBS" -n 8 clang-tidy "${flags[@]}" --checks='-clang-analyzer-*' \
            >>build/log/tidy 2>>build/log/tidy.err || failed=1
    ((failed)) || return 0
    # One line each; the path that the analyzer walked stands in the log.
    grep -E '(warning|error): ' build/log/tidy | sed "s|^$ROOT/||" | sort -u >&2
    say "build/log/tidy has the reasons" >&2
    return 1
}

lint() {
    local all=0 failed=0 sources checker
    [[ $# -eq 0 || ( $# -eq 1 && $1 == --all ) ]] || die "lint: unknown option $1; there is --all"
    [[ ${1:-} == --all ]] && all=1
    mkdir -p build/log
    for checker in tools/check_*.py; do
        [[ $checker == tools/check_exports.py ]] && continue # of a built library: a test
        python3 "$checker" || failed=1
    done
    say "format"
    fmt --check || failed=1
    say "documentation of include/proa"
    build_docs || failed=1
    if ((all)); then sources=$(all_sources); else sources=$(changed_sources); fi
    say "clang-tidy, $(printf '%s' "$sources" | grep -c '\.c$' || true) files"
    # Generated headers have to be there before anything that includes them is parsed.
    configure "$BUILD"
    compile "$BUILD" generated || failed=1
    # shellcheck disable=SC2086
    tidy $sources || failed=1
    ((failed == 0)) || die "lint found something"
    say "lint: clean"
}
