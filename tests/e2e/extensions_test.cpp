// Extensions beside a function, and what of an environment outlives its processes. Needs sandboxes and Python; says so
// and is skipped elsewhere.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "engine/engine.h"

namespace lectern::engine {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kExtension = R"PY(#!/usr/bin/python3
import http.client, json, os, sys
link = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
def call(method, path, body=None, headers={}):
    link.request(method, path, body, headers)
    answer = link.getresponse()
    return answer.status, answer.headers, answer.read().decode()
def say(*words): print('EXT', *words, flush=True)
name = os.path.basename(sys.argv[0])
how = os.environ.get('EXTENSION', '')
base = '/2020-01-01/extension/'
say(call('POST', base + 'register', '{}')[2].strip())
say(call('GET', base + 'event/next')[2].strip())
say(call('POST', base + 'register', '{"events":["FLY"]}', {'Lambda-Extension-Name': name})[2].strip())
status, headers, body = call('POST', base + 'register', '{"events":["INVOKE","SHUTDOWN"]}',
                             {'Lambda-Extension-Name': name, 'Lambda-Extension-Accept-Feature': 'accountId'})
me = {'Lambda-Extension-Identifier': headers['Lambda-Extension-Identifier']}
say('registered', status, body)
say(call('PUT', '/2022-07-01/telemetry', '{}', me)[2].strip())
say('variables', [k for k in os.environ if k.startswith('_') or k == 'LAMBDA_TASK_ROOT'])
if how == 'init-error':
    say(call('POST', base + 'init/error', '{}', {**me, 'Lambda-Extension-Function-Error-Type': 'Extension.NoKey'})[0])
while True:
    status, headers, body = call('GET', base + 'event/next', None, me)
    event = json.loads(body)
    say(event['eventType'], event.get('requestId', ''), event.get('shutdownReason', ''))
    if event['eventType'] == 'SHUTDOWN': break
    if how == 'crash': os._exit(9)
say('leaves')
)PY";

class ExtensionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    EngineOptions options;
    options.allow_none = true;
    options.idle = Seconds(3);  // longer than a busy machine leaves between two calls
    auto started = Engine::start(options);
    ASSERT_TRUE(started) << started.error().message;
    engine = std::move(*started);
    if (!engine->isolation().starts_with("isolation: full")) GTEST_SKIP() << "needs sandboxes";
    if (access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "needs /usr/bin/python3";
    auto made = TempDir::create();
    ASSERT_TRUE(made);
    layer.emplace(std::move(*made));
    fs::permissions(layer->path(), fs::perms(0755));
    fs::create_directory(layer->path() / "extensions");
    fs::path program = layer->path() / "extensions" / "watcher";
    std::ofstream(program) << kExtension;
    fs::permissions(program, fs::perms(0755));
  }

  void add(const std::string& how = "") {
    FunctionSpec spec;
    spec.name = "f", spec.code = LECTERN_BEHAVE_DIR, spec.timeout_s = 6, spec.memory_mb = 1769;
    spec.layers = {layer->path()};
    if (!how.empty()) spec.environment["EXTENSION"] = how;
    auto added = engine->addFunction(spec);
    ASSERT_TRUE(added) << added.error().message;
  }
  InvokeResult call(const std::string& payload) { return engine->invoke({"f", payload, true}); }

  std::string logs() {
    std::stringstream out;
    for (auto& entry : fs::recursive_directory_iterator(engine->stateDir())) {
      if (entry.path().extension() == ".log") out << std::ifstream(entry.path()).rdbuf();
    }
    return out.str();
  }
  /// The logs, once `text` is in them; as they are after a minute otherwise.
  std::string logsWith(const std::string& text) {
    std::string out;
    for (int i = 0; i < 1200; ++i) {
      out = logs();
      if (out.find(text) != std::string::npos) break;
      poll(nullptr, 0, 50);
    }
    return out;
  }

  std::optional<TempDir> layer;
  std::unique_ptr<Engine> engine;
};

TEST_F(ExtensionsTest, RegisterInvokeAndShutdown) {
  add();
  auto result = call(R"({"do":"count"})");
  EXPECT_EQ(result.payload, "1");
  auto second = call(R"({"do":"count"})");
  EXPECT_EQ(second.payload, "2");
  std::string log = logsWith("EXT leaves");
  EXPECT_THAT(log, HasSubstr("Extension.InvalidExtensionName"));
  EXPECT_THAT(log, HasSubstr("Extension.MissingExtensionIdentifier"));
  EXPECT_THAT(log, HasSubstr("Extension.InvalidEventType"));
  EXPECT_THAT(log, HasSubstr("EXT registered 200 {\"functionName\":\"f\",\"functionVersion\":\"$LATEST\",\"handler\":"
                             "\"bootstrap\",\"accountId\":\"000000000000\"}"));
  EXPECT_THAT(log, HasSubstr("Telemetry.NotSupported"));
  EXPECT_THAT(log, HasSubstr("EXT variables []"));
  EXPECT_THAT(log, HasSubstr("EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n"));
  EXPECT_THAT(log, HasSubstr("EXT INVOKE " + result.request_id));
  EXPECT_THAT(log, HasSubstr("EXT INVOKE " + second.request_id));
  EXPECT_THAT(log, HasSubstr("EXT SHUTDOWN  spindown"));
}

TEST_F(ExtensionsTest, TimeoutTellsThemAndKeepsTmp) {
  add();
  EXPECT_EQ(call(R"({"do":"tmp"})").payload, "1");
  auto late = call(R"({"do":"sleep","ms":60000})");
  EXPECT_THAT(late.payload, HasSubstr("Task timed out after 6.00 seconds"));
  EXPECT_EQ(call(R"({"do":"tmp"})").payload, "2");
  EXPECT_EQ(call(R"({"do":"count"})").payload, "2");
  EXPECT_THAT(logsWith("EXT SHUTDOWN  timeout"), HasSubstr("EXT SHUTDOWN  timeout"));
}

TEST_F(ExtensionsTest, OneThatCrashesFailsTheInvocation) {
  add("crash");
  auto result = call(R"({"do":"sleep","ms":5000})");
  EXPECT_EQ(result.payload, R"({"errorType":"Extension.Crash","errorMessage":"RequestId: )" + result.request_id +
                                R"( Error: exit status 9"})");
}

TEST_F(ExtensionsTest, OneThatGivesUpFailsTheInit) {
  add("init-error");
  auto result = call("{}");
  auto parsed = parseJson(result.payload);
  ASSERT_TRUE(parsed) << result.payload;
  EXPECT_EQ(stringOr(parsed->as_object(), "errorType", ""), "Extension.NoKey");
  std::string log = logsWith("Phase: invoke");
  EXPECT_THAT(log, HasSubstr("Phase: init\tStatus: error\tError Type: Extension.NoKey"));
  EXPECT_THAT(log, HasSubstr("Phase: invoke\tStatus: error\tError Type: Extension.NoKey"));
}

TEST_F(ExtensionsTest, CrashResetsTheEnvironmentInsideTheNextInvocationWithTmpKept) {
  FunctionSpec spec;
  spec.name = "f", spec.code = LECTERN_BEHAVE_DIR, spec.timeout_s = 5;
  ASSERT_TRUE(engine->addFunction(spec));
  for (int round = 1; round <= 5; ++round) {
    EXPECT_EQ(call(R"({"do":"tmp"})").payload, std::to_string(round));
    auto crashed = call(round % 2 ? R"({"do":"crash"})" : R"({"do":"exit","n":1})");
    EXPECT_THAT(crashed.payload, HasSubstr("Runtime exited with error: ")) << crashed.payload;
  }
  auto after = call(R"({"do":"count"})");
  EXPECT_EQ(after.payload, "1");
  // The init inside an invocation counts as its duration, and is not reported apart.
  EXPECT_EQ(after.log.find("Init Duration"), std::string::npos) << after.log;
}

}  // namespace
}  // namespace lectern::engine
