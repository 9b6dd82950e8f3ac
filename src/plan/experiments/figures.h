#pragma once
// The paper's evaluation at its own scale. What was measured is marked so; everything else is simulated from the
// calibration. The values of the paper's figures are not printed in its text: only shapes are compared.

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "plan/simulate/simulator.h"

namespace lectern::plan {

/// Functions as measured here: seconds by memory size (one image, used instance), and by images at once.
struct MeasuredFunctions {
  int at_once_memory_mb = 0;
  std::vector<std::pair<int, double>> memory_seconds, cold_seconds, warm_seconds;
};

/// What the application costs in time on one hardware thread.
struct Calibration {
  double page_ms = 0;       // one image, warm
  double page_cv = 0.1;
  double load_ms = 0;       // libraries and models into memory, local disk
  double model_mib = 275;   // on the shared file system
  std::string source;       // what was measured, on what, in words
  bool measured = false;
  std::vector<std::pair<int, double>> batch_seconds;  // measured here: images, response time
  MeasuredFunctions functions;
};

struct Curve {
  std::string name;
  bool measured = false;
  std::vector<std::pair<double, double>> points;
};

struct Claim {
  std::string text;   // the paper's claim of shape, with the numbers that decide
  bool holds = false;
  std::string why;    // when it does not hold: what it would take
};

struct Figure {
  int number = 0;
  std::string title, x_label, y_label;
  bool x_log = true, y_log = true;
  std::vector<Curve> curves;
  std::vector<Claim> claims;
  std::string text;   // what is measured, what is simulated
  std::string since;  // what has changed since 2020
};

/// Figure 3 (response time), 4 (throughput), 5 (cold and warm), 6 (memory), 7 (cost); kInvalid for other numbers.
Result<Figure> computeFigure(int number, const Calibration& calibration);

/// A curve of what was measured.
Curve measuredCurve(std::string name, const std::vector<std::pair<int, double>>& points);

/// y at x, NaN when the curve has no such point.
double valueAt(const Curve& curve, double x);

// Parts of computeFigure.
Result<Figure> costFigure(const Calibration& calibration);
const std::vector<int>& batchSizes();
/// Functions of `memory_mb`, one image each, `images` at once; `cold`: each burst finds no instance.
struct FunctionCase {
  bool today = false;     // rules, prices and file system of 2026 rather than 2020
  bool cold = false;
  bool snapshot = false;  // instances come from a snapshot with the model in memory
  int memory_mb = 3008;
};
Result<Outcome> runFunctions(const Calibration& calibration, const FunctionCase& which, int images);
Result<Outcome> runMachine(const Calibration& calibration, const std::string& type, int images, double least_up_s,
                           const std::string& book);

}  // namespace lectern::plan
