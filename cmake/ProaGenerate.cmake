# SPDX-License-Identifier: Apache-2.0
# proa_generate(TARGET t PROTOS a.proto... [IMPORT_DIRS dir...] [OPTIONS name=value...] [OUTPUT_DIR dir])
#
# Runs protoc with protoc-gen-proa over each .proto and adds x.proa.c and x.proa.h to target t, with their folder on
# its include path. A .proto is named as a path relative to one of IMPORT_DIRS, or relative to the current source
# folder, or absolutely; it is generated under its path below the import folder, as protoc does. Without IMPORT_DIRS the
# current source folder is the one. Call it in the CMakeLists.txt that creates t. The target still links
# proa::proa (or proa::proa_static) itself.
#
# The same file serves inside the project and in the installed package.

# Finds what protoc will call `name`: the path of `proto` below the import folder that holds it (the longest fit).
function(_proa_find_proto proto dirs out_file out_name)
  set(file "")
  if(IS_ABSOLUTE ${proto})
    set(file ${proto})
  else()
    foreach(dir IN LISTS dirs ITEMS ${CMAKE_CURRENT_SOURCE_DIR})
      if(NOT file AND EXISTS ${dir}/${proto})
        set(file ${dir}/${proto})
      endif()
    endforeach()
  endif()
  if(NOT file OR NOT EXISTS ${file})
    message(FATAL_ERROR "proa_generate: ${proto}: no such file below ${dirs}")
  endif()
  set(best "")
  foreach(dir IN LISTS dirs)
    file(RELATIVE_PATH relative ${dir} ${file})
    string(LENGTH ${relative} length)
    if(NOT relative MATCHES "^\\.\\./" AND (NOT best OR length LESS best_length))
      set(best ${relative})
      set(best_length ${length})
    endif()
  endforeach()
  if(NOT best)
    message(FATAL_ERROR "proa_generate: ${file} is in none of IMPORT_DIRS: ${dirs}")
  endif()
  set(${out_file} ${file} PARENT_SCOPE)
  set(${out_name} ${best} PARENT_SCOPE)
endfunction()

function(proa_generate)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "TARGET;OUTPUT_DIR" "PROTOS;IMPORT_DIRS;OPTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "proa_generate: unknown argument ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_TARGET OR NOT TARGET ${arg_TARGET})
    message(FATAL_ERROR "proa_generate: TARGET must name a target that exists")
  endif()
  if(NOT arg_PROTOS)
    message(FATAL_ERROR "proa_generate: PROTOS is empty")
  endif()
  if(NOT TARGET proa::protoc-gen-proa)
    message(FATAL_ERROR "proa_generate: there is no protoc-gen-proa: find_package(proa) comes first")
  endif()
  find_program(PROA_PROTOC protoc DOC "The protobuf compiler")
  if(NOT PROA_PROTOC)
    message(FATAL_ERROR "proa_generate: protoc was not found (Debian: protobuf-compiler); or set PROA_PROTOC")
  endif()
  if(NOT arg_IMPORT_DIRS)
    set(arg_IMPORT_DIRS ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  set(dirs)
  set(flags)
  foreach(dir IN LISTS arg_IMPORT_DIRS)
    get_filename_component(dir ${dir} ABSOLUTE)
    list(APPEND dirs ${dir})
    list(APPEND flags -I${dir})
  endforeach()
  foreach(option IN LISTS arg_OPTIONS)
    list(APPEND flags --proa_opt=${option})
  endforeach()
  if(NOT arg_OUTPUT_DIR)
    set(arg_OUTPUT_DIR ${CMAKE_CURRENT_BINARY_DIR}/proa/${arg_TARGET})
  endif()
  get_filename_component(out ${arg_OUTPUT_DIR} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_BINARY_DIR})
  file(MAKE_DIRECTORY ${out})

  foreach(proto IN LISTS arg_PROTOS)
    _proa_find_proto(${proto} "${dirs}" file name)
    string(REGEX REPLACE "\\.proto$" ".proa" stem ${name})
    # protoc writes the imports of the file into the dependency file, so a change in one of them generates again. It
    # does not quote spaces there: with them nothing is ever up to date, so imports are not followed then.
    set(depfile DEPFILE ${out}/${stem}.d)
    if("${out}${dirs}" MATCHES " ")
      set(depfile)
    endif()
    add_custom_command(OUTPUT ${out}/${stem}.c ${out}/${stem}.h
      COMMAND ${PROA_PROTOC} --plugin=protoc-gen-proa=$<TARGET_FILE:proa::protoc-gen-proa> ${flags}
              --proa_out=${out} --dependency_out=${out}/${stem}.d ${name}
      DEPENDS ${file} proa::protoc-gen-proa $<TARGET_FILE:proa::protoc-gen-proa>
      ${depfile}
      VERBATIM COMMENT "Generating ${stem}.c and .h")
    target_sources(${arg_TARGET} PRIVATE ${out}/${stem}.c ${out}/${stem}.h)
  endforeach()
  get_target_property(type ${arg_TARGET} TYPE)
  if(type STREQUAL "EXECUTABLE")
    target_include_directories(${arg_TARGET} PRIVATE ${out})
  else()
    target_include_directories(${arg_TARGET} PUBLIC $<BUILD_INTERFACE:${out}>)
  endif()
endfunction()
