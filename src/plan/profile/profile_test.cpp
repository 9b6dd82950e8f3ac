#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/hash.h"
#include "plan/profile/fit.h"
#include "plan/profile/measure.h"
#include "plan/profile/report.h"

namespace lectern::plan {
namespace {

/// A law with noise, sampled at sizes.
Profile made(const std::vector<int>& memories, const std::vector<int>& batches, double noise,
             double (*law)(double share, double batch)) {
  Profile profile;
  profile.function = "made";
  Random random(11);
  for (const int m : memories) {
    for (const int b : batches) {
      for (int n = 0; n < 30; ++n) {
        Sample s;
        s.memory_mb = m;
        s.batch = b;
        s.duration_ms = law(m / 1769.0, b) * (1 + noise * random.normal());
        s.client_ms = s.duration_ms + 2;
        profile.samples.push_back(s);
      }
    }
  }
  return profile;
}

double oneThread(double share, double batch) { return 20 + 100 * batch / std::min(1.0, share); }
double twoThreads(double share, double batch) { return 15 * batch + 100 * batch / std::min(2.0, share); }

TEST(Fit, FindsTheLawAndPredictsSizesLeftOut) {
  for (const auto law : {oneThread, twoThreads}) {
    // Two sizes above one vCPU: without either, one thread could not be told from two.
    const auto fit = fitProfile(made({256, 512, 1024, 1769, 2400, 3008}, {1, 4, 16}, 0.03, law));
    ASSERT_TRUE(fit) << fit.error().message;
    EXPECT_LT(fit->left_out_error, 0.03);
    EXPECT_NEAR(fit->predict(2048, 8) / law(2048 / 1769.0, 8), 1, 0.03);
    const auto [low, high] = fit->band(2048, 8);
    EXPECT_LT(low, high);
    EXPECT_LT(high / low, 1.1);
    EXPECT_NEAR(fit->scatter, 0.03, 0.01);
  }
}

TEST(Fit, PublishedTableOfLambda2018) {
  // Fibonacci on Lambda, published for ten sizes (Epsagon 2018); a vCPU was 1792 MB then.
  const std::pair<int, double> table[] = {{128, 376.05}, {192, 250.24}, {256, 198.56}, {512, 98.36}, {768, 65.48},
                                          {1024, 45.31}, {1536, 30.53}, {2048, 25.21}, {2560, 25.36}, {3008, 25.15}};
  Profile profile;
  profile.vcpu_mb = 1792;
  for (const auto& [memory, ms] : table) {
    Sample s;
    s.memory_mb = memory;
    s.duration_ms = ms;
    profile.samples.push_back(s);
  }
  const auto fit = fitProfile(profile);
  ASSERT_TRUE(fit);
  EXPECT_LT(fit->error, 0.06);
  EXPECT_LT(fit->left_out_error, 0.065);
  std::printf("published table: error %.3f, leave one out %.3f\n", fit->error, fit->left_out_error);
}

TEST(Fit, OneBatchSizeMakesNoBatchFree) {
  const auto fit = fitProfile(made({512, 1024, 1769}, {1}, 0.01, oneThread));
  ASSERT_TRUE(fit);
  EXPECT_EQ(fit->only_batch, 1);
  EXPECT_NEAR(fit->predict(1024, 8), 8 * fit->predict(1024, 1), 1e-6);
  EXPECT_NEAR(fit->band(1024, 8).second, 8 * fit->band(1024, 1).second, 0.1);
}

TEST(Fit, TooLittleIsSaid) {
  EXPECT_FALSE(fitProfile({}));
  EXPECT_FALSE(fitProfile(made({512}, {1, 2}, 0.01, oneThread)));
}

TEST(Profile, FileBothWays) {
  const Profile profile = made({512, 1024, 2048}, {1}, 0.01, oneThread);
  const auto again = parseProfile(profileFileText(profile));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->samples.size(), profile.samples.size());
  EXPECT_DOUBLE_EQ(again->samples[7].duration_ms, profile.samples[7].duration_ms);
  EXPECT_FALSE(parseProfile(R"({"samples":[{"memory_mb":-1,"duration_ms":3}]})"));
  EXPECT_THAT(profileChart(profile), testing::HasSubstr("polyline"));
  EXPECT_THAT(profileTable(profile), testing::HasSubstr("each size from the others"));
}

TEST(Profile, PowerTuningFragment) {
  const std::string fragment = powerTuningFragment({128, 1024}, {1.5F, 2.5F}, {1e-6F, 2e-6F});
  const std::string sizes = *base64Decode(fragment.substr(0, fragment.find(';')));
  EXPECT_EQ(sizes, std::string("\x80\x00\x00\x04", 4));
  EXPECT_EQ(std::count(fragment.begin(), fragment.end(), ';'), 2);
}

TEST(Measure, ReportLines) {
  const auto cold = parseReport(
      "START RequestId: x\nREPORT RequestId: x\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\t"
      "Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t\n");
  ASSERT_TRUE(cold);
  EXPECT_TRUE(cold->cold);
  EXPECT_DOUBLE_EQ(cold->duration_ms, 3.01);
  EXPECT_DOUBLE_EQ(cold->init_ms, 110.10);
  EXPECT_EQ(cold->max_memory_mb, 36);
  EXPECT_FALSE(parseReport("REPORT RequestId: x\tDuration: 2.90 ms\tMax Memory Used: 36 MB\t\n")->cold);
  EXPECT_FALSE(parseReport("nothing"));
}

class FakeEndpoint : public Endpoint {
 public:
  Result<void> renew(int memory) override {
    memory_ = memory;
    fresh_ = true;
    return {};
  }
  Result<Invoked> invoke(std::string_view payload) override {
    payloads.emplace_back(payload);
    std::string log = "REPORT RequestId: x\tDuration: " + std::to_string(100000.0 / memory_) +
                      " ms\tMax Memory Used: 36 MB\t";
    if (fresh_) log += "Init Duration: 50.00 ms\t";
    fresh_ = false;
    return Invoked{log + "\n", false, ""};
  }
  std::vector<std::string> payloads;

 private:
  int memory_ = 0;
  bool fresh_ = true;
};

TEST(Measure, Rounds) {
  FakeEndpoint endpoint;
  MeasureOptions options;
  options.memories = {512, 1024};
  options.batches = {1, 2};
  options.payloads = {"1", "2"};
  options.cold = 2;
  options.warm = 3;
  const VirtualClock clock;
  const auto profile = measure(endpoint, options, clock, [](std::string_view) {});
  ASSERT_TRUE(profile);
  EXPECT_EQ(profile->samples.size(), 20u);
  EXPECT_EQ(profile->durations(512, 1, true).size(), 2u);
  EXPECT_EQ(profile->durations(1024, 2, false).size(), 3u);
  // Every size gets the same payloads, and each round all sizes.
  EXPECT_EQ(endpoint.payloads[1], "2");
  EXPECT_EQ(endpoint.payloads[2], "{\"items\":[1,1]}");
  EXPECT_EQ(endpoint.payloads[3], "{\"items\":[2,2]}");
  EXPECT_EQ(profile->samples[4].memory_mb, 1024);
  EXPECT_EQ(profile->samples[8].memory_mb, 512);
}

}  // namespace
}  // namespace lectern::plan
