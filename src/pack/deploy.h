#pragma once
// Sends packed functions to a Lambda endpoint over HTTP.

#include <string>
#include <vector>

#include "base/clock.h"
#include "pack/pack.h"

namespace lectern::pack {

struct DeployOptions {
  PackOptions pack;
  std::string endpoint = "http://127.0.0.1:9000";
};

struct Deployed {
  std::string name;
  bool created = false;  // else its code was replaced
  int64_t zip_bytes = 0;
};

/// Packs, publishes the service's own layers, then creates each function or replaces its code and configuration, over http
/// or https, signed with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY when set.
Result<std::vector<Deployed>> deploy(const DeployOptions& options, const Clock& clock);

}  // namespace lectern::pack
