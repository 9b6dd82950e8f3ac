#pragma once
// Line charts as SVG text: enough for the figures of an evaluation, readable in any browser, light or dark.

#include <string>
#include <utility>
#include <vector>

namespace lectern::plan {

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  // x ascending; not-a-number points are left out
  std::vector<std::pair<double, double>> band;    // low and high for each point, or empty
  bool dashed = false;                            // simulated rather than measured
};

struct Chart {
  std::string title;
  std::string x_label, y_label;
  bool x_log = false, y_log = false;
  std::vector<Series> series;
  int width = 720, height = 440;
};

/// The chart as one <svg> element with title and axis labels; text is escaped.
std::string drawChart(const Chart& chart);

/// Round ticks that cover [low, high]: powers (with 2 and 5) for logarithmic axes.
std::vector<double> axisTicks(double low, double high, bool logarithmic);

/// "1.5k", "0.02": short labels.
std::string shortNumber(double value);

}  // namespace lectern::plan
