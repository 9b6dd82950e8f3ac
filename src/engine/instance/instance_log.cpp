#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

#include "base/hash.h"
#include "base/json.h"
#include "engine/instance/instance.h"

namespace lectern::engine {

namespace {

constexpr size_t kTail = 4096;           // bytes that LogType=Tail returns
constexpr size_t kReadAtOnce = 1 << 20;  // then others get their turn

std::string platformEvent(WallTime now, std::string_view type, json::object record) {
  json::object event;
  event["time"] = formatIso(now);
  event["type"] = type;
  event["record"] = std::move(record);
  return toJson(event) + "\n";
}

double millis(Nanos duration) { return double((duration.count() + 500) / 1000) / 1000.0; }

}  // namespace

/// Takes over what the function has printed so far.
void Instance::readOutput() {
  readFrom(output_);
  for (auto& [slot, fd] : extension_outputs_) readFrom(fd);
}

void Instance::readFrom(Fd& output) {
  if (!output.valid()) return;
  char* buffer = context_.loop.scratch();
  for (size_t total = 0; total < kReadAtOnce;) {
    ssize_t n = read(output.get(), buffer, net::Loop::kScratchSize);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) {
      context_.loop.unwatch(output.get());
      output.close();
      return;
    }
    if (n < 0) return;
    logText({buffer, size_t(n)});
    total += size_t(n);
    if (size_t(n) < 4096) return;  // a pipe hands over what it has in one read
  }
}

void Instance::logText(std::string_view text) {
  log_->write(text);
  if (invocation_ && invocation_->want_log) {
    tail_ += text;
    if (tail_.size() > 4 * kTail) tail_.erase(0, tail_.size() - kTail);
  }
}

std::string Instance::takeTail() {
  if (tail_.size() > kTail) tail_.erase(0, tail_.size() - kTail);
  return std::exchange(tail_, {});
}

void Instance::logStart() {
  const std::string& id = invocation_->request_id;
  if (version_->json_logs) {
    logText(platformEvent(context_.loop.clock().wall(), "platform.start",
                          {{"requestId", id}, {"version", version_->version}}));
    return;
  }
  std::string line;
  line.reserve(96);
  line.append("START RequestId: ").append(id).append(" Version: ").append(version_->version).append("\n");
  logText(line);
}

void Instance::logEnd(const Completion& completion) {
  const std::string& id = invocation_->request_id;
  log_->endLine();
  if (!tail_.empty() && tail_.back() != '\n') tail_ += '\n';
  if (version_->json_logs) {
    json::object metrics = {{"durationMs", millis(completion.duration)},
                            {"billedDurationMs", completion.billed_ms},
                            {"memorySizeMB", version_->memory_mb},
                            {"maxMemoryUsedMB", completion.max_memory_mb}};
    if (completion.init) metrics["initDurationMs"] = millis(*completion.init);
    if (completion.restore) {
      metering::Usage usage;
      usage.restore = completion.restore;
      metrics["restoreDurationMs"] = millis(*completion.restore);
      metrics["billedRestoreDurationMs"] = metering::billedRestoreMillis(usage);
    }
    json::object record = {{"requestId", id},
                           {"status", completion.status.empty() ? "success" : completion.status},
                           {"metrics", std::move(metrics)}};
    if (!completion.error_type.empty()) record["errorType"] = completion.error_type;
    logText(platformEvent(context_.loop.clock().wall(), "platform.report", std::move(record)));
    return;
  }
  metering::Report report;
  report.request_id = id;
  report.usage.duration = completion.duration;
  report.usage.init = completion.init;
  report.usage.restore = completion.restore;
  report.billed_ms = completion.billed_ms;
  report.memory_mb = version_->memory_mb;
  report.max_memory_used_mb = completion.max_memory_mb;
  report.status = completion.status;
  report.error_type = completion.error_type;
  std::string lines;
  lines.reserve(256);
  lines.append("END RequestId: ").append(id).append("\n").append(metering::formatReport(report));
  logText(lines);
}

void Instance::logInit(std::string_view status, std::string_view error_type) {
  Nanos took = context_.loop.now() - init_started_;
  std::string_view phase = restored_ ? "restore" : init_in_invocation_ ? "invoke" : "init";
  log_->endLine();
  if (version_->json_logs) {
    json::object record = {{"initializationType", restored_      ? "snap-start"
                                                  : provisioned_ ? "provisioned-concurrency"
                                                                 : "on-demand"},
                           {"phase", phase},
                           {"status", status},
                           {"metrics", {{"durationMs", millis(took)}}}};
    if (!error_type.empty()) record["errorType"] = error_type;
    logText(platformEvent(context_.loop.clock().wall(), "platform.initReport", std::move(record)));
    return;
  }
  std::string line = fmt::format("INIT_REPORT Init Duration: {} ms\tPhase: {}\tStatus: {}",
                                 metering::formatMillis(took), phase, status);
  if (!error_type.empty()) line += fmt::format("\tError Type: {}", error_type);
  logText(line + "\n");
}

/// Says where this start comes from; for the ordinary way, why.
void Instance::logRestoreStart(const std::string& why_ordinary) {
  if (!restored_) {
    logText("LECTERN Started the ordinary way, not from a snapshot: " + why_ordinary + "\n");
  } else if (version_->json_logs) {
    logText(platformEvent(context_.loop.clock().wall(), "platform.restoreStart",
                          {{"functionName", version_->name},
                           {"functionVersion", version_->version},
                           {"runtimeVersion", version_->runtime}}));
  } else {
    logText(fmt::format("RESTORE_START Runtime Version: {}\tRuntime Version ARN: arn:aws:lambda:{}::runtime:{}\n",
                        version_->runtime, context_.place.region, sha256Hex(version_->runtime)));
  }
}

void Instance::logRestored(Nanos took) {
  if (version_->json_logs) {
    logText(platformEvent(context_.loop.clock().wall(), "platform.restoreReport",
                          {{"status", "success"}, {"metrics", {{"durationMs", millis(took)}}}}));
  } else {
    logText(fmt::format("RESTORE_REPORT Restore Duration: {} ms\n", metering::formatMillis(took)));
  }
}

}  // namespace lectern::engine
