# add_function(NAME SOURCES a.cpp ... [STATIC] [LIBRARIES target ...])
#   A deployable function: build/PRESET/functions/NAME/bootstrap, ready to be zipped. STATIC links everything in, so that
#   the file runs in an empty root and starts without a dynamic linker; otherwise only libstdc++ and libgcc are inside.
function(add_function name)
  cmake_parse_arguments(arg "STATIC" "" "SOURCES;LIBRARIES" ${ARGN})
  set(target function_${name})
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE lectern_sdk ${arg_LIBRARIES})
  if(LECTERN_SANITIZE MATCHES address)
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src/sdk/asan_options.cpp)
  endif()
  if(NOT arg_LIBRARIES)
    set_target_properties(${target} PROPERTIES LECTERN_ONE_THREAD ON)
  endif()
  if(NOT LECTERN_SANITIZE OR (LECTERN_SANITIZE STREQUAL "thread" AND NOT arg_LIBRARIES))
    if(arg_STATIC)
      target_link_options(${target} PRIVATE -static)
      set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    else()
      target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc)
    endif()
  endif()
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME bootstrap RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/functions/${name})
  set_property(GLOBAL APPEND PROPERTY LECTERN_FUNCTIONS ${target})
endfunction()

# carry_onnx_runtime(NAME): the bundle of the function NAME holds ONNX Runtime beside the program, so that it runs where
# only the system's libraries are.
function(carry_onnx_runtime name)
  set(target function_${name})
  set_target_properties(${target} PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN/lib")
  get_filename_component(file ${OnnxRuntime_LIBRARY} NAME)
  set(copy ${CMAKE_BINARY_DIR}/functions/${name}/lib/${file})
  add_custom_command(OUTPUT ${copy}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/functions/${name}/lib
    COMMAND ${CMAKE_COMMAND} -E copy ${OnnxRuntime_LIBRARY} ${copy}
    DEPENDS ${OnnxRuntime_LIBRARY})
  add_custom_target(${target}_library ALL DEPENDS ${copy})
  add_dependencies(${target} ${target}_library)
endfunction()

# The project's own weights stand beside the function; fetched ones come from the folder that LECTERN_MODELS names. What is
# packed leaves ctpn-vgg16 out (src/functions/serverless.yml).
function(carry_own_weights name)
  set(folder ${CMAKE_BINARY_DIR}/functions/${name}/models)
  foreach(model ctpn-small ctpn-vgg16 ctpn-gaps rec-latin)
    add_custom_command(OUTPUT ${folder}/${model}.onnx
      COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
      COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_SOURCE_DIR}/models/${model}.onnx ${folder}/${model}.onnx
      DEPENDS ${CMAKE_SOURCE_DIR}/models/${model}.onnx)
    list(APPEND weights ${folder}/${model}.onnx)
  endforeach()
  add_custom_target(function_${name}_weights ALL DEPENDS ${weights})
  add_dependencies(function_${name} function_${name}_weights)
endfunction()
