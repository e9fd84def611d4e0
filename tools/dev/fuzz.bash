# SPDX-License-Identifier: Apache-2.0
# libFuzzer over every target of tests/fuzz, with address and undefined sanitizers and assertions on. New inputs stay
# in build/fuzz/corpus; one that breaks a target is left in build/fuzz/found and named.

fuzz() { # [SECONDS] [TARGET]
    local seconds=20 only="" target name inputs ran=0 failed=0
    for argument in "$@"; do
        if [[ $argument =~ ^[0-9]+$ ]]; then seconds=$argument; else only=${argument%_fuzz}; fi
    done
    compgen -G 'tests/fuzz/*_fuzz.c' >/dev/null || die "fuzz: there is no target in tests/fuzz yet"
    local dir=$ROOT/build/fuzz
    configure "$dir" -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DPROA_FUZZ=ON -DPROA_EXAMPLES=OFF \
        -DPROA_SANITIZE=address,undefined -DCMAKE_BUILD_TYPE=RelWithDebInfo
    compile "$dir" fuzz_targets
    mkdir -p "$dir/found"
    for target in tests/fuzz/*_fuzz.c; do
        name=$(basename "$target" _fuzz.c)
        [[ -z $only || $only == "$name" ]] || continue
        ran=$((ran + 1))
        mkdir -p "$dir/corpus/$name" "tests/fuzz/corpus/$name"
        if quietly "$dir/log/$name" "$dir/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
            -print_final_stats=1 -artifact_prefix="$dir/found/$name-" "$dir/corpus/$name" "tests/fuzz/corpus/$name"; then
            inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/log/$name")
            say "$(printf '%-24s %12s inputs in %s s' "$name" "$inputs" "$seconds")"
        else
            failed=$((failed + 1))
            say "$name: FAILED, the input is in build/fuzz/found, the log in build/fuzz/log/$name"
        fi
        rmdir --ignore-fail-on-non-empty "tests/fuzz/corpus/$name"
    done
    [[ $ran -gt 0 ]] || die "fuzz: there is no target $only"
    say "$((ran - failed)) passed, $failed failed"
    [[ $failed -eq 0 ]]
}
