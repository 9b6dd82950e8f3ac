#include "plan/plot/svg.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/xml.h"

namespace lectern::plan {

namespace {

// Okabe and Ito's palette: told apart with any colour vision.
constexpr std::array kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                 "#e69f00", "#56b4e9", "#555555", "#8c6d1f"};

struct Axis {
  double low = 0, high = 1;
  bool logarithmic = false;
  double from = 0, to = 1;  // pixels
  double at(double value) const {
    const double share = logarithmic ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
    return from + share * (to - from);
  }
};

bool drawable(double value, bool logarithmic) { return std::isfinite(value) && (!logarithmic || value > 0); }

Axis axisOf(const Chart& chart, bool y, double from, double to) {
  Axis axis{std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest(), y ? chart.y_log : chart.x_log,
            from, to};
  const auto take = [&axis](double value) {
    if (!drawable(value, axis.logarithmic)) return;
    axis.low = std::min(axis.low, value);
    axis.high = std::max(axis.high, value);
  };
  for (const Series& s : chart.series) {
    for (const auto& point : s.points) take(y ? point.second : point.first);
    if (!y) continue;
    for (const auto& [low, high] : s.band) {
      take(low);
      take(high);
    }
  }
  if (axis.low > axis.high) axis.low = axis.high = 1;
  if (y && !axis.logarithmic) axis.low = std::min(axis.low, 0.0);
  const auto ticks = axisTicks(axis.low, axis.high, axis.logarithmic);
  axis.low = std::min(axis.low, ticks.front());
  axis.high = std::max(axis.high, ticks.back());
  return axis;
}

std::string gridLines(const Chart& chart, const Axis& x, const Axis& y) {
  std::string svg;
  for (const double tick : axisTicks(x.low, x.high, x.logarithmic)) {
    if (tick < x.low * 0.999 || tick > x.high * 1.001) continue;
    svg += fmt::format("<line class='g' x1='{0:.1f}' y1='{1}' x2='{0:.1f}' y2='{2}'/>", x.at(tick), y.from, y.to);
    svg += fmt::format("<text x='{:.1f}' y='{}' text-anchor='middle'>{}</text>", x.at(tick), y.from + 16,
                       shortNumber(tick));
  }
  for (const double tick : axisTicks(y.low, y.high, y.logarithmic)) {
    svg += fmt::format("<line class='g' x1='{1}' y1='{0:.1f}' x2='{2}' y2='{0:.1f}'/>", y.at(tick), x.from, x.to);
    svg += fmt::format("<text x='{}' y='{:.1f}' text-anchor='end'>{}</text>", x.from - 6, y.at(tick) + 4,
                       shortNumber(tick));
  }
  svg += fmt::format("<text x='{}' y='{}' text-anchor='middle'>{}</text>", (x.from + x.to) / 2, y.from + 36,
                     escapeXml(chart.x_label));
  svg += fmt::format("<text transform='translate(16 {}) rotate(-90)' text-anchor='middle'>{}</text>",
                     (y.from + y.to) / 2, escapeXml(chart.y_label));
  return svg;
}

std::string seriesPath(const Series& s, const Axis& x, const Axis& y, const char* colour) {
  std::string line, there, back, marks;
  for (size_t n = 0; n < s.points.size(); ++n) {
    const auto& [px, py] = s.points[n];
    if (!drawable(px, x.logarithmic) || !drawable(py, y.logarithmic)) continue;
    line += fmt::format("{}{:.1f},{:.1f}", line.empty() ? "" : " ", x.at(px), y.at(py));
    marks += fmt::format("<circle cx='{:.1f}' cy='{:.1f}' r='3' fill='{}'/>", x.at(px), y.at(py), colour);
    if (n < s.band.size() && drawable(s.band[n].first, y.logarithmic) && drawable(s.band[n].second, y.logarithmic)) {
      there += fmt::format("{:.1f},{:.1f} ", x.at(px), y.at(s.band[n].first));
      back = fmt::format("{:.1f},{:.1f} ", x.at(px), y.at(s.band[n].second)) + back;
    }
  }
  std::string svg;
  if (!there.empty()) svg += fmt::format("<polygon points='{}{}' fill='{}' opacity='.15'/>", there, back, colour);
  svg += fmt::format("<polyline points='{}' fill='none' stroke='{}' stroke-width='2'{}/>", line, colour,
                     s.dashed ? " stroke-dasharray='6 4'" : "");
  return svg + marks;
}

}  // namespace

std::string shortNumber(double value) {
  const double size = std::abs(value);
  if (size >= 1e6) return fmt::format("{:.3g}M", value / 1e6);
  if (size >= 1e4) return fmt::format("{:.3g}k", value / 1e3);
  return size == 0 || size >= 1e-4 ? fmt::format("{:.4g}", value) : fmt::format("{:.2g}", value);
}

std::vector<double> axisTicks(double low, double high, bool logarithmic) {
  std::vector<double> ticks;
  if (logarithmic) {
    const bool wide = high / low > 200;
    for (double power = std::pow(10, std::floor(std::log10(low)));; power *= 10) {
      for (const double digit : {1.0, 2.0, 5.0}) {
        if (wide && digit > 1) continue;
        const double tick = digit * power;
        // The last tick at or below the lowest value opens the axis.
        if (tick <= low) ticks.clear();
        ticks.push_back(tick);
        if (tick >= high) return ticks;
      }
    }
  }
  if (high <= low) high = low + 1;
  const double rough = (high - low) / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double step = rough / power > 5   ? 10 * power
                      : rough / power > 2 ? 5 * power
                      : rough / power > 1 ? 2 * power
                                          : power;
  for (double tick = std::floor(low / step) * step;; tick += step) {
    ticks.push_back(std::abs(tick) < step / 1e6 ? 0 : tick);
    if (tick >= high - step / 1e6) return ticks;
  }
}

std::string drawChart(const Chart& chart) {
  const double right = chart.width - 190.0;
  const Axis x = axisOf(chart, false, 70, right);
  const Axis y = axisOf(chart, true, chart.height - 50.0, 40);
  std::string svg = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' height='{1}' role='img'>"
      "<title>{2}</title><style>text{{font:12px system-ui,sans-serif;fill:#222}}.g{{stroke:#ddd}}"
      ".t{{font-size:14px;font-weight:600}}</style><rect width='{0}' height='{1}' fill='#fff'/>"
      "<text class='t' x='70' y='22'>{2}</text>",
      chart.width, chart.height, escapeXml(chart.title));
  svg += gridLines(chart, x, y);
  for (size_t n = 0; n < chart.series.size(); ++n) {
    const Series& s = chart.series[n];
    const char* colour = kColours[n % kColours.size()];
    svg += seriesPath(s, x, y, colour);
    const double at = 48 + 18.0 * static_cast<double>(n);
    svg += fmt::format("<line x1='{0}' y1='{1}' x2='{2}' y2='{1}' stroke='{3}' stroke-width='2'{4}/>", right + 12, at,
                       right + 34, colour, s.dashed ? " stroke-dasharray='6 4'" : "");
    svg += fmt::format("<text x='{}' y='{}'>{}</text>", right + 40, at + 4, escapeXml(s.name));
  }
  return svg + "</svg>\n";
}

}  // namespace lectern::plan
