// Functions with snapStart in the whole engine, from a file and through the API.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "engine/engine.h"
#include "net/http_client.h"
#include "net/url.h"

namespace lectern::engine {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class SnapStartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::create("snap-start-test-");
    ASSERT_TRUE(dir);
    state_.emplace(std::move(*dir));
    open();
    if (engine_->isolation().starts_with("isolation: none") || !engine_->isolation().starts_with("isolation: full"))
      GTEST_SKIP() << engine_->isolation();
  }

  void open() {
    engine_.reset();
    EngineOptions options;
    options.listen = "127.0.0.1:0";
    options.state_dir = state_->path();
    options.allow_none = true;
    auto started = Engine::start(options);
    ASSERT_TRUE(started) << started.error().message;
    engine_ = std::move(*started);
  }

  FunctionSpec spec(std::map<std::string, std::string> environment = {}) {
    FunctionSpec out;
    out.name = "probe";
    out.code = LECTERN_PROBE_DIR;
    out.timeout_s = 10;
    out.snap_start = true;
    out.environment = std::move(environment);
    return out;
  }

  json::object api(const std::string& method, const std::string& path, const std::string& body = "",
                   const std::string& date = "2015-03-31") {
    auto where = net::parseHttpUrl(engine_->endpoint());
    net::ClientRequest request;
    request.method = method, request.target = "/" + date + "/functions/" + path, request.body = body;
    auto response = net::HttpClient(where->host, where->port).send(request);
    EXPECT_TRUE(response) << response.error().message;
    auto parsed = response ? parseJson(response->body) : Result<json::value>(json::value{});
    return parsed && parsed->is_object() ? parsed->as_object() : json::object{};
  }

  /// Publishes version 1 and waits until it is active; what OptimizationStatus became.
  std::string publish() {
    auto published = api("POST", "probe/versions", "{}");
    EXPECT_EQ(stringOr(published, "State", ""), "Pending");
    return activeStatus();
  }
  std::string activeStatus() {
    RealClock clock;
    for (SteadyTime end = clock.now() + Seconds(60); clock.now() < end;) {
      auto config = api("GET", "probe/configuration?Qualifier=1");
      if (stringOr(config, "State", "") == "Active") {
        return stringOr(config.at("SnapStart").as_object(), "OptimizationStatus", "");
      }
    }
    return "still pending";
  }
  InvokeResult call(const std::string& question, const std::string& function = "probe:1") {
    return engine_->invoke({function, question, true});
  }

  std::optional<TempDir> state_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(SnapStartTest, PublishedVersionIsRestoredAndReported) {
  ASSERT_TRUE(engine_->addFunction(spec()));
  ASSERT_EQ(publish(), "On");
  auto first = call("count");
  EXPECT_EQ(first.payload, "1111");  // 100 from init, 10 before the snapshot, 1000 after the restore, 1 now
  EXPECT_THAT(first.log, HasSubstr("\tRestore Duration: "));
  EXPECT_THAT(first.log, HasSubstr(" ms\tBilled Restore Duration: "));
  EXPECT_THAT(first.log, Not(HasSubstr("Init Duration")));
  auto second = call("count");
  EXPECT_EQ(second.payload, "1112");
  EXPECT_THAT(second.log, Not(HasSubstr("Restore Duration")));
  // A crash resets the environment, from the snapshot again.
  EXPECT_EQ(call("exit").function_error, "Unhandled");
  auto again = call("count");
  EXPECT_EQ(again.payload, "1111");
  EXPECT_THAT(again.log, HasSubstr("RESTORE_START Runtime Version: provided.al2023\t"));
  EXPECT_THAT(again.log, HasSubstr("RESTORE_REPORT Restore Duration: "));
}

TEST_F(SnapStartTest, FailureAfterTheRestoreIsTheCallersError) {
  ASSERT_TRUE(engine_->addFunction(spec({{"FAIL_RESTORE", "1"}})));
  ASSERT_EQ(publish(), "On");
  auto result = call("count");
  EXPECT_EQ(result.status, 400);
  EXPECT_THAT(result.payload, HasSubstr("afterRestore() runtime hook"));
}

TEST_F(SnapStartTest, ThreadsStartTheOrdinaryWayAndTheLogSaysWhy) {
  ASSERT_TRUE(engine_->addFunction(spec({{"THREADS", "1"}})));
  ASSERT_EQ(publish(), "Off");
  EXPECT_EQ(call("count").payload, "101");
  EXPECT_EQ(call("exit").function_error, "Unhandled");
  auto again = call("count");
  EXPECT_EQ(again.payload, "101");
  EXPECT_THAT(again.log, HasSubstr("not from a snapshot: it has 2 threads"));
}

TEST_F(SnapStartTest, FunctionOfAFileUsesItsSnapshotWithoutAVersion) {
  ASSERT_TRUE(engine_->addFunction(spec()));
  ASSERT_EQ(publish(), "On");  // its template is made after the one of $LATEST
  auto first = call("count", "probe");
  EXPECT_EQ(first.payload, "1111");
  EXPECT_THAT(first.log, HasSubstr("Restore Duration"));
}

TEST_F(SnapStartTest, UsedSnapshotsAreMadeAgainAfterARestart) {
  ASSERT_TRUE(engine_->addFunction(spec()));
  ASSERT_EQ(publish(), "On");
  EXPECT_EQ(call("count").payload, "1111");
  open();
  // Whatever the state of the template is by now, the request is answered; then it is there.
  EXPECT_EQ(call("env").payload, "");
  RealClock clock;
  std::string log;
  for (SteadyTime end = clock.now() + Seconds(60); clock.now() < end;) {
    call("exit");
    log = call("count").log;
    if (log.find("RESTORE_REPORT") != std::string::npos) break;
  }
  EXPECT_THAT(log, HasSubstr("RESTORE_REPORT"));
}

// What AWS refuses for SnapStart: layers are there, a file system, a /tmp of 10 GB and provisioned concurrency.
TEST_F(SnapStartTest, ProvisionedInstancesAreRestoredAheadOfRequests) {
  FunctionSpec function = spec();
  for (const char* name : {"one", "two", "data"}) {
    fs::create_directories(state_->path() / "given" / name);
    ASSERT_TRUE(writeFileAtomic(state_->path() / "given" / name / (std::string(name) + ".txt"), "x"));
  }
  function.layers = {state_->path() / "given/one", state_->path() / "given/two"};
  function.mounts = {{state_->path() / "given/data", "/mnt/data", true}};
  function.tmp_mb = 10'240;
  ASSERT_TRUE(engine_->addFunction(function));
  ASSERT_EQ(publish(), "On");
  const std::string provisioned = "probe/provisioned-concurrency?Qualifier=1", date = "2019-09-30";
  auto put = api("PUT", provisioned, R"({"ProvisionedConcurrentExecutions":2})", date);
  EXPECT_EQ(stringOr(put, "Status", ""), "IN_PROGRESS");
  RealClock clock;
  json::object told;
  for (SteadyTime end = clock.now() + Seconds(60); clock.now() < end && stringOr(told, "Status", "") != "READY";) {
    told = api("GET", provisioned, "", date);
  }
  ASSERT_EQ(stringOr(told, "Status", ""), "READY");
  EXPECT_EQ(intOr(told, "AvailableProvisionedConcurrentExecutions", 0), 2);
  auto first = call("count");
  EXPECT_EQ(first.payload, "1111");
  EXPECT_THAT(first.log, HasSubstr("Billed Duration: "));
  EXPECT_THAT(first.log, Not(HasSubstr("Init Duration")));
  EXPECT_THAT(first.log, Not(HasSubstr("\tRestore Duration: "))) << "the request waited for no restore";
  EXPECT_THAT(call("opt").payload, HasSubstr("one.txt"));
  EXPECT_THAT(call("opt").payload, HasSubstr("two.txt"));
  EXPECT_EQ(call("mnt").payload, "data.txt ");
  EXPECT_EQ(call("tmpsize").payload, "10240");
  EXPECT_TRUE(api("DELETE", provisioned, "", date).empty());
}

}  // namespace
}  // namespace lectern::engine
