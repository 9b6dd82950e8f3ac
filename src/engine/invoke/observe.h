#pragma once
// What the engine tells about itself: status as JSON, metrics for Prometheus, log files.

#include <string>
#include <string_view>

#include "base/json.h"
#include "engine/control/registry.h"
#include "engine/invoke/dispatcher.h"
#include "net/http.h"

namespace lectern::engine {

/// {"functions":[{"name","version","memory_mb","instances":{state:n},"invocations",...}],"concurrency","waiting_events"}.
json::object statusOf(Registry& registry, const Dispatcher& dispatcher, size_t waiting_events,
                      std::string_view isolation);
/// Text exposition format 0.0.4.
std::string metricsOf(Registry& registry, const Dispatcher& dispatcher, size_t waiting_events);
/// GET /lectern/logs?function=F lists its streams, &stream=S&offset=N gives up to 1 MiB of one from there.
net::Response logsOf(LogStore& logs, std::string_view query);

}  // namespace lectern::engine
