#include "app/verify_job.h"

#include <fmt/format.h>

#include "base/files.h"
#include "engine/engine.h"
#include "pack/verify.h"

namespace lectern::app {

namespace fs = std::filesystem;

namespace {
constexpr int kTimeoutSeconds = 180;

/// The answer of `code` (a zip or a folder) in an engine of its own.
Result<std::string> answerInEngine(const pack::VerifyCase& which, const fs::path& code) {
  TRY(auto engine, engine::Engine::start({.allow_none = true}));
  const auto& f = which.function;
  engine::FunctionSpec spec{.name = f.name, .code = code, .runtime = f.runtime, .handler = f.handler,
                            .memory_mb = f.memory_mb, .timeout_s = kTimeoutSeconds, .tmp_mb = f.tmp_mb,
                            .environment = f.environment};
  for (const auto& key : f.layers) {
    const auto zip = which.packed.zip.parent_path() / ("layer-" + key + ".zip");
    if (which.config.layer(key) != nullptr) spec.layers.push_back(zip);
  }
  if (const fs::path folder = pack::mountedFolder(which); !folder.empty()) {
    spec.mounts.push_back({fs::absolute(folder), f.file_system->local_mount_path, false});
  }
  TRY_VOID(engine->addFunction(spec));
  const auto result = engine->invoke({.function = f.name, .payload = which.event, .want_log = true});
  if (result.ok()) return result.payload;
  return fail(Code::kUnavailable, result.payload.substr(0, 600) + (result.log.empty() ? "" : "; log: " + result.log));
}

Verified compare(const pack::VerifyCase& which, std::string place, const std::string& expected,
                 const Result<std::string>& got) {
  Verified out{which.function.name, std::move(place), true, false, ""};
  if (!got) {
    out.tried = got.error().code != Code::kDenied;
    out.detail = got.error().message;
  } else if (const auto same = pack::sameAnswer(expected, *got, which.function.pack.ignore); !same) {
    out.detail = same.error().message;
  } else {
    out.same = true;
  }
  return out;
}

Result<void> verifyOne(const pack::VerifyCase& which, std::vector<Verified>& out) {
  const bool program = !which.function.pack.binary.empty();
  // A script's interpreter is the target's: its service folder as it is, untrimmed, says what to expect.
  auto expected = program ? pack::answerAsBuilt(which) : answerInEngine(which, which.folder);
  if (!expected) return Failure(expected.error().with("function '" + which.function.name + "' before packing"));
  if (program) out.push_back(compare(which, "empty root", *expected, pack::answerInEmptyRoot(which)));
  if (program) out.push_back(compare(which, "Runtime Interface Emulator", *expected, pack::answerInEmulator(which)));
  out.push_back(compare(which, "engine", *expected, answerInEngine(which, which.packed.zip)));
  return {};
}
}  // namespace

Result<std::vector<Verified>> verifyBundles(const fs::path& config_file, const pack::PackReport& report) {
  TRY(const auto config, pack::loadConfig(config_file));
  const fs::path folder = config_file.parent_path().empty() ? fs::path(".") : config_file.parent_path();
  std::vector<Verified> out;
  for (const auto& packed : report.functions) {
    const auto* function = config.function(packed.name);
    if (function == nullptr) continue;
    if (function->pack.event.empty()) {
      out.push_back({packed.name, "anywhere", false, false, "it has no recorded event (custom.lectern.pack.NAME.event)"});
      continue;
    }
    TRY(const std::string event, readFile(folder / function->pack.event, mebibytes(6)));
    TRY_VOID(verifyOne({config, *function, packed, folder, event}, out));
  }
  return out;
}

}  // namespace lectern::app
