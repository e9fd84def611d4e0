# SPDX-License-Identifier: Apache-2.0
# Whole clients and servers over a simulated network and clock: many seeds, the story of one, or the planted faults.

SIM_SEEDS=2000 # and within as many each planted fault must be found

sim() {
    local count=${2:-$SIM_SEEDS}
    configure "$BUILD"
    case ${1:-} in
        '') compile "$BUILD" sim && "$BUILD/bin/sim" --seeds 1 "$SIM_SEEDS" --jobs "$JOBS" ;;
        --seeds) compile "$BUILD" sim && "$BUILD/bin/sim" --seeds "${3:-1}" "$count" --jobs "$JOBS" ;;
        --plants) compile "$BUILD" sim_plants && python3 tests/sim/plants.py "$BUILD/bin" "$count" ;;
        [0-9]*) compile "$BUILD" sim && "$BUILD/bin/sim" "$1" ;;
        *) die "sim: SEED tells a story, --seeds COUNT [FIRST] runs many, --plants [COUNT] judges the judge" ;;
    esac
}
