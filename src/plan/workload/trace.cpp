#include "plan/workload/trace.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "base/files.h"
#include "plan/workload/random.h"

namespace lectern::plan {

namespace {

constexpr int64_t kMostArrivals = 200'000'000;
constexpr size_t kShown = 40;  // characters of a bad field in a message
constexpr double kMostMemoryMb = 1e6;

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (size_t at = 0;;) {
    const size_t comma = line.find(',', at);
    std::string_view field = line.substr(at, comma == std::string_view::npos ? comma : comma - at);
    while (!field.empty() && (field.front() == ' ' || field.front() == '"')) field.remove_prefix(1);
    while (!field.empty() && (field.back() == ' ' || field.back() == '"' || field.back() == '\r')) field.remove_suffix(1);
    fields.push_back(field);
    if (comma == std::string_view::npos) return fields;
    at = comma + 1;
  }
}

/// A number of a field; NaN when it is empty or none.
double numberOf(std::string_view field) {
  double value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return error == std::errc() && end == field.data() + field.size() && std::isfinite(value) ? value : NAN;
}

float median(std::vector<float> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The file while it is read: columns by name, functions by name, what was found.
class Reader {
 public:
  Reader(std::string_view text, std::string_view name, uint64_t seed) : text_(text), random_(seed) {
    trace_.name = std::string(name);
    trace_.functions = 0;
  }

  Result<Trace> read() {
    header_ = split(nextLine());
    if (has("init_ms(semicolon list)")) {
      return fail(Code::kInvalid, trace_.name + ": lists init durations, it has no arrivals to simulate");
    }
    const bool counts = has("avg_ms") || has("HashFunction");
    if (!counts && !has("t_s") && !has("start_s") && !has("end_timestamp")) {
      return fail(Code::kInvalid, fmt::format("{}:1: no known trace format: a column t_s, start_s, end_timestamp, or "
                                              "counts a minute are needed", trace_.name));
    }
    while (at_ < text_.size()) {
      const std::string_view line = nextLine();
      if (line.empty() || line == "\r") continue;
      TRY_VOID(counts ? countsRow(line) : row(line));
    }
    if (trace_.arrivals.empty()) return fail(Code::kInvalid, trace_.name + ": no arrivals");
    if (recorded_.client_ms.size() > 1 && has("cold")) finishRecorded();
    std::ranges::stable_sort(trace_.arrivals, {}, &Arrival::t_nanos);
    const int64_t first = trace_.arrivals.front().t_nanos;
    for (Arrival& a : trace_.arrivals) a.t_nanos -= first;
    trace_.functions = std::max<uint32_t>(1, static_cast<uint32_t>(functions_.size()));
    return std::move(trace_);
  }

 private:
  std::string_view nextLine() {
    const size_t end = std::min(text_.find('\n', at_), text_.size());
    const std::string_view line = text_.substr(at_, end - at_);
    at_ = end + 1;
    ++line_;
    return line;
  }
  bool has(std::string_view column) const { return std::ranges::find(header_, column) != header_.end(); }
  std::string_view field(const std::vector<std::string_view>& fields, std::string_view column) const {
    const auto at = static_cast<size_t>(std::ranges::find(header_, column) - header_.begin());
    return at < fields.size() && at < header_.size() ? fields[at] : std::string_view();
  }
  uint32_t functionOf(std::string_view key) {
    if (key.empty()) return 0;
    const auto found = functions_.find(key);
    if (found != functions_.end()) return found->second;
    const auto id = static_cast<uint32_t>(functions_.size());
    functions_.emplace(std::string(key), id);
    return id;
  }
  Failure fault(std::string_view what) const {
    return fail(Code::kInvalid, fmt::format("{}:{}: {}", trace_.name, line_, what));
  }

  /// The column's number; NaN when the field is empty or there is no such column: not known. Below zero or unreadable is
  /// a fault, so that a typing error does not pass for an unknown value.
  Result<double> known(const std::vector<std::string_view>& fields, std::string_view column) const {
    const std::string_view text = field(fields, column);
    if (text.empty()) return NAN;
    const double value = numberOf(text);
    if (value >= 0) return value;
    return fault(fmt::format("{} is '{}', no number from 0 on; leave it empty when it is not known", column,
                             text.substr(0, kShown)));
  }

  Result<void> row(std::string_view line) {
    const auto fields = split(line);
    if (fields.size() != header_.size()) {
      return fault(fmt::format("{} field{} where the header has {}", fields.size(), fields.size() == 1 ? "" : "s",
                               header_.size()));
    }
    double seconds = numberOf(field(fields, has("start_s") ? "start_s" : "t_s"));
    TRY(double work_ms, known(fields, "duration_ms"));
    if (has("duration_s")) {
      TRY(const double duration, known(fields, "duration_s"));
      work_ms = duration * 1000;
    }
    if (has("end_timestamp")) {
      TRY(const double duration, known(fields, "duration"));
      seconds = numberOf(field(fields, "end_timestamp")) - duration;
      work_ms = duration * 1000;
    }
    // A token read costs about a fiftieth of one written; one written 25 ms. A size of work, not a measured time.
    if (has("generated_tokens")) {
      TRY(const double context, known(fields, "context_tokens"));
      TRY(const double generated, known(fields, "generated_tokens"));
      work_ms = 0.5 * context + 25 * generated;
    }
    if (!(std::abs(seconds) < 4e9)) return fault("the time is missing or no number");
    if (work_ms > 1e9) return fault("the duration is beyond eleven days");
    std::string_view key = field(fields, "function");
    if (has("func")) key = field(fields, "func");
    Arrival arrival{std::llround(seconds * 1e9), work_ms >= 0 ? static_cast<float>(work_ms) : -1.0F, functionOf(key)};
    if (has("client_ms")) TRY_VOID(record(fields, arrival));
    return add(arrival);
  }

  /// The service time of a cold call is not that of the same call served warm: forget it, it is drawn anew.
  Result<void> record(const std::vector<std::string_view>& fields, Arrival& arrival) {
    const std::string_view start = field(fields, "cold");
    if (start != "0" && start != "1" && !start.empty()) {
      return fault(fmt::format("cold is '{}', not 0 or 1", start.substr(0, kShown)));
    }
    const bool cold = start == "1";
    TRY(const double client_ms, known(fields, "client_ms"));
    const auto client = static_cast<float>(client_ms);
    if (client > 0) recorded_.client_ms.push_back(client);
    recorded_.cold += cold;
    TRY(const double memory, known(fields, "max_mem_mb"));
    if (memory > kMostMemoryMb) return fault("max_mem_mb is more than any function has");
    if (memory > recorded_.max_memory_mb) recorded_.max_memory_mb = static_cast<int>(memory);
    if (arrival.work_ms > 0 && client > arrival.work_ms) {
      (cold ? cold_ms_ : recorded_.warm_ms).push_back(arrival.work_ms);
      (cold ? recorded_.cold_overhead_ms : recorded_.warm_overhead_ms).push_back(client - arrival.work_ms);
    }
    if (cold) arrival.work_ms = -1;
    return {};
  }

  void finishRecorded() {
    recorded_.cold_extra_ms = cold_ms_.empty() ? 0 : std::max(0.0F, median(cold_ms_) - median(recorded_.warm_ms));
    trace_.recorded = std::move(recorded_);
  }

  Result<void> countsRow(std::string_view line) {
    const auto fields = split(line);
    const bool azure = has("HashFunction");
    const uint32_t function = functionOf(field(fields, azure ? "HashFunction" : "function"));
    const size_t first = azure ? 4 : 2;
    if (fields.size() != header_.size()) return fault("a row has not as many fields as the header");
    TRY(const double mean_ms, known(fields, azure ? "" : "avg_ms"));
    const double work = mean_ms >= 0 ? mean_ms : -1;
    for (size_t n = first; n < fields.size(); ++n) {
      const double count = numberOf(fields[n]);
      if (!(count >= 0 && count < 1e8)) return fault("a count is missing or no number");
      for (auto k = static_cast<int64_t>(count); k > 0; --k) {
        const double seconds = (static_cast<double>(n - first) + random_.uniform()) * 60;
        TRY_VOID(add({std::llround(seconds * 1e9), static_cast<float>(work), function}));
      }
    }
    return {};
  }

  Result<void> add(const Arrival& arrival) {
    if (static_cast<int64_t>(trace_.arrivals.size()) >= kMostArrivals) return fault("more than 200 million arrivals");
    trace_.arrivals.push_back(arrival);
    return {};
  }

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 0;
  Random random_;
  std::vector<std::string_view> header_;
  std::map<std::string, uint32_t, std::less<>> functions_;
  Recorded recorded_;
  std::vector<float> cold_ms_;
  Trace trace_;
};

}  // namespace

Result<Trace> parseTrace(std::string_view text, std::string_view name, uint64_t seed) {
  return Reader(text, name, seed).read();
}

Result<Trace> readTrace(const std::filesystem::path& path, uint64_t seed) {
  TRY(const std::string text, readFile(path, gibibytes(4)));
  return parseTrace(text, path.string(), seed);
}

}  // namespace lectern::plan
