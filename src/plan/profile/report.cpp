#include "plan/profile/report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/hash.h"
#include "plan/plot/svg.h"
#include "plan/prices/bill.h"
#include "policy/metering/metering.h"

namespace lectern::plan {

namespace {

/// One call of `ms` at `memory` with the request fee, at the prices of today.
double costOfCall(const PriceBook& book, const std::string& arch, int memory, double ms) {
  Bill bill(book);
  metering::Usage usage;
  usage.duration = Nanos(std::llround(ms * 1e6));
  const int64_t billed = metering::billedMillis(metering::Rules::at(book.as_of), usage);
  if (!bill.charge("lambda.duration." + arch, gbSeconds(Int128{billed} * memory), "")) return NAN;
  if (!bill.charge("lambda.requests", units(1), "")) return NAN;
  return bill.total().usd();
}

/// What power tuning averages: samples without the fifth at each end.
double trimmedMean(std::vector<float> samples) {
  if (samples.empty()) return NAN;
  std::ranges::sort(samples);
  const size_t cut = samples.size() / 5;
  return meanOfSamples({samples.begin() + static_cast<std::ptrdiff_t>(cut),
                        samples.end() - static_cast<std::ptrdiff_t>(cut)});
}

json::object powerTuning(const Profile& profile, const PriceBook& book) {
  std::vector<int> memories;
  std::vector<float> durations, costs;
  json::array stats;
  double spent = 0;
  for (const Sample& s : profile.samples) spent += costOfCall(book, profile.arch, s.memory_mb, s.duration_ms);
  for (const int memory : profile.memories()) {
    const double mean = trimmedMean(profile.durations(memory, profile.batches().front(), false));
    if (std::isnan(mean)) continue;
    const double cost = costOfCall(book, profile.arch, memory, mean);
    memories.push_back(memory);
    durations.push_back(static_cast<float>(mean));
    costs.push_back(static_cast<float>(cost));
    stats.push_back(json::object{{"value", memory}, {"averagePrice", cost}, {"averageDuration", mean}});
  }
  if (memories.empty()) return {};
  const auto best = static_cast<size_t>(std::ranges::min_element(costs) - costs.begin());
  return {{"power", memories[best]},
          {"cost", costs[best]},
          {"duration", durations[best]},
          {"stateMachine",
           json::object{{"executionCost", 0},
                        {"lambdaCost", spent},
                        {"visualization", "https://lambda-power-tuning.show/#" +
                                              powerTuningFragment(memories, durations, costs)}}},
          {"stats", std::move(stats)}};
}

json::object fitJson(const Profile& profile, const Fit& fit) {
  json::array coefficients, bands;
  for (const double c : fit.coefficients) coefficients.push_back(c);
  for (const int memory : profile.memories()) {
    for (const int batch : profile.batches()) {
      const auto [low, high] = fit.band(memory, batch);
      bands.push_back(json::object{{"memory_mb", memory}, {"batch", batch}, {"ms", fit.predict(memory, batch)},
                                   {"low", low}, {"high", high}});
    }
  }
  return {{"features", json::array{"1", "k", "1/min(1,c)", "k/min(1,c)", "1/min(c,cores)", "k/min(c,cores)"}},
          {"coefficients_ms", std::move(coefficients)},
          {"scatter_cv", fit.scatter},
          {"mean_error", fit.error},
          {"leave_one_size_out_error", fit.left_out_error},
          {"predictions", std::move(bands)}};
}

template <typename T>
void append(std::string& bytes, T value) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  bytes.append(raw, sizeof(T));
}

}  // namespace

std::string powerTuningFragment(const std::vector<int>& memories, const std::vector<float>& durations,
                                const std::vector<float>& costs) {
  std::string sizes, times, prices;
  for (const int m : memories) append(sizes, static_cast<int16_t>(m));
  for (const float d : durations) append(times, d);
  for (const float c : costs) append(prices, c);
  return base64Encode(sizes) + ";" + base64Encode(times) + ";" + base64Encode(prices);
}

std::string profileFileText(const Profile& profile) {
  json::object root = profileJson(profile);
  if (const auto fit = fitProfile(profile)) root["fit"] = fitJson(profile, *fit);
  if (const auto book = loadBook("aws-2026")) root["powerTuning"] = powerTuning(profile, *book);
  return toPrettyJson(root) + "\n";
}

std::string profileTable(const Profile& profile) {
  const auto book = loadBook("aws-2026");
  const auto fit = fitProfile(profile);
  std::string text = fmt::format("{:>7} {:>6} {:>6} {:>10} {:>10} {:>10} {:>6} {:>10} {:>10} {:>14}\n", "MB", "batch",
                                 "warm", "p50 ms", "p95 ms", "fit ms", "cold", "init ms", "call ms", "USD a call");
  for (const int memory : profile.memories()) {
    for (const int batch : profile.batches()) {
      auto warm = profile.durations(memory, batch, false);
      auto cold = profile.durations(memory, batch, true);
      std::vector<float> init;
      for (const Sample& s : profile.samples) {
        if (s.memory_mb == memory && s.batch == batch && s.cold) init.push_back(static_cast<float>(s.init_ms));
      }
      const double p50 = percentile(warm, 0.5).value;
      text += fmt::format("{:>7} {:>6} {:>6} {:>10.2f} {:>10.2f} {:>10.2f} {:>6} {:>10.2f} {:>10.2f} {:>14.9f}\n", memory,
                          batch, warm.size(), p50, percentile(warm, 0.95).value,
                          fit ? fit->predict(memory, batch) : NAN, cold.size(), percentile(init, 0.5).value,
                          percentile(cold, 0.5).value, book ? costOfCall(*book, profile.arch, memory, p50) : NAN);
    }
  }
  if (fit) {
    text += fmt::format("fit: mean error {:.1f} %", 100 * fit->error);
    if (fit->left_out_error >= 0) text += fmt::format(", each size from the others {:.1f} %", 100 * fit->left_out_error);
    text += fmt::format("; calls at one size scatter by {:.1f} %\n", 100 * fit->scatter);
  } else {
    text += fit.error().message + "\n";
  }
  return text;
}

std::string profileChart(const Profile& profile) {
  Chart chart;
  chart.title = "Time against memory: " + profile.function;
  chart.x_label = "memory (MB)";
  chart.y_label = "duration (ms)";
  chart.x_log = chart.y_log = true;
  const auto fit = fitProfile(profile);
  for (const int batch : profile.batches()) {
    Series measured{fmt::format("batch {} measured", batch), {}, {}, false};
    Series fitted{fmt::format("batch {} fit", batch), {}, {}, true};
    for (const int memory : profile.memories()) {
      auto warm = profile.durations(memory, batch, false);
      if (!warm.empty()) measured.points.emplace_back(memory, percentile(warm, 0.5).value);
    }
    const auto memories = profile.memories();
    for (double m = memories.front(); fit && m <= memories.back() * 1.001; m *= 1.1) {
      fitted.points.emplace_back(m, fit->predict(m, batch));
      fitted.band.push_back(fit->band(m, batch));
    }
    chart.series.push_back(std::move(measured));
    if (fit) chart.series.push_back(std::move(fitted));
  }
  return drawChart(chart);
}

}  // namespace lectern::plan
