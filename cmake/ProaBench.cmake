# SPDX-License-Identifier: Apache-2.0
# The programs of bench/ that stand on this library alone, with the flags and the static library that users get.

if(TARGET protoc-gen-proa AND TARGET proa_static AND PROA_TESTS)
  add_executable(unary_ir ${PROJECT_SOURCE_DIR}/bench/unary_ir.c)
  proa_generate(TARGET unary_ir PROTOS ${PROJECT_SOURCE_DIR}/bench/echo.proto IMPORT_DIRS ${PROJECT_SOURCE_DIR}/bench)
  target_compile_definitions(unary_ir PRIVATE _DEFAULT_SOURCE)
  target_link_libraries(unary_ir PRIVATE proa_warnings proa::proa_static)
  if(TARGET bench_programs)
    add_dependencies(bench_programs unary_ir)
  endif()
endif()

# Instructions and allocations of a call must not grow unseen. Gated are the code and the compiler that the figures are of:
# GCC, optimised, no sanitizers; elsewhere there is no such test.
find_program(PROA_VALGRIND valgrind)
if(TARGET unary_ir AND PROA_LTO AND PROA_VALGRIND AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  find_program(PROA_PYTHON python3 REQUIRED)
  add_test(NAME instructions_gate COMMAND ${PROA_PYTHON} ${PROJECT_SOURCE_DIR}/bench/ir
    --program $<TARGET_FILE:unary_ir> --gate ${PROJECT_SOURCE_DIR}/bench/ir_gates.json)
  set_tests_properties(instructions_gate PROPERTIES TIMEOUT 300 LABELS gate)
endif()

# Beside protobuf-c and libprotobuf, where these are.
function(proa_add_codec_bench)
  find_program(PROA_PROTOC_C protoc-c)
  pkg_check_modules(PROTOBUF_C QUIET IMPORTED_TARGET libprotobuf-c)
  pkg_check_modules(PROTOBUF QUIET IMPORTED_TARGET protobuf)
  find_program(PROA_PROTOC protoc)
  if(NOT PROA_PROTOC_C OR NOT PROA_PROTOC OR NOT TARGET PkgConfig::PROTOBUF_C OR NOT TARGET PkgConfig::PROTOBUF)
    return()
  endif()
  set(dir ${PROJECT_SOURCE_DIR}/bench)
  set(out ${CMAKE_BINARY_DIR}/codec_bench)
  file(MAKE_DIRECTORY ${out})
  add_custom_command(OUTPUT ${out}/codec_mix.pb-c.c ${out}/codec_mix.pb-c.h ${out}/codec_mix.pb.cc ${out}/codec_mix.pb.h
    COMMAND ${PROA_PROTOC_C} -I ${dir} --c_out=${out} codec_mix.proto
    COMMAND ${PROA_PROTOC} -I ${dir} --cpp_out=${out} codec_mix.proto
    DEPENDS ${dir}/codec_mix.proto VERBATIM)
  # The code of others is compiled as they wrote it: with optimisation, without our warnings.
  add_library(bench_codec_others OBJECT EXCLUDE_FROM_ALL ${out}/codec_mix.pb-c.c ${out}/codec_mix.pb.cc)
  target_link_libraries(bench_codec_others PUBLIC PkgConfig::PROTOBUF_C PkgConfig::PROTOBUF)
  target_include_directories(bench_codec_others PUBLIC ${out})
  target_compile_options(bench_codec_others PRIVATE -O2 -w)
  add_executable(bench_codec EXCLUDE_FROM_ALL ${dir}/codec_proa.c ${dir}/codec_c.c ${dir}/codec_cpp.cc)
  add_dependencies(bench_codec bench_codec_others)
  add_dependencies(generated bench_codec)
  proa_generate(TARGET bench_codec PROTOS ${dir}/codec_mix.proto IMPORT_DIRS ${dir})
  target_compile_definitions(bench_codec PRIVATE _GNU_SOURCE)
  target_compile_options(bench_codec PRIVATE -O2)
  target_link_libraries(bench_codec PRIVATE proa_internal bench_codec_others)
  proa_link_folders(bench_codec base pb)
  if(PROA_LTO)
    target_link_options(bench_codec PRIVATE ${PROA_LTO_FLAGS})
  endif()
  if(TARGET bench_programs)
    add_dependencies(bench_programs bench_codec)
  endif()
endfunction()
if(TARGET proa_static AND PROA_TESTS)
  proa_add_codec_bench()
endif()
