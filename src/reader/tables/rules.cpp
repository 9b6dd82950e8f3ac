#include "reader/tables/rules.h"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <tuple>
#include <utility>
#include <vector>

namespace lectern::reader {

namespace {

constexpr double kMaxPixels = 4e6;
constexpr double kMinAcross = 2.0;  // length of a horizontal rule, in text heights
constexpr double kMinDown = 1.3;    // and of a vertical one
constexpr size_t kMaxRules = 4000;  // a page with more is texture, not ruling

struct Scaled {
  cv::Mat grey;
  double scale = 1;  // page pixels for one pixel here
};

Scaled scaledDown(const Image& image) {
  const cv::Mat whole(image.height, image.width, CV_8UC1, const_cast<uint8_t*>(image.pixels.data()));
  Scaled out;
  const double pixels = static_cast<double>(image.width) * image.height;
  if (pixels <= kMaxPixels) {
    out.grey = whole;
    return out;
  }
  out.scale = std::sqrt(pixels / kMaxPixels);
  cv::resize(whole, out.grey, {}, 1 / out.scale, 1 / out.scale, cv::INTER_AREA);
  return out;
}

/// Ink against its neighbourhood: edges of shaded areas count as lines, their insides do not.
cv::Mat inkOf(const cv::Mat& grey, double em) {
  cv::Mat ink;
  const int block = std::max(9, static_cast<int>(em / 2) | 1);
  cv::adaptiveThreshold(grey, ink, 255, cv::ADAPTIVE_THRESH_MEAN_C, cv::THRESH_BINARY_INV, block, 12);
  return ink;
}

Box boxOf(const cv::Rect& r, double scale) {
  return {static_cast<int>(r.x * scale), static_cast<int>(r.y * scale),
          static_cast<int>(std::ceil((r.x + r.width) * scale)), static_cast<int>(std::ceil((r.y + r.height) * scale))};
}

/// What OpenCV's opening by a line of `length` pixels leaves of a run of ink from `a` to `b` in a line of `n` pixels
/// whose outside counts as ink while eroding: first and last pixel, or nothing (first > last).
std::pair<int, int> opened(int a, int b, int n, int length) {
  const int half = length / 2, far = 4 * (n + length);
  const int from = a == 0 ? -far : a, to = b == n - 1 ? far : b;
  const int first = std::max(0, from + half), last = std::min(n - 1, to - length + 1 + half);  // eroded
  if (first > last) return {1, 0};
  return {std::max(0, first - length + 1 + half), std::min(n - 1, last + half)};
}

/// cv::MORPH_OPEN by a line along one direction in a single pass: runs of ink shorter than the line go.
cv::Mat openAlong(const cv::Mat& ink, bool horizontal, int length) {
  cv::Mat out = cv::Mat::zeros(ink.size(), CV_8UC1);
  const int lines = horizontal ? ink.rows : ink.cols, n = horizontal ? ink.cols : ink.rows;
  std::vector<int> start(static_cast<size_t>(horizontal ? 1 : lines), -1);
  const auto close = [&](int line, int a, int b) {
    const auto [first, last] = opened(a, b, n, length);
    for (int i = first; i <= last; ++i) (horizontal ? out.ptr(line)[i] : out.ptr(i)[line]) = 255;
  };
  for (int y = 0; y < ink.rows; ++y) {
    const uint8_t* row = ink.ptr(y);
    for (int x = 0; x < ink.cols; ++x) {
      int& from = start[horizontal ? 0 : static_cast<size_t>(x)];
      if (row[x] != 0) {
        if (from < 0) from = horizontal ? x : y;
      } else if (from >= 0) {
        close(horizontal ? y : x, from, (horizontal ? x : y) - 1);
        from = -1;
      }
    }
    if (horizontal && start[0] >= 0) {
      close(y, start[0], n - 1);
      start[0] = -1;
    }
  }
  for (int x = 0; !horizontal && x < lines; ++x) {
    if (start[static_cast<size_t>(x)] >= 0) close(x, start[static_cast<size_t>(x)], n - 1);
  }
  return out;
}

/// Long thin runs of ink along one direction.
std::vector<cv::Rect> runs(const cv::Mat& ink, bool horizontal, double em, cv::Mat& mask) {
  const int length = std::max(12, static_cast<int>((horizontal ? kMinAcross : kMinDown) * em));
  const auto size = [&](int along, int across) {
    return horizontal ? cv::Size(along, across) : cv::Size(across, along);
  };
  const auto kernel = [&](int along, int across) {
    return cv::getStructuringElement(cv::MORPH_RECT, size(along, across));
  };
  cv::Mat work = openAlong(ink, horizontal, length);
  cv::morphologyEx(work, work, cv::MORPH_CLOSE, kernel(length / 2, 3));
  mask = work;
  cv::Mat labels, stats, centroids;
  const int n = cv::connectedComponentsWithStats(work, labels, stats, centroids);
  std::vector<cv::Rect> out;
  for (int i = 1; i < n; ++i) {
    const cv::Rect r(stats.at<int>(i, cv::CC_STAT_LEFT), stats.at<int>(i, cv::CC_STAT_TOP),
                     stats.at<int>(i, cv::CC_STAT_WIDTH), stats.at<int>(i, cv::CC_STAT_HEIGHT));
    const int along = horizontal ? r.width : r.height;
    const int across = horizontal ? r.height : r.width;
    if (along < length || across > std::max(4.0, 0.6 * em) || along < 4 * across) continue;
    out.push_back(r);
  }
  return out;
}

/// Share of the ring of a rectangle, `thick` pixels deep, that is ink on its poorest side.
double ringInk(const cv::Mat& ink, const cv::Rect& r, int thick) {
  const cv::Rect sides[4] = {{r.x, r.y, r.width, thick},
                             {r.x, r.y + r.height - thick, r.width, thick},
                             {r.x, r.y, thick, r.height},
                             {r.x + r.width - thick, r.y, thick, r.height}};
  double poorest = 1;
  for (int s = 0; s < 4; ++s) {
    cv::Mat line;
    cv::reduce(ink(sides[s]), line, s < 2 ? 0 : 1, cv::REDUCE_MAX);
    poorest = std::min(poorest, cv::countNonZero(line) / static_cast<double>(line.total()));
  }
  return poorest;
}

double innerInk(const cv::Mat& ink, const cv::Rect& r) {
  const int mx = std::max(2, r.width / 5), my = std::max(2, r.height / 5);
  const cv::Rect inner(r.x + mx, r.y + my, r.width - 2 * mx, r.height - 2 * my);
  if (inner.width <= 0 || inner.height <= 0) return 0;
  return cv::countNonZero(ink(inner)) / static_cast<double>(inner.area());
}

void findCheckboxes(const cv::Mat& ink, double em, double scale, Page& page) {
  std::vector<std::vector<cv::Point>> contours;
  std::vector<cv::Vec4i> tree;
  cv::findContours(ink.clone(), contours, tree, cv::RETR_CCOMP, cv::CHAIN_APPROX_SIMPLE);
  for (size_t i = 0; i < contours.size(); ++i) {
    if (tree[i][3] >= 0 || tree[i][2] < 0) continue;  // outer contours with a hole
    const cv::Rect r = cv::boundingRect(contours[i]);
    const double aspect = static_cast<double>(r.width) / r.height;
    if (r.width < std::max(7.0, 0.5 * em) || r.width > 2.0 * em || aspect < 0.8 || aspect > 1.25) continue;
    const int thick = std::max(1, r.width / 8);
    if (ringInk(ink, r, thick) < 0.95) continue;
    cv::Rect corner_free = r;
    const double inside = innerInk(ink, corner_free);
    if (inside > 0.6) continue;  // a filled square is a bullet
    page.frames.push_back({"", boxOf(r, scale), true, inside > 0.12});
  }
}

void findFrames(const cv::Mat& lines, double em, double scale, Page& page) {
  std::vector<std::vector<cv::Point>> contours;
  std::vector<cv::Vec4i> tree;
  cv::findContours(lines, contours, tree, cv::RETR_CCOMP, cv::CHAIN_APPROX_SIMPLE);
  for (size_t i = 0; i < contours.size(); ++i) {
    if (tree[i][3] < 0) continue;  // holes only
    const cv::Rect r = cv::boundingRect(contours[i]);
    if (r.width < 1.5 * em || r.height < 0.8 * em) continue;
    if (cv::contourArea(contours[i]) < 0.9 * (r.width - 1) * (r.height - 1)) continue;
    page.frames.push_back({"", boxOf(r, scale), false, false});
  }
}

/// Strokes of large or bold letters: the rule runs through the middle of words over most of its length.
bool insideText(const Page& page, const Rule& rule) {
  const bool across = rule.orientation == Orientation::kHorizontal;
  int covered = 0;
  for (const auto& w : page.words) {
    const Box both = intersect(w.box, rule.box);
    if (both.empty()) continue;
    const double at = across ? (rule.box.centerY() - w.box.y0) / std::max(1, w.box.height())
                             : (rule.box.centerX() - w.box.x0) / std::max(1, w.box.width());
    if (at > 0.15 && at < 0.85) covered += across ? both.width() : both.height();
  }
  return covered > 0.5 * (across ? rule.box.width() : rule.box.height());
}

}  // namespace

double textHeight(const Page& page) {
  std::vector<int> heights;
  for (const auto& w : page.words) heights.push_back(w.box.height());
  if (heights.empty()) return std::max(8.0, page.height / 40.0);
  std::nth_element(heights.begin(), heights.begin() + static_cast<long>(heights.size() / 2), heights.end());
  return std::max(4, heights[heights.size() / 2]);
}

void findRules(Page& page, const Image& image) {
  page.rules.clear();
  page.frames.clear();
  if (image.empty()) return;
  const Scaled small = scaledDown(image);
  const double em = textHeight(page) / small.scale;
  const cv::Mat ink = inkOf(small.grey, em);
  cv::Mat across, down;
  const auto horizontal = runs(ink, true, em, across);
  const auto vertical = runs(ink, false, em, down);
  if (horizontal.size() + vertical.size() > kMaxRules) return;
  for (const auto& r : horizontal) page.rules.push_back({"", boxOf(r, small.scale), Orientation::kHorizontal});
  for (const auto& r : vertical) page.rules.push_back({"", boxOf(r, small.scale), Orientation::kVertical});
  std::erase_if(page.rules, [&](const Rule& r) { return insideText(page, r); });
  cv::Mat lines;
  cv::bitwise_or(across, down, lines);
  cv::dilate(lines, lines, cv::getStructuringElement(cv::MORPH_RECT, {3, 3}));
  findFrames(lines, em, small.scale, page);
  findCheckboxes(ink, em, small.scale, page);
  const auto byPlace = [](const auto& a, const auto& b) {
    return std::tuple(a.box.y0, a.box.x0, a.box.y1, a.box.x1) < std::tuple(b.box.y0, b.box.x0, b.box.y1, b.box.x1);
  };
  std::sort(page.rules.begin(), page.rules.end(), byPlace);
  std::sort(page.frames.begin(), page.frames.end(), byPlace);
}

}  // namespace lectern::reader
