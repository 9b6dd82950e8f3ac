#include "reader/frame.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace lectern::reader {

namespace {

constexpr double kRadians = 3.14159265358979323846 / 180;
constexpr double kLeastSkew = 0.05;  // degrees below which nothing is worth turning

int rounded(double value) { return static_cast<int>(std::lround(value)); }

/// Every box of a page but the lines' quads.
void forEachBox(Page& page, const std::function<void(Box&)>& change) {
  for (auto& w : page.words) change(w.box);
  for (auto& l : page.lines) change(l.box);
  for (auto& b : page.blocks) change(b.box);
  for (auto& r : page.rules) change(r.box);
  for (auto& f : page.frames) change(f.box);
  for (auto& t : page.tables) {
    change(t.box);
    for (auto& c : t.cells) change(c.box);
  }
}

/// The box that `hull` is the upright hull of, when that box is tilted by an angle well below 45 degrees about its
/// centre: width' = w·cos + h·sin and height' = w·sin + h·cos, solved for w and h.
Box insideHull(const Box& hull, double cos, double sin, double x, double y) {
  const double det = cos * cos - sin * sin;
  const double w = std::max(1.0, (hull.width() * cos - hull.height() * sin) / det);
  const double h = std::max(1.0, (hull.height() * cos - hull.width() * sin) / det);
  return {rounded(x - w / 2), rounded(y - h / 2), rounded(x + w / 2), rounded(y + h / 2)};
}

}  // namespace

void scalePage(Page& page, double scale) {
  page.width = rounded(page.width * scale);
  page.height = rounded(page.height * scale);
  forEachBox(page, [&](Box& b) {
    b = {rounded(b.x0 * scale), rounded(b.y0 * scale), rounded(b.x1 * scale), rounded(b.y1 * scale)};
  });
  for (auto& l : page.lines) {
    for (auto& p : l.quad) p = {static_cast<float>(p.x * scale), static_cast<float>(p.y * scale)};
  }
}

void tiltPage(Page& page, double degrees, int width, int height) {
  const double cos = std::cos(degrees * kRadians), sin = std::sin(degrees * kRadians);
  const double from_x = page.width / 2.0, from_y = page.height / 2.0;
  const auto moved = [&](const Point& p) {
    const double x = p.x - from_x, y = p.y - from_y;
    return Point{static_cast<float>(std::clamp(x * cos - y * sin + width / 2.0, 0.0, double(width))),
                 static_cast<float>(std::clamp(x * sin + y * cos + height / 2.0, 0.0, double(height)))};
  };
  forEachBox(page, [&](Box& b) {
    Quad quad = quadOf(b);
    for (auto& p : quad) p = moved(p);
    b = boundsOf(quad);
  });
  for (auto& l : page.lines) {
    for (auto& p : l.quad) p = moved(p);
  }
  page.width = width;
  page.height = height;
  page.skew_degrees = degrees;
}

StraightFrame::StraightFrame(Document& document) : document_(document) {
  for (auto& page : document_.pages) {
    auto& kept = kept_.emplace_back();
    if (std::abs(page.skew_degrees) < kLeastSkew) continue;
    const double cos = std::cos(page.skew_degrees * kRadians), sin = std::sin(page.skew_degrees * kRadians);
    forEachBox(page, [&](Box& b) {
      kept.push_back(b);
      const double x = b.centerX() - page.width / 2.0, y = b.centerY() - page.height / 2.0;
      b = insideHull(b, cos, std::abs(sin), x * cos + y * sin + page.width / 2.0, y * cos - x * sin + page.height / 2.0);
    });
  }
}

StraightFrame::~StraightFrame() {
  for (size_t i = 0; i < document_.pages.size(); ++i) {
    size_t next = 0;
    if (!kept_[i].empty()) forEachBox(document_.pages[i], [&](Box& b) { b = kept_[i][next++]; });
  }
}

}  // namespace lectern::reader
