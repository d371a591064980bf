# Installs the headers, the CMake package (with a component for each adapter), the pkg-config files and the command.
# Nothing installed depends on the machine's architecture but the command.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(here ${CMAKE_CURRENT_LIST_DIR})
set(package_folder ${CMAKE_INSTALL_DATADIR}/cmake/queuectl)
set(pkgconfig_folder ${CMAKE_INSTALL_DATADIR}/pkgconfig)

install(TARGETS queuectl EXPORT queuectl-targets)
install(EXPORT queuectl-targets NAMESPACE queuectl:: DESTINATION ${package_folder})
install(DIRECTORY include/queuectl DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")

configure_package_config_file(${here}/queuectlConfig.cmake.in ${PROJECT_BINARY_DIR}/queuectlConfig.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/queuectlConfigVersion.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/queuectlConfig.cmake ${PROJECT_BINARY_DIR}/queuectlConfigVersion.cmake
  DESTINATION ${package_folder})
configure_file(${here}/queuectl.pc.in ${PROJECT_BINARY_DIR}/queuectl.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/queuectl.pc DESTINATION ${pkgconfig_folder})

# queuectl_install_adapter(NAME): what is built of adapters/NAME becomes the package's component NAME, with a
# pkg-config file of its own.
function(queuectl_install_adapter name)
  if(NOT TARGET queuectl_${name})
    return()
  endif()
  set_target_properties(queuectl_${name} PROPERTIES EXPORT_NAME ${name})
  install(TARGETS queuectl_${name} EXPORT queuectl-${name}-targets)
  install(EXPORT queuectl-${name}-targets NAMESPACE queuectl:: DESTINATION ${package_folder})
  install(DIRECTORY adapters/${name}/include/queuectl DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.hpp")
  configure_file(${here}/queuectl-${name}.pc.in ${PROJECT_BINARY_DIR}/queuectl-${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/queuectl-${name}.pc DESTINATION ${pkgconfig_folder})
endfunction()
queuectl_install_adapter(sqlite)
queuectl_install_adapter(redis)
queuectl_install_adapter(lmdb)

if(TARGET queuectl_command)
  install(TARGETS queuectl_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
