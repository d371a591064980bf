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

if(TARGET queuectl_sqlite)
  set_target_properties(queuectl_sqlite PROPERTIES EXPORT_NAME sqlite)
  install(TARGETS queuectl_sqlite EXPORT queuectl-sqlite-targets)
  install(EXPORT queuectl-sqlite-targets NAMESPACE queuectl:: DESTINATION ${package_folder})
  install(DIRECTORY adapters/sqlite/include/queuectl DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.hpp")
  configure_file(${here}/queuectl-sqlite.pc.in ${PROJECT_BINARY_DIR}/queuectl-sqlite.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/queuectl-sqlite.pc DESTINATION ${pkgconfig_folder})
endif()
if(TARGET queuectl_redis)
  set_target_properties(queuectl_redis PROPERTIES EXPORT_NAME redis)
  install(TARGETS queuectl_redis EXPORT queuectl-redis-targets)
  install(EXPORT queuectl-redis-targets NAMESPACE queuectl:: DESTINATION ${package_folder})
  install(DIRECTORY adapters/redis/include/queuectl DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.hpp")
  configure_file(${here}/queuectl-redis.pc.in ${PROJECT_BINARY_DIR}/queuectl-redis.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/queuectl-redis.pc DESTINATION ${pkgconfig_folder})
endif()
if(TARGET queuectl_lmdb)
  set_target_properties(queuectl_lmdb PROPERTIES EXPORT_NAME lmdb)
  install(TARGETS queuectl_lmdb EXPORT queuectl-lmdb-targets)
  install(EXPORT queuectl-lmdb-targets NAMESPACE queuectl:: DESTINATION ${package_folder})
  install(DIRECTORY adapters/lmdb/include/queuectl DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.hpp")
  configure_file(${here}/queuectl-lmdb.pc.in ${PROJECT_BINARY_DIR}/queuectl-lmdb.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/queuectl-lmdb.pc DESTINATION ${pkgconfig_folder})
endif()
if(TARGET queuectl_command)
  install(TARGETS queuectl_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
