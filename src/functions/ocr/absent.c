// What OpenCV, Tesseract, Leptonica and libtiff are linked with but a page never reaches: LAPACK and BLAS (decompositions
// and large products), OpenGL, downloads, archives, LERC pictures, writing of Zstandard, LZMA and WebP. Left out, the bundle is
// 90 MB lighter. A call either fails in the way its caller handles, or ends the process and says which routine was asked for.

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static void absent(const char* name) {
  fprintf(stderr, "%s is not in this bundle: link the function without LECTERN_LEAN to have it\n", name);
  abort();
}

#define LECTERN_ABSENT(name) \
  void name(void) { absent(#name); }

LECTERN_ABSENT(sgels_)
LECTERN_ABSENT(dgels_)
LECTERN_ABSENT(sgesdd_)
LECTERN_ABSENT(dgesdd_)
LECTERN_ABSENT(sposv_)
LECTERN_ABSENT(dposv_)
LECTERN_ABSENT(sgesv_)
LECTERN_ABSENT(dgesv_)
LECTERN_ABSENT(sgeqrf_)
LECTERN_ABSENT(dgeqrf_)
LECTERN_ABSENT(spotrf_)
LECTERN_ABSENT(dpotrf_)
LECTERN_ABSENT(sgetrf_)
LECTERN_ABSENT(dgetrf_)
LECTERN_ABSENT(cblas_sgemm)
LECTERN_ABSENT(cblas_dgemm)
LECTERN_ABSENT(cblas_cgemm)
LECTERN_ABSENT(cblas_zgemm)

// Tesseract asks for an archive reader first and reads the language file itself when there is none.
void* archive_read_new(void) { return NULL; }
LECTERN_ABSENT(archive_read_support_format_all)
LECTERN_ABSENT(archive_read_support_filter_all)
LECTERN_ABSENT(archive_read_open_filename)
LECTERN_ABSENT(archive_read_next_header)
LECTERN_ABSENT(archive_read_free)
LECTERN_ABSENT(archive_read_data)
LECTERN_ABSENT(archive_entry_size)
LECTERN_ABSENT(archive_entry_pathname)

LECTERN_ABSENT(curl_easy_init)
LECTERN_ABSENT(curl_easy_setopt)
LECTERN_ABSENT(curl_easy_perform)
LECTERN_ABSENT(curl_easy_cleanup)
LECTERN_ABSENT(curl_easy_strerror)

// OpenCV probes for OpenGL; NULL means there is none.
void* glXGetProcAddressARB(const unsigned char* name) {
  (void)name;
  return NULL;
}

// libtiff reports a picture whose compression fails, whatever the code.
enum { kLercFailed = 1 };
unsigned lerc_decode(void) { return kLercFailed; }
unsigned lerc_getBlobInfo(void) { return kLercFailed; }
unsigned lerc_encodeForVersion(void) { return kLercFailed; }

// Pictures are read in these codings and written in none.
LECTERN_ABSENT(ZSTD_compress)
LECTERN_ABSENT(ZSTD_compressBound)
LECTERN_ABSENT(ZSTD_compressStream)
LECTERN_ABSENT(ZSTD_createCStream)
LECTERN_ABSENT(ZSTD_endStream)
LECTERN_ABSENT(ZSTD_freeCStream)
LECTERN_ABSENT(ZSTD_initCStream)
LECTERN_ABSENT(ZSTD_maxCLevel)
LECTERN_ABSENT(lzma_stream_encoder)
LECTERN_ABSENT(WebPEncode)
LECTERN_ABSENT(WebPEncodeRGBA)
LECTERN_ABSENT(WebPEncodeLosslessRGBA)
LECTERN_ABSENT(WebPConfigInitInternal)
LECTERN_ABSENT(WebPValidateConfig)
LECTERN_ABSENT(WebPGetEncoderVersion)
LECTERN_ABSENT(WebPPictureInitInternal)
LECTERN_ABSENT(WebPPictureImportRGB)
LECTERN_ABSENT(WebPPictureImportRGBA)
LECTERN_ABSENT(WebPAnimEncoderAdd)
LECTERN_ABSENT(WebPAnimEncoderAssemble)
LECTERN_ABSENT(WebPAnimEncoderDelete)
LECTERN_ABSENT(WebPAnimEncoderNewInternal)
LECTERN_ABSENT(WebPAnimEncoderOptionsInitInternal)
LECTERN_ABSENT(WebPMuxAssemble)
LECTERN_ABSENT(WebPMuxCreateInternal)
LECTERN_ABSENT(WebPMuxDelete)
LECTERN_ABSENT(WebPMuxGetAnimationParams)
LECTERN_ABSENT(WebPMuxSetAnimationParams)
// Freeing what was never made.
void WebPPictureFree(void* picture) { (void)picture; }
