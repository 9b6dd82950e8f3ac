#include "engine/invoke/observe.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "net/url.h"

namespace lectern::engine {

namespace fs = std::filesystem;

namespace {

/// Calls f(function, number, version) for all versions in service.
template <typename F>
void forEachVersion(Registry& registry, F f) {
  for (auto& [name, function] : registry.functions()) {
    for (auto& [number, version] : function.versions) {
      if (version.live) f(function, number, version);
    }
  }
}

std::map<std::string, std::map<std::string, int>> statesByVersion(const Dispatcher& dispatcher) {
  std::map<std::string, std::map<std::string, int>> out;
  for (auto& instance : dispatcher.instances()) ++out[instance.function + ":" + instance.version][instance.state];
  return out;
}

}  // namespace

json::object statusOf(Registry& registry, const Dispatcher& dispatcher, size_t waiting, std::string_view isolation) {
  json::array functions;
  auto states = statesByVersion(dispatcher);
  forEachVersion(registry,
                 [&](const FunctionRecord& function, const std::string& number, const VersionRecord& version) {
                   const VersionTotals& totals = dispatcher.totals(version.live->id);
                   json::object instances;
                   for (auto& [state, count] : states[function.name + ":" + number]) instances[state] = count;
                   functions.push_back(json::object{{"name", function.name},
                                                    {"version", number},
                                                    {"memory_mb", version.live->memory_mb},
                                                    {"instances", std::move(instances)},
                                                    {"invocations", totals.invocations},
                                                    {"errors", totals.errors},
                                                    {"timeouts", totals.timeouts},
                                                    {"throttles", totals.throttles},
                                                    {"cold_starts", totals.cold},
                                                    {"duration_ms", double(totals.duration_us) / 1000},
                                                    {"billed_ms", totals.billed_ms},
                                                    {"gb_seconds", double(totals.mb_millis) / 1024 / 1000},
                                                    {"max_memory_mb", totals.max_memory_mb}});
                 });
  return {{"functions", std::move(functions)},
          {"concurrency", dispatcher.concurrency()},
          {"waiting_events", waiting},
          {"isolation", isolation}};
}

std::string metricsOf(Registry& registry, const Dispatcher& dispatcher, size_t waiting) {
  struct Counter {
    const char *name, *help;
    double (*value)(const VersionTotals&);
  };
  const Counter counters[] = {
      {"lectern_invocations_total", "Invocations that came",
       [](const VersionTotals& t) { return double(t.invocations); }},
      {"lectern_errors_total", "Invocations that ended in an error, the function's own or the platform's",
       [](const VersionTotals& t) { return double(t.errors); }},
      {"lectern_timeouts_total", "Invocations that ran out of time",
       [](const VersionTotals& t) { return double(t.timeouts); }},
      {"lectern_throttles_total", "Invocations refused with 429",
       [](const VersionTotals& t) { return double(t.throttles); }},
      {"lectern_cold_starts_total", "Invocations that waited for a new instance",
       [](const VersionTotals& t) { return double(t.cold); }},
      {"lectern_duration_seconds_total", "Time in functions",
       [](const VersionTotals& t) { return double(t.duration_us) / 1e6; }},
      {"lectern_billed_seconds_total", "Time that Lambda would bill",
       [](const VersionTotals& t) { return double(t.billed_ms) / 1e3; }},
  };
  std::string out;
  for (auto& counter : counters) {
    out += fmt::format("# HELP {} {}\n# TYPE {} counter\n", counter.name, counter.help, counter.name);
    forEachVersion(registry,
                   [&](const FunctionRecord& function, const std::string& number, const VersionRecord& version) {
                     out += fmt::format("{}{{function=\"{}\",version=\"{}\"}} {}\n", counter.name, function.name,
                                        number, counter.value(dispatcher.totals(version.live->id)));
                   });
  }
  out += "# HELP lectern_instances Instances by state\n# TYPE lectern_instances gauge\n";
  for (auto& [key, states] : statesByVersion(dispatcher)) {
    size_t colon = key.rfind(':');
    for (auto& [state, count] : states) {
      out += fmt::format("lectern_instances{{function=\"{}\",version=\"{}\",state=\"{}\"}} {}\n", key.substr(0, colon),
                         key.substr(colon + 1), state, count);
    }
  }
  out += fmt::format(
      "# HELP lectern_concurrency Concurrency in use\n# TYPE lectern_concurrency gauge\nlectern_concurrency {}\n"
      "# HELP lectern_waiting_events Event invocations that wait\n# TYPE lectern_waiting_events gauge\n"
      "lectern_waiting_events {}\n",
      dispatcher.concurrency(), waiting);
  return out;
}

net::Response logsOf(LogStore& logs, std::string_view query) {
  constexpr size_t kMost = 1 << 20;
  logs.flushAll();
  std::string function = net::queryValue(query, "function").value_or("");
  std::string stream = net::queryValue(query, "stream").value_or("");
  if (!contract::isFunctionName(function) || stream.find("..") != std::string::npos) {
    return net::Response(400, "text/plain", "wanted: function=NAME[&stream=NAME&offset=N]\n");
  }
  fs::path folder = logs.directory() / "aws/lambda" / function;
  std::error_code error;
  if (!stream.empty()) {
    int64_t offset = std::strtoll(net::queryValue(query, "offset").value_or("0").c_str(), nullptr, 10);
    Fd fd(open((folder / (stream + ".log")).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd.valid()) return net::Response(404, "text/plain", "no such stream\n");
    std::string text(kMost, '\0');
    ssize_t n = pread(fd.get(), text.data(), text.size(), std::max<int64_t>(0, offset));
    text.resize(size_t(std::max<ssize_t>(0, n)));
    return net::Response(200, "text/plain", std::move(text));
  }
  std::vector<std::pair<int64_t, json::object>> found;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (!it->is_regular_file(error) || it->path().extension() != ".log") continue;
    std::string name = it->path().lexically_relative(folder).string();
    name.resize(name.size() - 4);
    int64_t time = it->last_write_time(error).time_since_epoch().count();
    found.push_back({time, json::object{{"name", name}, {"size", it->file_size(error)}}});
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  json::array streams;
  for (auto& [time, item] : found) streams.push_back(std::move(item));
  return net::Response(200, "application/json", toJson(json::object{{"streams", std::move(streams)}}));
}

}  // namespace lectern::engine
