// The engine with real processes: what callers see when functions behave well or badly. Needs the spawner; runs with
// plain processes where the machine offers no isolation (LECTERN_TEST_SANDBOX=0 forces that).

#include "engine/engine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "base/hash.h"
#include "base/json.h"
#include "net/http_client.h"
#include "net/url.h"

namespace lectern::engine {
namespace {

namespace fs = std::filesystem;

fs::path behaveDir() { return fs::path(LECTERN_BEHAVE_DIR); }

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    EngineOptions options;
    options.listen = "127.0.0.1:0";
    options.allow_none = true;
    auto started = Engine::start(options);
    ASSERT_TRUE(started) << started.error().message;
    engine = std::move(*started);
    isolated = engine->isolation().starts_with("isolation: full");
  }

  FunctionSpec spec(const std::string& name, const std::string& init = "") {
    FunctionSpec out;
    out.name = name;
    out.code = behaveDir();
    out.timeout_s = 10;
    if (!init.empty()) out.environment["BEHAVE_INIT"] = init;
    return out;
  }
  void add(const FunctionSpec& function) {
    auto added = engine->addFunction(function);
    ASSERT_TRUE(added) << added.error().message;
  }
  InvokeResult call(const std::string& name, const std::string& payload) {
    return engine->invoke({name, payload, true});
  }
  json::object errorOf(const InvokeResult& result) {
    auto parsed = parseJson(result.payload);
    return parsed && parsed->is_object() ? parsed->as_object() : json::object{};
  }
  Result<net::ClientResponse> http(net::ClientRequest request) {
    auto where = net::parseHttpUrl(engine->endpoint());
    return net::HttpClient(where->host, where->port).send(request);
  }

  std::unique_ptr<Engine> engine;
  bool isolated = false;
};

TEST_F(EngineTest, EchoesAndReusesTheInstance) {
  add(spec("f"));
  auto first = call("f", R"({"do":"count"})");
  EXPECT_EQ(first.payload, "1");
  EXPECT_TRUE(first.ok());
  EXPECT_EQ(first.executed_version, "$LATEST");
  EXPECT_NE(first.log.find("START RequestId: " + first.request_id + " Version: $LATEST\n"), std::string::npos);
  EXPECT_NE(first.log.find("END RequestId: " + first.request_id + "\nREPORT RequestId: " + first.request_id + "\t"),
            std::string::npos);
  EXPECT_NE(first.log.find("Init Duration: "), std::string::npos);
  for (int i = 2; i < 50; ++i) EXPECT_EQ(call("f", R"({"do":"count"})").payload, std::to_string(i));
  EXPECT_EQ(call("f", R"({"do":"count"})").log.find("Init Duration: "), std::string::npos);
}

TEST_F(EngineTest, StopsWhileAnswersComeIn) {
  for (int round = 0; round < 20; ++round) {
    add(spec("f"));
    // Some have answered and ask for their next event by then, the others are about to answer.
    std::promise<void> first;
    std::atomic<int> answers = 0;
    for (int i = 0; i < 4; ++i) {
      engine->invokeAsync({"f", R"({"do":"sleep","ms":5})"}, [&](const InvokeResult&) {
        if (++answers == 1) first.set_value();
      });
    }
    first.get_future().wait();
    engine.reset();
    EXPECT_EQ(answers, 4);
    SetUp();
  }
}

TEST_F(EngineTest, OneEventAtATimeSoCallersAtOnceGetInstancesOfTheirOwn) {
  add(spec("f"));
  std::atomic<int> done = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      if (call("f", R"({"do":"sleep","ms":300})").ok()) ++done;
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(done, 4);
  EXPECT_LT(std::stoi(call("f", R"({"do":"count"})").payload), 4);
}

TEST_F(EngineTest, ErrorsCarryTheFunctionsOwnWords) {
  add(spec("f"));
  auto result = call("f", R"({"do":"error"})");
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.function_error, "Unhandled");
  EXPECT_EQ(errorOf(result)["errorType"].as_string(), "Behave.Asked");
  EXPECT_EQ(call("f", R"({"do":"count"})").payload, "2");
}

TEST_F(EngineTest, TimeoutInLambdasWordsThenAFreshProcess) {
  auto function = spec("f");
  function.timeout_s = 1;
  add(function);
  call("f", "{}");
  auto result = call("f", R"({"do":"sleep","ms":5000})");
  EXPECT_EQ(result.payload, R"({"errorType":"Sandbox.Timedout","errorMessage":"RequestId: )" + result.request_id +
                                R"( Error: Task timed out after 1.00 seconds"})");
  EXPECT_NE(result.log.find(result.request_id + " Task timed out after 1.00 seconds"), std::string::npos);
  EXPECT_NE(result.log.find("Status: timeout"), std::string::npos);
  EXPECT_EQ(call("f", R"({"do":"count"})").payload, "1");
}

TEST_F(EngineTest, ExitCrashAndOutOfMemoryAreToldApart) {
  add(spec("f"));
  auto id = [](const InvokeResult& r) { return "RequestId: " + r.request_id + " Error: "; };
  auto exited = call("f", R"({"do":"exit","n":0})");
  EXPECT_EQ(errorOf(exited)["errorMessage"].as_string(), id(exited) + "Runtime exited without providing a reason");
  EXPECT_EQ(errorOf(exited)["errorType"].as_string(), "Runtime.ExitError");
  auto failed = call("f", R"({"do":"exit","n":3})");
  EXPECT_EQ(errorOf(failed)["errorMessage"].as_string(), id(failed) + "Runtime exited with error: exit status 3");
  auto crashed = call("f", R"({"do":"crash"})");
  EXPECT_EQ(errorOf(crashed)["errorMessage"].as_string(),
            id(crashed) + "Runtime exited with error: signal: segmentation fault");
  if (isolated) {
    auto hungry = call("f", R"({"do":"memory","n":400})");
    EXPECT_EQ(errorOf(hungry)["errorMessage"].as_string(), id(hungry) + "Runtime exited with error: signal: killed");
    EXPECT_NE(hungry.log.find("Error Type: Runtime.OutOfMemory"), std::string::npos) << hungry.log;
    EXPECT_NE(hungry.log.find("Max Memory Used: 128 MB"), std::string::npos) << hungry.log;
  }
  EXPECT_EQ(call("f", R"({"do":"count"})").payload, "1");
}

TEST_F(EngineTest, InitThatFailsIsRepeatedOnceAndReported) {
  add(spec("f", "exit"));
  auto result = call("f", "{}");
  EXPECT_EQ(errorOf(result)["errorMessage"].as_string(),
            "RequestId: " + result.request_id + " Error: Runtime exited with error: exit status 7");
  auto folder = *TempDir::create();
  ASSERT_TRUE(writeFileAtomic(folder.path() / "readme", "no bootstrap here"));
  auto missing = spec("none");
  missing.code = folder.path();
  add(missing);
  auto none = call("none", "{}");
  EXPECT_EQ(errorOf(none)["errorType"].as_string(), "Runtime.InvalidEntrypoint");
}

TEST_F(EngineTest, PayloadLimits) {
  add(spec("f"));
  EXPECT_EQ(call("f", R"({"do":"size","n":6291556})").payload.size(), 6291556u);
  auto large = call("f", R"({"do":"size","n":6291557})");
  EXPECT_EQ(large.payload,
            R"({"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).",)"
            R"("errorType":"Function.ResponseSizeTooLarge"})");
  EXPECT_EQ(call("f", R"({"do":"count"})").payload, "3");
  net::ClientRequest request;
  request.method = "POST";
  request.target = "/2015-03-31/functions/f/invocations";
  std::string body = "\"" + std::string(6291455, 'x') + "\"";
  request.body = body;
  auto refused = http(request);
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_EQ(refused->status, 413);
  EXPECT_EQ(refused->headers.get("x-amzn-ErrorType"), "RequestEntityTooLargeException");
  // The rest of a body that is too large for any invocation is not kept, whatever the path looks like.
  for (const char* path : {"invocations", "invoke-async", "invoke-async/"}) {
    request.target = std::string(path).starts_with("invoke-async") ? "/2014-11-13/functions/f/" : "/2015-03-31/functions/f/";
    request.target += path;
    refused = http(request);
    ASSERT_TRUE(refused) << refused.error().message;
    EXPECT_EQ(refused->status, 413);
    EXPECT_NE(refused->body.find("smaller than 6291456 bytes"), std::string::npos) << path << ": " << refused->body;
  }
}

TEST_F(EngineTest, TheHttpApiAnswersAsLambda) {
  add(spec("f"));
  net::ClientRequest request;
  request.method = "POST";
  request.target = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af/invocations";
  request.body = R"({"do":"context"})";
  request.headers.add("X-Amz-Client-Context", base64Encode(R"({"a":1})"));
  request.headers.add("X-Amz-Log-Type", "Tail");
  auto answer = http(request);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_NE(answer->body.find(R"("arn":"arn:aws:lambda:us-east-1:000000000000:function:f","client":{"a":1})"),
            std::string::npos)
      << answer->body;
  EXPECT_EQ(answer->headers.get("X-Amz-Executed-Version"), "$LATEST");
  EXPECT_NE(base64Decode(answer->headers.get("X-Amz-Log-Result"))->find("REPORT"), std::string::npos);
  request.body = "not json";
  EXPECT_EQ(http(request)->headers.get("x-amzn-ErrorType"), "InvalidRequestContentException");
  request.target = "/2015-03-31/functions/nobody/invocations";
  request.body = "{}";
  auto missing = http(request);
  EXPECT_EQ(missing->status, 404);
  EXPECT_NE(missing->body.find("Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody"),
            std::string::npos);
}

TEST_F(EngineTest, ReservedConcurrencyThrottles) {
  auto function = spec("f");
  function.reserved_concurrency = 0;
  add(function);
  auto result = call("f", "{}");
  EXPECT_EQ(result.status, 429);
  EXPECT_EQ(result.payload, R"({"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User",)"
                            R"("message":"Rate Exceeded."})");
}

TEST_F(EngineTest, StreamsArriveAsEvents) {
  add(spec("f", "stream"));
  net::ClientRequest request;
  request.method = "POST";
  request.target = "/2021-11-15/functions/f/response-streaming-invocations";
  request.body = R"({"n":3})";
  auto answer = http(request);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->headers.get("Content-Type"), "application/vnd.amazon.eventstream");
  EXPECT_NE(answer->body.find("piece 2\n"), std::string::npos);
  EXPECT_NE(answer->body.find("InvokeComplete"), std::string::npos);
  EXPECT_EQ(call("f", R"({"n":2})").payload, "piece 0\npiece 1\n");
  auto late = call("f", R"({"n":1,"do":"error"})");
  EXPECT_EQ(late.function_error, "Unhandled");
}

TEST_F(EngineTest, FrozenBetweenInvocations) {
  if (!isolated) GTEST_SKIP() << "no freezer here";
  add(spec("f", "background"));
  call("f", "{}");
  long before = std::stol(call("f", R"({"do":"background"})").payload);
  usleep(2'000'000);
  long after = std::stol(call("f", R"({"do":"background"})").payload);
  // It counts milliseconds while it runs; a busy machine may freeze it late.
  EXPECT_LE(after - before, 1200);
}

TEST_F(EngineTest, TheFileSystemIsReadOnlyButForTmp) {
  if (!isolated) GTEST_SKIP() << "no isolation here";
  add(spec("f"));
  EXPECT_EQ(call("f", R"({"do":"write","path":"/var/task/x"})").payload, "\"Read-only file system\"");
  EXPECT_EQ(call("f", R"({"do":"write","path":"/tmp/x"})").payload, "\"written\"");
}

TEST_F(EngineTest, LogTailIsCutAt4Kilobytes) {
  add(spec("f"));
  auto result = call("f", R"({"do":"print","n":1000})");
  EXPECT_EQ(result.log.size(), 4096u);
  EXPECT_TRUE(result.log.ends_with("\t\n"));
}

TEST_F(EngineTest, BundlesThatLambdaRefuses) {
  auto function = spec("f");
  function.code = fs::path("/nonexistent");
  EXPECT_FALSE(engine->addFunction(function));
  function = spec("f");
  function.memory_mb = 64;
  EXPECT_FALSE(engine->addFunction(function));
  function = spec("bad name");
  EXPECT_FALSE(engine->addFunction(function));
  auto dir = *TempDir::create();
  fs::create_symlink("/etc", dir.path() / "out");
  function = spec("f");
  function.code = dir.path();
  auto refused = engine->addFunction(function);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kDenied);
}

}  // namespace
}  // namespace lectern::engine
