# Configures, builds and runs PROJECT in a fresh folder BUILD.
file(REMOVE_RECURSE ${BUILD})
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${ARGN}: ${code}\n${out}")
  endif()
endfunction()
run(${CMAKE_COMMAND} -S ${PROJECT} -B ${BUILD} -G ${GENERATOR} -D CMAKE_CXX_COMPILER=${COMPILER}
  -D "CMAKE_CXX_FLAGS=${FLAGS}" -D CMAKE_PREFIX_PATH=${PREFIX} -D QUEUECTL_ROOT=${ROOT} -D WITH_SQLITE=${SQLITE}
  -D WITH_LMDB=${LMDB} -D WITH_REDIS=${REDIS}
  # Our headers are shown to the user's warnings like their own.
  -D CMAKE_NO_SYSTEM_FROM_IMPORTED=ON)
run(${CMAKE_COMMAND} --build ${BUILD})
run(${BUILD}/consumer ${BUILD}/jobs.db)
