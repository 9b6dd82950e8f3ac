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
# One version for the program and for bundles: two give confidences that differ in the third decimal. This one is half the
# size of later ones.
find_library(OnnxRuntime_LIBRARY NAMES libonnxruntime.so.1.18.0 onnxruntime HINTS ${LECTERN_ASSETS}/onnxruntime/lean)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OnnxRuntime
  REQUIRED_VARS OnnxRuntime_LIBRARY OnnxRuntime_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "run tools/fetch_assets")
if(OnnxRuntime_FOUND AND NOT TARGET OnnxRuntime::OnnxRuntime)
  add_library(OnnxRuntime::OnnxRuntime INTERFACE IMPORTED)
  target_include_directories(OnnxRuntime::OnnxRuntime INTERFACE ${OnnxRuntime_INCLUDE_DIR})
  target_link_libraries(OnnxRuntime::OnnxRuntime INTERFACE ${OnnxRuntime_LIBRARY})
endif()
