# Targets with the property LECTERN_LEAN link the static archives of the libraries below, so that only what they call comes
# along; everybody else links the shared ones. LECTERN_LEAN_POSSIBLE says whether all archives are on this machine.
set(LECTERN_LEAN_POSSIBLE ON)
set(lean $<BOOL:$<TARGET_PROPERTY:LECTERN_LEAN>>)

# lean_archives(TARGET archive ...): TARGET links the archives in a lean target.
function(lean_archives target)
  foreach(name ${ARGN})
    find_library(LEAN_${name} NAMES lib${name}.a)
    if(NOT LEAN_${name})
      set(LECTERN_LEAN_POSSIBLE OFF PARENT_SCOPE)
      message(STATUS "lib${name}.a is not here: the ocr bundle will be large")
      return()
    endif()
    set_property(TARGET ${target} APPEND PROPERTY INTERFACE_LINK_LIBRARIES $<${lean}:${LEAN_${name}}>)
  endforeach()
endfunction()

# The shared libraries that pkg-config named stay for ordinary targets.
foreach(target PkgConfig::TESSERACT PkgConfig::RE2)
  get_target_property(shared ${target} INTERFACE_LINK_LIBRARIES)
  list(TRANSFORM shared PREPEND "$<$<NOT:${lean}>:")
  list(TRANSFORM shared APPEND ">")
  set_property(TARGET ${target} PROPERTY INTERFACE_LINK_LIBRARIES ${shared})
endforeach()
lean_archives(PkgConfig::TESSERACT tesseract lept tiff webpmux webp openjp2 gif png16 jpeg zstd lzma deflate jbig z)
lean_archives(PkgConfig::RE2 re2)
lean_archives(opencv_geometry opencv_imgproc opencv_core z)
find_library(LEAN_tbb NAMES libtbb.so.12)
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libgomp.a OUTPUT_VARIABLE LEAN_gomp OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT LEAN_tbb OR NOT EXISTS ${LEAN_gomp})
  set(LECTERN_LEAN_POSSIBLE OFF)
endif()
set_property(TARGET opencv_geometry APPEND PROPERTY INTERFACE_LINK_LIBRARIES $<${lean}:${LEAN_tbb}>)
set_property(TARGET PkgConfig::TESSERACT APPEND PROPERTY INTERFACE_LINK_LIBRARIES $<${lean}:${LEAN_gomp}>)

add_library(crypto_library INTERFACE)
target_link_libraries(crypto_library INTERFACE $<$<NOT:${lean}>:OpenSSL::Crypto>)
lean_archives(crypto_library crypto)
