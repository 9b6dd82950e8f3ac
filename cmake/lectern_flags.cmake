# Warnings and sanitizers for our own targets; presets choose the sanitizer.
set(LECTERN_SANITIZE "" CACHE STRING "address,undefined or thread; empty for none")

add_library(lectern_flags INTERFACE)
target_include_directories(lectern_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(lectern_flags INTERFACE
  -Wall -Wextra -Wno-missing-field-initializers -fno-omit-frame-pointer)
if(LECTERN_SANITIZE)
  set(watched 1)
  if(LECTERN_SANITIZE STREQUAL "thread")
    # Not targets with the property LECTERN_ONE_THREAD: there is nothing to find in them, and the sanitizer's own thread
    # forbids what they live by, joining namespaces and forking.
    set(watched $<NOT:$<BOOL:$<TARGET_PROPERTY:LECTERN_ONE_THREAD>>>)
  endif()
  target_compile_options(lectern_flags INTERFACE $<${watched}:-fsanitize=${LECTERN_SANITIZE}> -fno-sanitize-recover=undefined)
  target_link_options(lectern_flags INTERFACE $<${watched}:-fsanitize=${LECTERN_SANITIZE}>)
endif()
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Base directory and no directory hashing let several checkouts share one cache.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()
