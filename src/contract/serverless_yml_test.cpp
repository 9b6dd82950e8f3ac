#include "contract/serverless_yml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lectern::contract {
namespace {
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr std::string_view kFull = R"(service: deep-reader
frameworkVersion: '4'
provider:
  name: aws
  runtime: provided.al2023
  architecture: x86_64
  region: eu-west-1
  memorySize: 2048
  timeout: 60
  environment:
    MODEL: ${self:custom.model}
    HOME_REGION: ${aws:region}
  vpc: {securityGroupIds: [sg-1], subnetIds: [subnet-1]}
package:
  patterns: ['!**', 'bin/**']
layers:
  tesseract:
    path: layers/tesseract
    compatibleRuntimes: [provided.al2023]
functions:
  ocr:
    handler: ocr
    memorySize: 3008
    ephemeralStorageSize: 1024
    layers:
      - {Ref: TesseractLambdaLayer}
      - arn:aws:lambda:eu-west-1:123456789012:layer:other:3
    fileSystemConfig:
      arn: arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0
      localMountPath: /mnt/models
    environment: {MODEL: other}
    reservedConcurrency: 10
    provisionedConcurrency: 2
    snapStart: true
    url: {authorizer: aws_iam, cors: true, invokeMode: RESPONSE_STREAM}
    events:
      - httpApi: 'POST /read'
      - schedule: rate(1 hour)
  types:
    handler: types
    url: true
custom:
  model: ctpn-${opt:stage, 'dev'}
  lectern:
    fileSystems:
      - localMountPath: /mnt/models
        directory: ./shared
    watch:
      - {function: ocr, directory: ./inbox, patterns: ['*.pdf', '*.png']}
    snapshot:
      ocr: {warmup: {pages: [1], quiet: true}, warmupRuns: 2}
    pack:
      ocr:
        binary: build/ocr
        libraries: [libnss_files.so.2]
        files: [{from: tessdata/eng.traineddata, to: share/tessdata}]
)";

ServerlessConfig parsed(std::string_view text) {
  auto config = parseServerless({.text = text});
  EXPECT_TRUE(config) << config.error().message;
  return config.value_or(ServerlessConfig{});
}

std::string faultOf(std::string_view text) {
  auto config = parseServerless({.text = text});
  EXPECT_FALSE(config);
  return config ? "" : config.error().message;
}

TEST(ServerlessYml, ReadsEverythingItKnows) {
  const auto config = parsed(kFull);
  EXPECT_EQ(config.service, "deep-reader");
  EXPECT_EQ(config.region, "eu-west-1");
  EXPECT_THAT(config.package.patterns, ElementsAre("!**", "bin/**"));
  ASSERT_EQ(config.functions.size(), 2U);
  const auto& ocr = config.functions[0];
  EXPECT_EQ(ocr.memory_mb, 3008);
  EXPECT_EQ(ocr.timeout_s, 60);
  EXPECT_EQ(ocr.tmp_mb, 1024);
  EXPECT_EQ(ocr.environment.at("MODEL"), "other");
  EXPECT_EQ(ocr.environment.at("HOME_REGION"), "eu-west-1");
  EXPECT_THAT(ocr.layers, ElementsAre("tesseract", "arn:aws:lambda:eu-west-1:123456789012:layer:other:3"));
  EXPECT_EQ(ocr.reserved_concurrency, 10);
  EXPECT_EQ(ocr.provisioned_concurrency, 2);
  EXPECT_TRUE(ocr.snap_start);
  ASSERT_TRUE(ocr.url);
  EXPECT_TRUE(ocr.url->iam && ocr.url->cors && ocr.url->response_stream);
  ASSERT_EQ(ocr.events.size(), 2U);
  EXPECT_EQ(ocr.events[0].method, "POST");
  EXPECT_EQ(ocr.events[0].path, "/read");
  EXPECT_EQ(config.directoryFor(*ocr.file_system), "./shared");
  EXPECT_EQ(ocr.snapshot.warmup, R"({"pages":[1],"quiet":true})");
  EXPECT_EQ(ocr.snapshot.warmup_runs, 2);
  EXPECT_EQ(ocr.pack.files[0].to, "share/tessdata");
  const auto& types = config.functions[1];
  EXPECT_EQ(types.memory_mb, 2048);
  EXPECT_EQ(types.environment.at("MODEL"), "ctpn-dev");
  EXPECT_FALSE(types.file_system);
  ASSERT_EQ(config.watches.size(), 1U);
  EXPECT_EQ(config.watches[0].directory, "./inbox");
}

TEST(ServerlessYml, WarnsOfKeysWithoutEffect) {
  const auto config = parsed(kFull);
  EXPECT_THAT(config.warnings, ElementsAre(HasSubstr("serverless.yml:13:3: 'provider.vpc' has no effect here"),
                                           HasSubstr("event 'schedule' of 'ocr'"), HasSubstr("frameworkVersion")));
}

TEST(ServerlessYml, NamesThePlaceOfUnknownKeys) {
  EXPECT_EQ(faultOf("service: a\nprovider: {name: aws, runtime: x}\nfunctions:\n  f:\n    handler: h\n    memorysize: 3\n"),
            "serverless.yml:6:5: unknown key 'functions.f.memorysize'");
  EXPECT_THAT(faultOf("service: a\ncustom:\n  lectern:\n    wacht: []\n"),
              HasSubstr("4:5: unknown key 'custom.lectern.wacht'"));
}

TEST(ServerlessYml, RefusesWhatLambdaRefuses) {
  const std::string head = "service: a\nprovider: {name: aws, runtime: provided.al2023}\nfunctions:\n  f:\n    ";
  EXPECT_THAT(faultOf(head + "memorySize: 64\n"), HasSubstr("5:17: 'functions.f.memorySize' must be"));
  EXPECT_THAT(faultOf(head + "timeout: 901\n"), HasSubstr("from 1 to 900"));
  EXPECT_THAT(faultOf(head + "fileSystemConfig: {arn: a, localMountPath: /mnt/../etc}\n"), HasSubstr("/mnt/NAME"));
  EXPECT_THAT(faultOf(head + "fileSystemConfig: {arn: a, localMountPath: /mnt/..}\n"), HasSubstr("/mnt/NAME"));
  EXPECT_THAT(faultOf(head + "layers: [a]\n"), HasSubstr("no layer for 'a'"));
  EXPECT_THAT(faultOf(head + "layers: ['arn:1','arn:2','arn:3','arn:4','arn:5','arn:6']\n"), HasSubstr("at most 5"));
  EXPECT_THAT(faultOf(head + "events: [{pigeon: 1}]\n"), HasSubstr("unknown event 'pigeon'"));
  EXPECT_THAT(faultOf(head + "environment: {A: '" + std::string(4100, 'x') + "'}\n"), HasSubstr("4 KB"));
}

TEST(ServerlessYml, VariablesHaveDefaultsAndEnd) {
  const std::string text = "service: a-${env:WHO, 'nobody'}-${opt:stage, 'x'}\nprovider: {name: aws}\n";
  EXPECT_EQ(parsed(text).service, "a-nobody-dev");
  auto with = parseServerless({.text = text, .stage = "prod", .environment = [](const std::string& name) {
                                 return name == "WHO" ? std::optional<std::string>("me") : std::nullopt;
                               }});
  ASSERT_TRUE(with);
  EXPECT_EQ(with->service, "a-me-prod");
  EXPECT_THAT(faultOf("service: ${env:WHO}\n"), StartsWith("serverless.yml:1:10: '${env:WHO}' has no value"));
  EXPECT_THAT(faultOf("service: ${self:service}\n"), HasSubstr("circle"));
  EXPECT_THAT(faultOf("service: ${ssm:/a}\n"), HasSubstr("use self, env"));
  EXPECT_THAT(faultOf("service: ${self:a\n"), HasSubstr("'${' without '}'"));
  // Lists that double at each of 40 levels must neither fill memory nor take long.
  std::string bomb = "service: ${self:custom.v0.x}\ncustom:\n";
  for (int i = 0; i < 40; ++i) {
    bomb += "  v" + std::to_string(i) + ": ['${self:custom.v" + std::to_string(i + 1) + "}','${self:custom.v" +
            std::to_string(i + 1) + "}']\n";
  }
  EXPECT_FALSE(parseServerless({.text = bomb}));
}

TEST(ServerlessYml, LeavesCloudFormationAlone) {
  const auto config = parsed(
      "service: a\nprovider:\n  name: aws\n  runtime: python3.12\nfunctions:\n  f:\n    handler: app.run\n"
      "    fileSystemConfig:\n      arn: {'Fn::GetAtt': [Point, Arn]}\n      localMountPath: /mnt/data\n"
      "    environment: {A: 'x-${AWS::Region}'}\n");
  ASSERT_EQ(config.functions.size(), 1U);
  EXPECT_EQ(config.functions[0].memory_mb, 1024);
  EXPECT_EQ(config.functions[0].timeout_s, 6);
  EXPECT_EQ(config.functions[0].environment.at("A"), "x-${AWS::Region}");
  EXPECT_EQ(config.functions[0].file_system->arn, "");
  EXPECT_THAT(config.warnings, IsEmpty());
}

}  // namespace
}  // namespace lectern::contract
