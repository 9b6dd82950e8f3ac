# ONNX Runtime: target OnnxRuntime::OnnxRuntime (library and C header), wherever they came from.
# Looked for in LECTERN_ASSETS (filled by tools/fetch_assets), then on the system.
if(NOT LECTERN_ASSETS)
  if(DEFINED ENV{LECTERN_ASSETS})
    set(LECTERN_ASSETS $ENV{LECTERN_ASSETS})
  else()
    set(LECTERN_ASSETS $ENV{HOME}/.cache/lectern/assets)
  endif()
endif()
set(LECTERN_ASSETS ${LECTERN_ASSETS} CACHE PATH "Folder that tools/fetch_assets fills")
find_path(OnnxRuntime_INCLUDE_DIR onnxruntime_c_api.h
  HINTS ${LECTERN_ASSETS}/onnxruntime/include PATH_SUFFIXES onnxruntime onnxruntime/core/session)
find_library(OnnxRuntime_LIBRARY NAMES libonnxruntime.so.1 onnxruntime HINTS ${LECTERN_ASSETS}/onnxruntime/lib)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OnnxRuntime
  REQUIRED_VARS OnnxRuntime_LIBRARY OnnxRuntime_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "run tools/fetch_assets")
# An older library of half the size for bundles (src/functions/ocr): the functions that src/model calls are in both.
find_library(OnnxRuntime_LEAN_LIBRARY NAMES libonnxruntime.so.1.18.0 PATHS ${LECTERN_ASSETS}/onnxruntime/lean NO_DEFAULT_PATH)
if(OnnxRuntime_FOUND AND NOT TARGET OnnxRuntime::OnnxRuntime)
  add_library(OnnxRuntime::OnnxRuntime INTERFACE IMPORTED)
  target_include_directories(OnnxRuntime::OnnxRuntime INTERFACE ${OnnxRuntime_INCLUDE_DIR})
  target_link_libraries(OnnxRuntime::OnnxRuntime INTERFACE
    $<IF:$<BOOL:$<TARGET_PROPERTY:LECTERN_LEAN>>,${OnnxRuntime_LEAN_LIBRARY},${OnnxRuntime_LIBRARY}>)
endif()
