# SPDX-License-Identifier: Apache-2.0
# src/: one object library proa_<folder> for each folder of tools/ranks.txt, one executable for each *_test.c.
#
#   <stem>_test.c     a test program of its own, linked with its folder and every lower rank
#   <stem>_testlib.c  code that several tests of one folder share: in each of them, never in the library
#   google/**.proa.c  generated code that is checked in, part of the folder
#   main.c            of a program (rank 8): not in the object library, so that its tests have their own main

include(ProaLadder)

function(proa_add_folder folder rank)
  set(dir ${PROJECT_SOURCE_DIR}/src/${folder})
  file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.c)
  list(FILTER sources EXCLUDE REGEX "_(test|testlib)\\.c$")
  list(FILTER sources EXCLUDE REGEX "/main\\.c$")
  file(GLOB_RECURSE generated CONFIGURE_DEPENDS ${dir}/*.proa.c)
  list(APPEND sources ${generated})
  list(REMOVE_DUPLICATES sources)
  if(NOT sources)
    return()
  endif()
  add_library(proa_${folder} OBJECT ${sources})
  target_link_libraries(proa_${folder} PRIVATE proa_internal)
  if(PROA_LTO AND NOT folder STREQUAL "plugin") # what the libraries and the tool are made of
    target_compile_options(proa_${folder} PRIVATE ${PROA_LTO_FLAGS} -ffat-lto-objects)
  endif()
  proa_include_generated(proa_${folder} ${folder})
  if(rank GREATER_EQUAL 3)
    target_link_libraries(proa_${folder} PRIVATE PkgConfig::LIBUV)
  endif()
endfunction()

function(proa_add_unit_tests folder rank)
  set(dir ${PROJECT_SOURCE_DIR}/src/${folder})
  file(GLOB tests CONFIGURE_DEPENDS ${dir}/*_test.c)
  file(GLOB shared CONFIGURE_DEPENDS ${dir}/*_testlib.c)
  proa_folders_below(${rank} lower)
  if(folder STREQUAL "plugin")
    set(lower base pb) # the plugin links nothing else either
  endif()
  foreach(source IN LISTS tests)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source} ${shared})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    target_link_libraries(${name} PRIVATE proa_internal PkgConfig::CMOCKA)
    proa_link_folders(${name} ${folder} ${lower})
    if(TARGET PkgConfig::NGHTTP2 AND rank LESS_EQUAL 3)
      target_link_libraries(${name} PRIVATE PkgConfig::NGHTTP2)
      target_compile_definitions(${name} PRIVATE PROA_HAVE_NGHTTP2=1)
    endif()
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${PROA_TEST_TIMEOUT} LABELS "unit;${folder}")
  endforeach()
endfunction()

# The one source that says who we are on the wire: user-agent.
set_property(SOURCE ${PROJECT_SOURCE_DIR}/src/rpc/request.c APPEND PROPERTY COMPILE_DEFINITIONS
  PROA_VERSION="${PROJECT_VERSION}")

if(PROA_TESTS)
  enable_testing()
endif()
foreach(folder IN LISTS PROA_FOLDERS)
  proa_add_folder(${folder} ${PROA_RANK_${folder}})
endforeach()
if(PROA_TESTS)
  foreach(folder IN LISTS PROA_FOLDERS)
    proa_add_unit_tests(${folder} ${PROA_RANK_${folder}})
  endforeach()
endif()
