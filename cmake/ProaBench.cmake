# SPDX-License-Identifier: Apache-2.0
# The programs of bench/ that stand on this library alone, with the flags and the static library that users get.

if(TARGET protoc-gen-proa AND TARGET proa_static AND PROA_TESTS)
  add_executable(unary_ir ${PROJECT_SOURCE_DIR}/bench/unary_ir.c)
  proa_generate(TARGET unary_ir PROTOS ${PROJECT_SOURCE_DIR}/bench/echo.proto IMPORT_DIRS ${PROJECT_SOURCE_DIR}/bench)
  target_compile_definitions(unary_ir PRIVATE _DEFAULT_SOURCE)
  target_link_libraries(unary_ir PRIVATE proa_warnings proa::proa_static)
endif()
