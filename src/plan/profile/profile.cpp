#include "plan/profile/profile.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/files.h"
#include "plan/profile/fit.h"

namespace lectern::plan {

namespace {

float medianOf(std::vector<float> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Result<Sample> parseSample(const json::value& value) {
  if (!value.is_object()) return fail(Code::kInvalid, "a sample is no object");
  const json::object& o = value.get_object();
  Sample s;
  s.memory_mb = static_cast<int>(intOr(o, "memory_mb", 0));
  s.batch = static_cast<int>(intOr(o, "batch", 1));
  s.cold = boolOr(o, "cold", false);
  s.duration_ms = doubleOr(o, "duration_ms", -1);
  s.init_ms = doubleOr(o, "init_ms", 0);
  s.client_ms = doubleOr(o, "client_ms", 0);
  s.max_memory_mb = static_cast<int>(intOr(o, "max_memory_mb", 0));
  if (s.memory_mb < 1 || s.memory_mb > 10'240 || s.batch < 1 || !(s.duration_ms >= 0 && s.duration_ms < 1e9)) {
    return fail(Code::kInvalid, "a sample needs memory_mb, batch and duration_ms");
  }
  return s;
}

}  // namespace

std::vector<int> Profile::memories() const {
  std::set<int> found;
  for (const Sample& s : samples) found.insert(s.memory_mb);
  return {found.begin(), found.end()};
}

std::vector<int> Profile::batches() const {
  std::set<int> found;
  for (const Sample& s : samples) found.insert(s.batch);
  return {found.begin(), found.end()};
}

std::vector<float> Profile::durations(int memory_mb, int batch, bool cold) const {
  std::vector<float> found;
  for (const Sample& s : samples) {
    if (s.memory_mb == memory_mb && s.batch == batch && s.cold == cold) {
      found.push_back(static_cast<float>(s.duration_ms));
    }
  }
  return found;
}

json::object profileJson(const Profile& profile) {
  json::array samples;
  for (const Sample& s : profile.samples) {
    json::object o{{"memory_mb", s.memory_mb}, {"batch", s.batch},          {"cold", s.cold},
                   {"duration_ms", s.duration_ms}, {"client_ms", s.client_ms}, {"max_memory_mb", s.max_memory_mb}};
    if (s.cold) o["init_ms"] = s.init_ms;
    samples.push_back(std::move(o));
  }
  return {{"function", profile.function},
          {"arch", profile.arch},
          {"vcpu_mb", profile.vcpu_mb},
          {"cores", profile.cores},
          {"samples", std::move(samples)}};
}

Result<Profile> parseProfile(std::string_view text) {
  TRY(const json::value root, parseJson(text));
  if (!root.is_object()) return fail(Code::kInvalid, "a profile is a JSON object");
  const json::object& o = root.get_object();
  Profile profile;
  profile.function = stringOr(o, "function", "");
  profile.arch = stringOr(o, "arch", "x86_64");
  profile.vcpu_mb = static_cast<int>(std::clamp<int64_t>(intOr(o, "vcpu_mb", 1769), 1, 100'000));
  profile.cores = static_cast<int>(std::clamp<int64_t>(intOr(o, "cores", 2), 1, 1024));
  const json::value* samples = o.if_contains("samples");
  if (samples == nullptr || !samples->is_array()) return fail(Code::kInvalid, "a profile needs \"samples\"");
  for (const json::value& each : samples->get_array()) {
    TRY(const Sample sample, parseSample(each));
    profile.samples.push_back(sample);
  }
  return profile;
}

Result<Profile> readProfile(const std::filesystem::path& path) {
  TRY(const std::string text, readFile(path, mebibytes(256)));
  auto profile = parseProfile(text);
  if (!profile) return Failure(profile.error().with(path.string()));
  return profile;
}

Result<void> adoptProfile(const Profile& profile, int memory_mb, Simulation& simulation) {
  std::vector<float> overhead, cold_overhead, init;
  for (const Sample& s : profile.samples) {
    const double rest = s.client_ms - s.duration_ms - s.init_ms;
    if (rest > 0 && s.memory_mb == memory_mb) (s.cold ? cold_overhead : overhead).push_back(static_cast<float>(rest));
    if (s.cold) init.push_back(static_cast<float>(s.init_ms));
  }
  const std::vector<float> measured = profile.durations(memory_mb, 1, false);
  auto fit = fitProfile(profile);
  if (measured.size() >= 5) {
    simulation.service.kind = Service::Kind::kSamples;
    simulation.service.samples = measured;
    simulation.service.mean_ms = meanOfSamples(measured);
  } else if (fit) {
    simulation.service.kind = Service::Kind::kLognormal;
    simulation.service.mean_ms = fit->predict(memory_mb, 1);
    simulation.service.cv = fit->scatter;
  } else {
    return Failure(fit.error());
  }
  if (fit) simulation.service.per_item_ms = fit->predict(memory_mb, 2) - fit->predict(memory_mb, 1);
  const float usual = medianOf(overhead);
  simulation.overhead_ms = usual;
  if (!overhead.empty()) simulation.overhead_samples = overhead;
  simulation.start.init_ms = medianOf(init);
  simulation.start.preinit_ms = std::max(0.0F, medianOf(cold_overhead) - usual);
  simulation.start.preinit_cv = 0.1;
  const auto cold = profile.durations(memory_mb, 1, true);
  if (!cold.empty()) {
    simulation.start.first_call_ms = std::max(0.0, medianOf(cold) - simulation.service.mean_ms);
  }
  return {};
}

}  // namespace lectern::plan
