#pragma once
// Lambda on this machine: the whole engine behind one object. Read this first.
//
//   auto engine = Engine::start({});
//   FunctionSpec spec{.name = "ocr", .code = "build/release/functions/ocr", .memory_mb = 1024, .timeout_s = 60};
//   (*engine)->addFunction(spec);
//   InvokeResult result = (*engine)->invoke({.function = "ocr", .payload = R"({"page":1})"});
//
// The engine has one thread that takes all decisions (net/loop.h); every call here may come from any thread.
// Inside: invoke/front.h takes HTTP requests, invoke/dispatcher.h does what policy/scheduling decides,
// instance/instance.h is one environment, instance/host.h starts processes through the spawner's sandboxes.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "contract/limits.h"
#include "contract/names.h"

namespace lectern::engine {

struct EngineOptions {
  std::filesystem::path state_dir;  // functions, logs; empty: a temporary one that goes with the engine
  contract::Quotas quotas = contract::Quotas::kCurrent;
  contract::Place place;
  bool sandbox = true;      // false: plain processes
  // For measuring: functions get their processor shares before other programs of the machine, and so does the engine, and
  // cores do not halt in between (base/awake.h). Needs control groups.
  bool functions_first = false;
  // Folder where a keeper of weights serves (model/store/keeper.h): functions that open the same model share one copy of
  // it. Empty: each has its own.
  std::filesystem::path keeper = {};
  bool allow_none = false;  // go on with plain processes where the machine offers no isolation
  std::string listen;       // "127.0.0.1:0" serves the Lambda API; empty: no HTTP
  bool require_signature = false;
  std::string access_key = "test", secret_key = "test";  // for require_signature
  Nanos idle{0};                                         // how long an instance without work is kept; 0: ten minutes
  Bytes stream_rate{0};                                  // a second, of streamed responses; 0: of the quota profile
  Nanos retry_delay{0};         // before an Event invocation that failed is repeated; 0: a minute, as Lambda
  int account_concurrency = 0;  // 0: of the quota profile
};

struct MountSpec {
  std::filesystem::path host_dir;
  std::string target;  // "/mnt/models"
  bool writable = false;
};

struct FunctionSpec {
  std::string name;
  std::filesystem::path code;  // directory (used in place) or zip file
  std::string runtime = "provided.al2023";
  std::string handler = "bootstrap";
  int memory_mb = 128;
  int timeout_s = 3;
  int tmp_mb = 512;
  std::map<std::string, std::string> environment;
  std::vector<std::filesystem::path> layers;  // directories or zip files
  std::vector<MountSpec> mounts;
  std::optional<int> reserved_concurrency;
  int provisioned = 0;
  bool snap_start = false;  // instances start as copies of one that has run its init
};

struct InvokeArguments {
  std::string function;  // name, name:qualifier or ARN
  std::string payload = "{}";
  bool want_log = false;
};

struct InvokeResult {
  int status = 200;            // as over HTTP: 200 also for function errors; 404, 413, 429, ...
  std::string payload;         // the function's answer, or the API error's body
  std::string function_error;  // "Unhandled", or ""
  std::string log;             // the end of its log, when wanted
  std::string request_id;
  std::string executed_version;
  bool ok() const { return status == 200 && function_error.empty(); }
};

class Engine {
 public:
  using Callback = std::function<void(InvokeResult)>;

  /// Starts the engine's thread (and the spawner, and the HTTP server). kUnavailable says what is missing.
  static Result<std::unique_ptr<Engine>> start(const EngineOptions& options);
  /// Ends all instances and waits for them; callers that still wait get status 500.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Adds or replaces a function. Everything wrong with its bundle is refused here, with Lambda's texts.
  Result<void> addFunction(const FunctionSpec& spec);
  /// All functions of a serverless.yml. Paths in it are relative to the file. Returns its warnings.
  Result<std::vector<std::string>> addServerless(const std::filesystem::path& file);
  /// A file that appears in `directory` and fits one of the patterns (none: all) is an Event invocation of `function`
  /// with an event like S3's.
  Result<void> watchFolder(const std::string& function, const std::filesystem::path& directory,
                           const std::vector<std::string>& patterns);
  Result<void> removeFunction(const std::string& name);

  /// `done` runs on the engine's thread and must not wait.
  void invokeAsync(InvokeArguments arguments, Callback done);
  /// Waits for the answer. Not from the engine's thread.
  InvokeResult invoke(InvokeArguments arguments);

  /// "http://127.0.0.1:PORT", or "" without HTTP.
  std::string endpoint() const;
  /// What isolation functions get here, one sentence.
  std::string isolation() const;
  std::filesystem::path stateDir() const;

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lectern::engine
