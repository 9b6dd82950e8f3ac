#include "model/quantize.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>

#include "base/files.h"
#include "model/optimize.h"
#include "model/ort.h"
#include "model/quantize_plan.h"

namespace lectern::model {

namespace {
constexpr size_t kBins = 2048;
constexpr Bytes kLargest = gibibytes(2);  // of the message format

using Ranges = std::map<std::string, ActivationRange>;

double cpuMillis() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) { return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3; };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

Result<std::unique_ptr<Session>> sessionOf(const std::string& bytes) {
  return Session::loadBytes(std::as_bytes(std::span(bytes)), {});
}

/// The graph with constants folded and normalisations inside of convolutions, in standard operators.
Result<std::string> simplified(const std::filesystem::path& in) {
  TRY(const auto dir, TempDir::create());
  const auto file = dir.path() / "simple.onnx";
  TRY_VOID(ort::writeOptimized(in, file, ort::Level::kBasic, ""));
  return readFile(file, kLargest);
}

/// Values whose ranges are wanted: both ends of the candidates, and sums, which follow convolutions often.
std::vector<std::string> valuesToWatch(const OnnxGraph& graph, const std::vector<Candidate>& candidates) {
  std::set<std::string> names;
  for (const auto& c : candidates) {
    names.insert(c.input);
    names.insert(c.output);
  }
  for (const auto& node : graph.nodes) {
    const bool dynamic = node.op == "Add" && node.inputs.size() == 2 && !graph.constants.contains(node.inputs[0]) &&
                         !graph.constants.contains(node.inputs[1]);
    // Only sums of floats: what is added up to a candidate's end is one.
    if (dynamic && (names.contains(node.inputs[0]) || names.contains(node.inputs[1]))) names.insert(node.outputs[0]);
  }
  return {names.begin(), names.end()};
}

struct Watched {
  float low = 0, high = 0;
  int64_t per_channel = 0;  // elements of one channel, the most seen
  std::vector<uint64_t> histogram;
};

class Calibrator {
 public:
  static Result<Calibrator> create(const OnnxGraph& graph, std::vector<std::string> names) {
    Calibrator out;
    for (auto& name : names) (graph.inputs.contains(name) ? out.given_ : out.names_).push_back(std::move(name));
    std::vector<std::string> extra = out.names_;
    // What is an input or output of the model already must not be declared again.
    std::erase_if(extra, [&](const auto& name) { return graph.outputs.contains(name); });
    out.bytes_ = std::make_unique<std::string>(graph.write(graph.nodes, {}, extra));
    // Without optimisation every watched value exists under its name.
    TRY(out.session_, Session::loadBytes(std::as_bytes(std::span(*out.bytes_)), {.optimize = false}));
    out.seen_.resize(out.names_.size() + out.given_.size());
    return out;
  }

  /// Calls see(watched, tensor) for every watched value of every input.
  template <typename See>
  Result<void> pass(std::span<const Tensor> inputs, See see) {
    for (const auto& input : inputs) {
      TRY(auto values, session_->runAll({&input, 1}, names_));
      for (size_t i = 0; i < values.size(); ++i) see(seen_[i], values[i]);
      if (!given_.empty()) see(seen_.back(), input);
    }
    return {};
  }

  Result<std::map<std::string, Watched>> run(std::span<const Tensor> inputs) {
    TRY_VOID(pass(inputs, [](Watched& w, const Tensor& t) {
      for (const float v : t.data) {
        if (!std::isfinite(v)) continue;
        w.low = std::min(w.low, v), w.high = std::max(w.high, v);
      }
      if (t.shape.size() == 4) w.per_channel = std::max(w.per_channel, t.shape[2] * t.shape[3]);
    }));
    TRY_VOID(pass(inputs, [](Watched& w, const Tensor& t) {
      w.histogram.resize(kBins);
      const float per = w.high > w.low ? static_cast<float>(kBins) / (w.high - w.low) : 0;
      for (const float v : t.data) {
        if (!std::isfinite(v)) continue;
        ++w.histogram[std::min(kBins - 1, static_cast<size_t>(std::max(0.0f, (v - w.low) * per)))];
      }
    }));
    std::map<std::string, Watched> out;
    for (size_t i = 0; i < names_.size(); ++i) out[names_[i]] = std::move(seen_[i]);
    if (!given_.empty()) out[given_[0]] = std::move(seen_.back());
    return out;
  }

 private:
  std::vector<std::string> names_, given_;  // what the model makes, and its input
  std::unique_ptr<std::string> bytes_;
  std::unique_ptr<Session> session_;
  std::vector<Watched> seen_;
};

struct Score {
  double cosine_mean = 0, cosine_min = 1, max_error = 0, max_value = 0, ms = 0;
};

struct Reference {
  std::vector<std::vector<Tensor>> outputs;
  double ms = 0;
};

Result<Reference> referenceOf(const Session& session, std::span<const Tensor> inputs) {
  Reference out;
  std::vector<double> times;
  for (const auto& input : inputs) {
    TRY_VOID(session.runAll({&input, 1}).map([](const auto&) {}));  // memory and caches as in a running service
    const double start = cpuMillis();
    TRY(auto outputs, session.runAll({&input, 1}));
    times.push_back(cpuMillis() - start);
    out.outputs.push_back(std::move(outputs));
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  out.ms = times[times.size() / 2];
  return out;
}

Score compare(const Reference& expected, const Reference& actual) {
  Score score;
  score.ms = actual.ms;
  for (size_t i = 0; i < expected.outputs.size(); ++i) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t o = 0; o < expected.outputs[i].size(); ++o) {
      const auto& a = expected.outputs[i][o].data;
      const auto& b = actual.outputs[i][o].data;
      for (size_t k = 0; k < std::min(a.size(), b.size()); ++k) {
        const double x = a[k], y = b[k];
        ab += x * y, aa += x * x, bb += y * y;
        score.max_error = std::max(score.max_error, std::fabs(x - y));
        score.max_value = std::max(score.max_value, std::fabs(x));
      }
    }
    const double cosine = aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : aa == bb ? 1 : 0;
    score.cosine_mean += cosine / static_cast<double>(expected.outputs.size());
    score.cosine_min = std::min(score.cosine_min, cosine);
  }
  return score;
}

/// All that the search for a good choice needs.
struct Work {
  OnnxGraph graph;
  std::vector<Candidate> candidates;
  Ranges ranges;
  int bits = 7;

  std::string write(const std::set<size_t>& chosen) const {
    return writeQuantized(graph, candidates, chosen, ranges, bits);
  }
  Result<Score> score(const std::string& bytes, std::span<const Tensor> inputs, const Reference& expected) const {
    TRY(const auto session, sessionOf(bytes));
    TRY(const auto actual, referenceOf(*session, inputs));
    return compare(expected, actual);
  }
};

Result<void> chooseRanges(Work& work, const std::vector<std::string>& names, std::span<const Tensor> calibration,
                          std::set<size_t>& chosen) {
  TRY(auto calibrator, Calibrator::create(work.graph, names));
  TRY(const auto watched, calibrator.run(calibration));
  for (const auto& [name, w] : watched) work.ranges[name] = chooseRange(w.low, w.high, w.histogram);
  for (const auto& node : work.graph.nodes) {
    if (node.op != "MaxPool" || node.outputs.size() != 1 || !work.ranges.contains(node.inputs[0])) continue;
    work.ranges[node.outputs[0]] = work.ranges[node.inputs[0]];
  }
  for (size_t i = 0; i < work.candidates.size(); ++i) {
    // A convolution over a single place (squeeze and excitation) costs nothing and decides much.
    if (watched.at(work.candidates[i].output).per_channel > 1) chosen.insert(i);
  }
  return {};
}

/// Candidates from the most to the least harmful, each alone in int8 on one calibration input.
Result<std::vector<size_t>> byHarm(const Work& work, const std::set<size_t>& chosen, std::span<const Tensor> probe,
                                   const Reference& expected) {
  std::vector<std::pair<double, size_t>> harm;
  for (const size_t i : chosen) {
    TRY(const Score score, work.score(work.write({i}), probe, expected));
    harm.emplace_back(score.cosine_min, i);
  }
  std::sort(harm.begin(), harm.end());
  std::vector<size_t> out;
  for (const auto& [cosine, i] : harm) out.push_back(i);
  return out;
}
}  // namespace

Result<QuantizeReport> quantizeModel(const std::filesystem::path& in, const std::filesystem::path& out,
                                     std::span<const Tensor> calibration, std::span<const Tensor> held_back,
                                     const QuantizeOptions& options) {
  if (calibration.empty() || held_back.empty()) {
    return fail(Code::kInvalid, "int8 needs inputs to calibrate with and others to measure with");
  }
  QuantizeReport report;
  TRY(report.before_bytes, modelBytes(in));
  TRY(const std::string bytes, simplified(in));
  Work work;
  work.bits = options.weight_bits;
  TRY(work.graph, OnnxGraph::parse(bytes));
  work.candidates = findCandidates(work.graph);
  if (work.graph.opset < 10) return fail(Code::kInvalid, "int8 needs operator set 10 or later; export the model again");
  report.convolutions = static_cast<int>(work.candidates.size());
  if (work.candidates.empty()) return fail(Code::kInvalid, "the model has no convolution with constant weights");
  std::set<size_t> chosen;
  TRY_VOID(chooseRanges(work, valuesToWatch(work.graph, work.candidates), calibration, chosen));
  TRY(const auto float_session, sessionOf(bytes));
  if (float_session->inputs().size() != 1) return fail(Code::kInvalid, "only models with one input can be calibrated");
  TRY(const auto expected, referenceOf(*float_session, held_back));
  std::string best = work.write(chosen);
  TRY(Score score, work.score(best, held_back, expected));
  if (score.cosine_min < options.target_cosine && chosen.size() > 1) {
    const auto probe = calibration.first(1);
    TRY(const auto probe_expected, referenceOf(*float_session, probe));
    TRY(const auto order, byHarm(work, chosen, probe, probe_expected));
    const size_t step = std::max<size_t>(1, order.size() / 10);
    for (size_t i = 0; i < order.size() && score.cosine_min < options.target_cosine; i += step) {
      for (size_t k = i; k < std::min(i + step, order.size()); ++k) chosen.erase(order[k]);
      if (chosen.empty()) break;
      best = work.write(chosen);
      TRY(score, work.score(best, held_back, expected));
    }
  }
  if (chosen.empty()) {
    return fail(Code::kInvalid, fmt::format("no convolution can be int8 at a cosine of {}", options.target_cosine));
  }
  TRY_VOID(writeFileAtomic(out, best));
  report.quantized = static_cast<int>(chosen.size());
  report.calibration = static_cast<int>(calibration.size());
  report.held_back = static_cast<int>(held_back.size());
  report.cosine_mean = score.cosine_mean, report.cosine_min = score.cosine_min;
  report.max_error = score.max_error, report.max_value = score.max_value;
  report.float_ms = expected.ms, report.int8_ms = score.ms;
  report.after_bytes = static_cast<int64_t>(best.size());
  return report;
}

}  // namespace lectern::model
