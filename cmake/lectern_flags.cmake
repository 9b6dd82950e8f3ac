# Warnings and sanitizers for our own targets; presets choose the sanitizer.
set(LECTERN_SANITIZE "" CACHE STRING "address,undefined or thread; empty for none")

add_library(lectern_flags INTERFACE)
target_include_directories(lectern_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(lectern_flags INTERFACE
  -Wall -Wextra -Wno-missing-field-initializers -fno-omit-frame-pointer)
if(LECTERN_SANITIZE)
  target_compile_options(lectern_flags INTERFACE -fsanitize=${LECTERN_SANITIZE} -fno-sanitize-recover=undefined)
  target_link_options(lectern_flags INTERFACE -fsanitize=${LECTERN_SANITIZE})
endif()
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Base directory and no directory hashing let several checkouts share one cache.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()
