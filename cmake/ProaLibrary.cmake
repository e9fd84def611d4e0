# SPDX-License-Identifier: Apache-2.0
# libproa, shared and static, out of the folders of rank 0 to 6; and each public header compiled by itself.

proa_folders_below(7 PROA_LIBRARY_FOLDERS)

foreach(folder IN LISTS PROA_LIBRARY_FOLDERS)
  if(TARGET proa_${folder})
    list(APPEND PROA_LIBRARY_OBJECTS $<TARGET_OBJECTS:proa_${folder}>)
  endif()
endforeach()

# One relocatable object, optimised as one with PROA_LTO, whose hidden symbols are made local, so that an internal name
# such as map_get cannot clash with a name of the program that links it.
if(PROA_LIBRARY_OBJECTS)
  set(PROA_ONE_OBJECT ${CMAKE_BINARY_DIR}/proa_one.o)
  if(PROA_LTO)
    string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
    separate_arguments(flags UNIX_COMMAND "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${type}}")
    set(join ${CMAKE_C_COMPILER} ${flags} ${PROA_LTO_FLAGS} -r -flinker-output=nolto-rel)
  else()
    set(join ${CMAKE_LINKER} -r)
  endif()
  add_custom_command(OUTPUT ${PROA_ONE_OBJECT}
    COMMAND ${join} -o ${PROA_ONE_OBJECT}.tmp ${PROA_LIBRARY_OBJECTS}
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${PROA_ONE_OBJECT}.tmp ${PROA_ONE_OBJECT}
    COMMAND ${CMAKE_COMMAND} -E rm ${PROA_ONE_OBJECT}.tmp
    DEPENDS ${PROA_LIBRARY_OBJECTS} COMMAND_EXPAND_LISTS VERBATIM COMMENT "Making one object of the library")
  add_custom_target(proa_one DEPENDS ${PROA_ONE_OBJECT}) # so that make does not make it twice at once
  set_source_files_properties(${PROA_ONE_OBJECT} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
endif()

# Shared: internal names are hidden, the SONAME changes with the ABI alone.
add_library(proa SHARED)
add_library(proa::proa ALIAS proa)
set_target_properties(proa PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0 LINKER_LANGUAGE C)
target_include_directories(proa PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
if(NOT PROA_LIBRARY_OBJECTS)
  file(WRITE ${CMAKE_BINARY_DIR}/nothing_yet.c "extern int proa_nothing_yet;\n")
  target_sources(proa PRIVATE ${CMAKE_BINARY_DIR}/nothing_yet.c)
elseif(PROA_LTO)
  target_sources(proa PRIVATE ${PROA_ONE_OBJECT})
  add_dependencies(proa proa_one)
else()
  target_sources(proa PRIVATE ${PROA_LIBRARY_OBJECTS})
endif()
target_link_libraries(proa PRIVATE PkgConfig::LIBUV Threads::Threads)
if(NOT PROA_SANITIZE AND NOT PROA_FUZZ)
  target_link_options(proa PRIVATE -Wl,--no-undefined -Wl,--as-needed)
endif()

if(PROA_LIBRARY_OBJECTS)
  add_library(proa_static STATIC ${PROA_ONE_OBJECT})
  add_library(proa::proa_static ALIAS proa_static)
  add_dependencies(proa_static proa_one)
  set_target_properties(proa_static PROPERTIES OUTPUT_NAME proa LINKER_LANGUAGE C)
  target_include_directories(proa_static PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(proa_static PRIVATE $<BUILD_INTERFACE:PkgConfig::LIBUV> $<BUILD_INTERFACE:Threads::Threads>)
endif()

# Each public header alone, as strict C11 and as C++17.
file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/proa/*.h)
foreach(header IN LISTS headers)
  get_filename_component(name ${header} NAME_WE)
  foreach(language c cpp)
    set(source ${CMAKE_BINARY_DIR}/header_checks/${name}_alone.${language})
    file(CONFIGURE OUTPUT ${source} CONTENT "#include \"proa/${name}.h\"\n#include \"proa/${name}.h\"\n")
    list(APPEND header_sources_${language} ${source})
  endforeach()
endforeach()
if(headers)
  add_library(proa_headers_c11 OBJECT ${header_sources_c})
  add_library(proa_headers_cxx17 OBJECT ${header_sources_cpp})
  foreach(check proa_headers_c11 proa_headers_cxx17)
    target_include_directories(${check} PRIVATE ${PROJECT_SOURCE_DIR}/include)
    target_compile_options(${check} PRIVATE -Wpedantic)
    target_link_libraries(${check} PRIVATE proa_warnings)
  endforeach()
endif()
