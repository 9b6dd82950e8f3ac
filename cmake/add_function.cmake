# add_function(NAME SOURCES a.cpp ... [STATIC] [LIBRARIES target ...])
#   A deployable function: build/PRESET/functions/NAME/bootstrap, ready to be zipped. STATIC links everything in, so that
#   the file runs in an empty root and starts without a dynamic linker; otherwise only libstdc++ and libgcc are inside.
function(add_function name)
  cmake_parse_arguments(arg "STATIC" "" "SOURCES;LIBRARIES" ${ARGN})
  set(target function_${name})
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE lectern_sdk ${arg_LIBRARIES})
  if(NOT LECTERN_SANITIZE)
    if(arg_STATIC)
      target_link_options(${target} PRIVATE -static)
      set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    else()
      target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc)
    endif()
  endif()
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME bootstrap RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/functions/${name})
endfunction()
