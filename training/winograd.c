// Transforms of Winograd's convolution F(4x4, 3x3) (Lavin and Gray 2016, arXiv:1509.09308) and their adjoints over NHWC
// tensors: tiles of 6x6 overlapping by 2, channels innermost so that every loop over them is a vector loop.
#include <stddef.h>
#include <string.h>

enum { B = 16 };  // channels a block: two AVX registers
typedef float block[B];

static inline void load(float* d, const float* s, int n) {
  if (n == B) { memcpy(d, s, sizeof(block)); return; }
  for (int i = 0; i < B; ++i) d[i] = i < n ? s[i] : 0;
}
static inline void store(float* d, const float* s, int n) {
  if (n == B) { memcpy(d, s, sizeof(block)); return; }
  for (int i = 0; i < n; ++i) d[i] = s[i];
}

// v = B^T d along one axis: d[j] at stride `in`, v at stride `out` (in blocks).
static inline void bt(const block* d, int in, block* v, int out) {
  for (int i = 0; i < B; ++i) {
    const float d0 = d[0][i], d1 = d[in][i], d2 = d[2 * in][i], d3 = d[3 * in][i], d4 = d[4 * in][i], d5 = d[5 * in][i];
    v[0][i] = 4 * d0 - 5 * d2 + d4;
    v[out][i] = -4 * d1 - 4 * d2 + d3 + d4;
    v[2 * out][i] = 4 * d1 - 4 * d2 - d3 + d4;
    v[3 * out][i] = -2 * d1 - d2 + 2 * d3 + d4;
    v[4 * out][i] = 2 * d1 - d2 - 2 * d3 + d4;
    v[5 * out][i] = 4 * d1 - 5 * d3 + d5;
  }
}
// d = B v
static inline void b(const block* v, int in, block* d, int out) {
  for (int i = 0; i < B; ++i) {
    const float v0 = v[0][i], v1 = v[in][i], v2 = v[2 * in][i], v3 = v[3 * in][i], v4 = v[4 * in][i], v5 = v[5 * in][i];
    d[0][i] = 4 * v0;
    d[out][i] = -4 * v1 + 4 * v2 - 2 * v3 + 2 * v4 + 4 * v5;
    d[2 * out][i] = -5 * v0 - 4 * v1 - 4 * v2 - v3 - v4;
    d[3 * out][i] = v1 - v2 + 2 * v3 - 2 * v4 - 5 * v5;
    d[4 * out][i] = v0 + v1 + v2 + v3 + v4;
    d[5 * out][i] = v5;
  }
}
// y = A^T m: 6 -> 4
static inline void at(const block* m, int in, block* y, int out) {
  for (int i = 0; i < B; ++i) {
    const float m0 = m[0][i], m1 = m[in][i], m2 = m[2 * in][i], m3 = m[3 * in][i], m4 = m[4 * in][i], m5 = m[5 * in][i];
    y[0][i] = m0 + m1 + m2 + m3 + m4;
    y[out][i] = m1 - m2 + 2 * m3 - 2 * m4;
    y[2 * out][i] = m1 + m2 + 4 * m3 + 4 * m4;
    y[3 * out][i] = m1 - m2 + 8 * m3 - 8 * m4 + m5;
  }
}
// m = A y: 4 -> 6
static inline void a(const block* y, int in, block* m, int out) {
  for (int i = 0; i < B; ++i) {
    const float y0 = y[0][i], y1 = y[in][i], y2 = y[2 * in][i], y3 = y[3 * in][i];
    m[0][i] = y0;
    m[out][i] = y0 + y1 + y2 + y3;
    m[2 * out][i] = y0 - y1 + y2 - y3;
    m[3 * out][i] = y0 + 2 * y1 + 4 * y2 + 8 * y3;
    m[4 * out][i] = y0 - 2 * y1 + 4 * y2 - 8 * y3;
    m[5 * out][i] = y3;
  }
}

#define EACH_TILE(...)                                                                             \
  const int th = (h + 3) / 4, tw = (w + 3) / 4;                                                    \
  const size_t tiles = (size_t)n * th * tw;                                                        \
  _Pragma("omp parallel for") for (size_t t = 0; t < tiles; ++t) {                                 \
    const int p = t / (th * tw), y0 = (t / tw) % th * 4, x0 = t % tw * 4;                          \
    for (int k = 0; k < c; k += B) {                                                               \
      const int left = c - k < B ? c - k : B;                                                      \
      __VA_ARGS__                                                                                  \
    }                                                                                              \
  }

// x (n,h,w,c), padded by one -> v (36, tiles, c)
void input_tiles(const float* x, int n, int h, int w, int c, float* v) {
  EACH_TILE({
    block d[36];
    block r[36];
    for (int i = 0; i < 6; ++i) for (int j = 0; j < 6; ++j) {
      const int y = y0 + i - 1, z = x0 + j - 1;
      if (y < 0 || y >= h || z < 0 || z >= w) memset(d[i * 6 + j], 0, sizeof(block));
      else load(d[i * 6 + j], x + (((size_t)p * h + y) * w + z) * c + k, left);
    }
    for (int j = 0; j < 6; ++j) bt(d + j, 6, r + j, 6);
    for (int i = 0; i < 6; ++i) bt(r + i * 6, 1, d + i * 6, 1);
    for (int q = 0; q < 36; ++q) store(v + ((size_t)q * tiles + t) * c + k, d[q], left);
  })
}
// The adjoint: dv (36, tiles, c) is added into dx, which is zero before. Tiles of one image overlap: not parallel within it.
void input_tiles_adjoint(const float* v, int n, int h, int w, int c, float* x) {
  const int th = (h + 3) / 4, tw = (w + 3) / 4;
  const size_t tiles = (size_t)n * th * tw;
  _Pragma("omp parallel for") for (int k = 0; k < c; k += B) {
    const int left = c - k < B ? c - k : B;
    for (size_t t = 0; t < tiles; ++t) {
      const int p = t / (th * tw), y0 = (t / tw) % th * 4, x0 = t % tw * 4;
      block d[36];
      block r[36];
      for (int q = 0; q < 36; ++q) load(d[q], v + ((size_t)q * tiles + t) * c + k, left);
      for (int j = 0; j < 6; ++j) b(d + j, 6, r + j, 6);
      for (int i = 0; i < 6; ++i) b(r + i * 6, 1, d + i * 6, 1);
      for (int i = 0; i < 6; ++i) for (int j = 0; j < 6; ++j) {
        const int y = y0 + i - 1, z = x0 + j - 1;
        if (y < 0 || y >= h || z < 0 || z >= w) continue;
        float* to = x + (((size_t)p * h + y) * w + z) * c + k;
        for (int e = 0; e < left; ++e) to[e] += d[i * 6 + j][e];
      }
    }
  }
}
// m (36, tiles, c) -> y (n,h,w,c)
void output_tiles(const float* m, int n, int h, int w, int c, float* out) {
  EACH_TILE({
    block d[36];
    block r[36];
    for (int q = 0; q < 36; ++q) load(d[q], m + ((size_t)q * tiles + t) * c + k, left);
    for (int j = 0; j < 6; ++j) at(d + j, 6, r + j, 6);
    for (int i = 0; i < 4; ++i) at(r + i * 6, 1, d + i * 4, 1);
    for (int i = 0; i < 4; ++i) for (int j = 0; j < 4; ++j) {
      if (y0 + i < h && x0 + j < w) store(out + (((size_t)p * h + y0 + i) * w + x0 + j) * c + k, d[i * 4 + j], left);
    }
  })
}
// dy (n,h,w,c) -> dm (36, tiles, c)
void output_tiles_adjoint(const float* dy, int n, int h, int w, int c, float* m) {
  EACH_TILE({
    block d[36];
    block r[36];
    for (int i = 0; i < 4; ++i) for (int j = 0; j < 4; ++j) {
      if (y0 + i < h && x0 + j < w) load(d[i * 4 + j], dy + (((size_t)p * h + y0 + i) * w + x0 + j) * c + k, left);
      else memset(d[i * 4 + j], 0, sizeof(block));
    }
    for (int j = 0; j < 4; ++j) a(d + j, 4, r + j, 4);
    for (int i = 0; i < 6; ++i) a(r + i * 4, 1, d + i * 6, 1);
    for (int q = 0; q < 36; ++q) store(m + ((size_t)q * tiles + t) * c + k, d[q], left);
  })
}
