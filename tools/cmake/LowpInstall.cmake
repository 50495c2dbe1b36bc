# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` and CPack hand out beside the rooms: the package's configuration, the program with its manual
# and completions (component runtime), and a .deb of that.
include_guard()
include(CMakePackageConfigHelpers)

get_property(LOWP_COMPONENTS GLOBAL PROPERTY LOWP_COMPONENTS)
get_property(LOWP_COMPONENT_LINES GLOBAL PROPERTY LOWP_COMPONENT_LINES)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/lowp-config.cmake.in ${PROJECT_BINARY_DIR}/lowp-config.cmake
  INSTALL_DESTINATION ${LOWP_PACKAGE_DIR} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lowp-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lowp-config.cmake ${PROJECT_BINARY_DIR}/lowp-config-version.cmake
  DESTINATION ${LOWP_PACKAGE_DIR} COMPONENT dev)
install(FILES ${PROJECT_BINARY_DIR}/generated/lowp/base/version.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lowp/base COMPONENT dev)

# The program writes its own manual and completions, when they are installed.
install(TARGETS precision-audit COMPONENT runtime)
set(texts ${PROJECT_BINARY_DIR}/texts)
install(CODE "
  file(MAKE_DIRECTORY \"${texts}\")
  foreach(text man bash zsh fish)
    execute_process(COMMAND \"$<TARGET_FILE:precision-audit>\" help \${text} OUTPUT_FILE \"${texts}/\${text}\" COMMAND_ERROR_IS_FATAL ANY)
  endforeach()" COMPONENT runtime)
foreach(row "man|${CMAKE_INSTALL_MANDIR}/man1|precision-audit.1"
            "bash|${CMAKE_INSTALL_DATADIR}/bash-completion/completions|precision-audit"
            "zsh|${CMAKE_INSTALL_DATADIR}/zsh/site-functions|_precision-audit"
            "fish|${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d|precision-audit.fish")
  string(REPLACE "|" ";" row ${row})
  list(GET row 0 text)
  list(GET row 1 folder)
  list(GET row 2 name)
  install(FILES ${texts}/${text} DESTINATION ${folder} RENAME ${name} COMPONENT runtime)
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/precision-audit RENAME copyright COMPONENT runtime)

# `cpack -G DEB` in the build folder: precision-audit, and liblowp-dev with the headers and libraries.
set(CPACK_PACKAGE_NAME precision-audit)
set(CPACK_PACKAGE_CONTACT "precision-audit developers <precision-audit@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "What a number format does to gradients, and which loss scale to start with")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL runtime dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME precision-audit)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION science)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_DEV_PACKAGE_NAME liblowp-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "libfmt-dev, libtbb-dev, libhwy-dev, zlib1g-dev, pkg-config")
set(CPACK_STRIP_FILES ON)
include(CPack)
