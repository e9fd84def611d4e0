# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where: headers, both libraries, programs, pkg-config file, CMake package.
include(CMakePackageConfigHelpers)

set(PROA_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/proa)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/proa DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
set(exported proa)
if(TARGET proa_static)
  list(APPEND exported proa_static)
endif()
if(TARGET protoc-gen-proa)
  list(APPEND exported protoc-gen-proa)
endif()
install(TARGETS ${exported} EXPORT proaTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET proa_tool)
  install(TARGETS proa_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(EXPORT proaTargets NAMESPACE proa:: DESTINATION ${PROA_CMAKE_DIR})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/proaConfig.cmake.in
  ${CMAKE_BINARY_DIR}/package/proaConfig.cmake INSTALL_DESTINATION ${PROA_CMAKE_DIR})
# Before 1.0 a minor version may change the API, so it has to match.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/proaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/package/proaConfig.cmake ${CMAKE_BINARY_DIR}/package/proaConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/ProaGenerate.cmake DESTINATION ${PROA_CMAKE_DIR})

# The prefix is said relative to the file, so the installed tree may be moved.
file(RELATIVE_PATH PROA_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" PROA_PC_PREFIX "${PROA_PC_PREFIX}")
configure_file(${PROJECT_SOURCE_DIR}/cmake/proa.pc.in ${CMAKE_BINARY_DIR}/package/proa.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/package/proa.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
