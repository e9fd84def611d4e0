# SPDX-License-Identifier: Apache-2.0
# The flags of every target of ours and the libraries we stand on.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

# Never NDEBUG: assertions are part of every build of ours, and of the tests that use <assert.h>.
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
  set(CMAKE_C_FLAGS_RELEASE "-O2")
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g")
  set(CMAKE_CXX_FLAGS_RELEASE "-O2")
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(LIBUV REQUIRED IMPORTED_TARGET libuv libcares openssl) # what io stands on
if(PROA_TESTS)
  pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
  pkg_check_modules(NGHTTP2 IMPORTED_TARGET libnghttp2) # the other end and the oracle, in tests alone
endif()

# Who builds the tests works on proa; who only builds or embeds it may have a compiler that warns of more than ours.
option(PROA_WERROR "Warnings are errors" ${PROA_TESTS})
add_library(proa_warnings INTERFACE)
target_compile_options(proa_warnings INTERFACE -Wall -Wextra $<$<BOOL:${PROA_WERROR}>:-Werror>
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes>
  # `buffer *buffer` is our style: a variable named after its type; only variables over variables are a mistake.
  $<$<AND:$<COMPILE_LANGUAGE:C>,$<C_COMPILER_ID:GNU>>:-Wshadow=local>)

# Hidden visibility, our two include roots; what all sources of src/ and tests/ are compiled with.
add_library(proa_internal INTERFACE)
# -fno-plt and no semantic interposition: calls between our own files never go through a table.
target_compile_options(proa_internal INTERFACE -fvisibility=hidden -fno-plt -fno-semantic-interposition)
target_compile_definitions(proa_internal INTERFACE _DEFAULT_SOURCE _POSIX_C_SOURCE=200809L
  PROA_VERSION="${PROJECT_VERSION}") # one place says it: project() of CMakeLists.txt
target_include_directories(proa_internal INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(proa_internal INTERFACE proa_warnings Threads::Threads)

# Optimising over all files costs nothing in Debug builds and saves a fifth of a call's instructions in the others. Each
# object is a plain one as well (fat), which is what tests and the plugin link; ProaLibrary.cmake makes the one object of
# both libraries out of the other half, so that neither needs a compiler's plugin to be used. Only GCC can do that.
set(PROA_LTO_DEFAULT OFF)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo|MinSizeRel)$"
    AND NOT PROA_SANITIZE AND NOT PROA_FUZZ)
  set(PROA_LTO_DEFAULT ON)
endif()
option(PROA_LTO "Optimise the libraries over all files at once (GCC)" ${PROA_LTO_DEFAULT})
if(PROA_LTO)
  set(PROA_LTO_FLAGS -flto=auto)
  add_link_options(-fno-lto) # GCC's linker plugin would do it again for every program that links our objects
endif()

if(PROA_SANITIZE)
  add_compile_options(-fsanitize=${PROA_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${PROA_SANITIZE})
  if(PROA_SANITIZE MATCHES "thread" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)
  endif()
endif()
if(CMAKE_C_COMPILER_ID MATCHES "Clang")
  add_compile_options(-gdwarf-4) # binutils 2.40 and valgrind 3.19 do not read clang-14's DWARF 5
endif()
if(PROA_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "PROA_FUZZ needs clang: cmake -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
