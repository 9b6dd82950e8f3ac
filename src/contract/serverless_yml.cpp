#include "contract/serverless_yml.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "contract/names.h"
#include "contract/serverless_custom.h"
#include "contract/yaml_section.h"
#include "contract/yaml_variables.h"

namespace lectern::contract {

namespace {
// Lambda's numbers (today's profile); the engine checks against the profile it runs with.
constexpr int kMaxMemory = 10240;
constexpr int kMaxTimeout = 900;
constexpr size_t kMaxLayers = 5;
constexpr size_t kMaxEnvironment = 4096;

const std::set<std::string_view> kEventKinds = {
    "activemq", "alb",      "alexaSkill", "alexaSmartHome",       "cloudFront", "cloudwatchEvent", "cloudwatchLog",
    "cognitoUserPool",      "eventBridge", "http",                "httpApi",    "iot",             "iotFleetProvisioning",
    "kafka",    "msk",      "rabbitmq",   "s3",                   "schedule",   "sns",             "sqs",
    "stream",   "websocket"};

bool isMountPath(std::string_view path) {
  return path.starts_with("/mnt/") && path.size() > 5 && path.size() <= 160 && path != "/mnt/." && path != "/mnt/.." &&
         std::all_of(path.begin() + 5, path.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
         });
}

class Parser {
 public:
  Parser(std::string_view file, ServerlessConfig& out) : file_(file), out_(out) {}

  Result<void> parse(const YamlNode& root) {
    YamlSection top(&root, file_, "", out_.warnings);
    if (!root.isMap()) return top.fault(root, "this is not a serverless.yml: the top must be a map");
    TRY(out_.service, top.text("service"));
    if (out_.service.empty()) return top.fault(root, "'service' is missing: add a line such as 'service: my-app'");
    TRY_VOID(provider(top.section("provider")));
    auto package_section = top.section("package");
    TRY(out_.package, package(package_section, &out_.package_individually));
    TRY_VOID(layers(top.section("layers")));
    TRY_VOID(functions(top.section("functions")));
    auto custom = top.section("custom");
    TRY_VOID(custom.check());
    TRY_VOID(parseLecternSection(custom.section("lectern"), out_));
    return top.finish({"frameworkVersion", "configValidationMode", "plugins", "resources", "useDotenv", "outputs",
                       "params", "stages", "build", "deprecationNotificationMode", "disabledDeprecations",
                       "variablesResolutionMode", "projectDir", "org", "app", "tenant", "dashboard", "console",
                       "licenseKey"});
  }

 private:
  Result<void> provider(YamlSection section) {
    TRY_VOID(section.check());
    TRY(const auto name, section.text("name", "aws"));
    if (name != "aws") return section.fault(*section.get("name"), fmt::format("provider '{}': only aws is known", name));
    TRY(out_.runtime, section.text("runtime"));
    TRY(out_.architecture, architecture(section, "x86_64"));
    TRY(out_.region, section.text("region", out_.region));
    TRY(const auto stage, section.text("stage", out_.stage));
    if (!stage_given_) out_.stage = stage;
    TRY(const auto memory, section.integer("memorySize", 128, kMaxMemory));
    memory_ = memory.value_or(memory_);
    TRY(const auto timeout, section.integer("timeout", 1, kMaxTimeout));
    timeout_ = timeout.value_or(timeout_);
    TRY(const auto tmp, section.integer("ephemeralStorageSize", 512, kMaxMemory));
    tmp_ = tmp.value_or(tmp_);
    TRY(out_.environment, section.textMap("environment"));
    TRY(file_system_, fileSystem(section.section("fileSystem")));
    layers_node_ = section.get("layers");
    if (const YamlNode* role = section.get("role"); role != nullptr && role->isScalar()) out_.role = role->scalar;
    return section.finish(
        {"apiGateway", "apiName", "alb", "cfnRole", "cloudFront", "deletionProtection", "deploymentBucket",
         "deploymentMethod", "deploymentPrefix", "disableRollback", "ecr", "endpointType", "eventBridge", "httpApi",
         "iam", "iamManagedPolicies", "iamRoleStatements", "kinesis", "kmsKeyArn", "lambdaHashingVersion",
         "logDataProtectionPolicy", "logRetentionInDays", "logs", "notificationArns", "profile",
         "pruneFunctionVersions", "resourcePolicy", "rolePermissionsBoundary", "rollbackConfiguration",
         "runtimeManagement", "s3", "stackName", "stackParameters", "stackPolicy", "stackTags", "tags", "tracing",
         "versionFunctions", "vpc", "vpcEndpointIds", "websocket", "websocketsApiName",
         "websocketsApiRouteSelectionExpression", "websocketsDescription"});
  }

  Result<std::string> architecture(YamlSection& section, std::string otherwise) {
    TRY(auto value, section.text("architecture", std::move(otherwise)));
    if (value != "x86_64" && value != "arm64") {
      return section.fault(*section.get("architecture"), fmt::format("architecture '{}': use x86_64 or arm64", value));
    }
    return value;
  }

  Result<std::optional<FileSystemConfig>> fileSystem(YamlSection section) {
    TRY_VOID(section.check());
    if (section.node() == nullptr) return std::nullopt;
    FileSystemConfig out;
    const YamlNode* arn = section.get("arn");
    if (arn == nullptr) return section.fault(*section.node(), fmt::format("'{}' needs 'arn'", section.what()));
    if (arn->isScalar()) out.arn = arn->scalar;
    TRY(out.local_mount_path, section.text("localMountPath"));
    if (!isMountPath(out.local_mount_path)) {
      return section.fault(*section.node(), fmt::format("'{}.localMountPath' must be /mnt/NAME", section.what()));
    }
    TRY_VOID(section.finish());
    return out;
  }

  Result<PackageConfig> package(YamlSection& section, bool* individually) {
    TRY_VOID(section.check());
    PackageConfig out;
    TRY(out.patterns, section.texts("patterns"));
    TRY(out.artifact, section.text("artifact"));
    TRY(const bool each, section.boolean("individually", false));
    if (individually != nullptr) *individually = each;
    TRY_VOID(section.finish({"excludeDevDependencies", "path"}));
    return out;
  }

  Result<void> layers(YamlSection section) {
    TRY_VOID(section.check());
    for (const auto& [key, value] : section.entries()) {
      auto entry = section.section(key.scalar);
      TRY_VOID(entry.check());
      LayerConfig layer;
      layer.key = key.scalar;
      TRY(layer.name, entry.text("name", key.scalar));
      TRY(layer.path, entry.text("path"));
      TRY(layer.description, entry.text("description"));
      TRY(layer.runtimes, entry.texts("compatibleRuntimes"));
      auto package_section = entry.section("package");
      TRY(layer.package, package(package_section, nullptr));
      if (layer.path.empty() && layer.package.artifact.empty()) {
        return entry.fault(key, fmt::format("layer '{}' needs 'path' or 'package.artifact'", key.scalar));
      }
      TRY_VOID(entry.finish({"compatibleArchitectures", "licenseInfo", "allowedAccounts", "retain"}));
      out_.layers.push_back(std::move(layer));
    }
    return {};
  }

  Result<void> functions(YamlSection section) {
    TRY_VOID(section.check());
    for (const auto& [key, value] : section.entries()) {
      auto entry = section.section(key.scalar);
      TRY_VOID(entry.check());
      TRY(auto function, parseFunction(key, entry));
      if (out_.function(function.name) != nullptr || out_.function(function.key) != nullptr) {
        return entry.fault(key, fmt::format("two functions are named '{}'", function.name));
      }
      out_.functions.push_back(std::move(function));
    }
    return {};
  }

  Result<FunctionConfig> parseFunction(const YamlNode& key, YamlSection& section) {
    FunctionConfig f;
    f.key = key.scalar;
    f.line = key.line;
    TRY(f.name, section.text("name", f.key));
    if (!isFunctionName(f.name)) {
      return section.fault(key, fmt::format("function name '{}': use at most 64 of A-Z a-z 0-9 - _", f.name));
    }
    TRY(f.runtime, section.text("runtime", out_.runtime));
    if (const YamlNode* image = section.get("image")) {
      return section.fault(*image, "functions from container images are not run; give 'handler' and a package");
    }
    TRY(f.handler, section.text("handler", f.runtime.starts_with("provided") ? f.key : ""));
    if (f.handler.empty()) return section.fault(key, fmt::format("function '{}' needs 'handler'", f.key));
    if (f.runtime.empty()) {
      return section.fault(key, fmt::format("function '{}' needs 'runtime' (for programs: provided.al2023)", f.key));
    }
    TRY(f.description, section.text("description"));
    TRY(f.architecture, architecture(section, out_.architecture));
    TRY_VOID(sizes(f, section));
    TRY_VOID(environment(f, section));
    TRY_VOID(functionLayers(f, section));
    TRY(f.file_system, fileSystem(section.section("fileSystemConfig")));
    if (!f.file_system) f.file_system = file_system_;
    TRY_VOID(urlAndEvents(f, section));
    auto package_section = section.section("package");
    TRY(f.package, package(package_section, nullptr));
    TRY_VOID(section.finish({"awsKmsKeyArn", "condition", "dependsOn", "disableLogs", "durableConfig", "httpApi",
                             "kmsKeyArn", "logDataProtectionPolicy", "logRetentionInDays", "logs", "onError",
                             "recursiveLoop", "role", "runtimeManagement", "tags", "tracing", "versionFunction", "vpc",
                             "maximumConcurrency", "warmup"}));
    return f;
  }

  Result<void> sizes(FunctionConfig& f, YamlSection& section) {
    TRY(const auto memory, section.integer("memorySize", 128, kMaxMemory));
    f.memory_mb = memory.value_or(memory_);
    TRY(const auto timeout, section.integer("timeout", 1, kMaxTimeout));
    f.timeout_s = timeout.value_or(timeout_);
    TRY(const auto tmp, section.integer("ephemeralStorageSize", 512, kMaxMemory));
    f.tmp_mb = tmp.value_or(tmp_);
    TRY(f.reserved_concurrency, section.integer("reservedConcurrency", 0, 1'000'000));
    TRY(const auto provisioned, section.integer("provisionedConcurrency", 0, 1'000'000));
    f.provisioned_concurrency = provisioned.value_or(0);
    TRY(f.snap_start, section.boolean("snapStart", false));
    TRY(f.max_retries, section.integer("maximumRetryAttempts", 0, 2));
    TRY(f.max_event_age_s, section.integer("maximumEventAge", 60, 21600));
    auto destinations = section.section("destinations");
    TRY_VOID(destinations.check());
    for (const auto& [name, target] : {std::pair("onSuccess", &f.on_success), std::pair("onFailure", &f.on_failure)}) {
      if (const YamlNode* value = destinations.get(name); value != nullptr && value->isScalar()) *target = value->scalar;
    }
    return destinations.finish();
  }

  Result<void> environment(FunctionConfig& f, YamlSection& section) {
    TRY(f.environment, section.textMap("environment"));
    f.environment.insert(out_.environment.begin(), out_.environment.end());
    size_t bytes = 2;
    for (const auto& [name, value] : f.environment) bytes += name.size() + value.size() + 6;
    if (bytes <= kMaxEnvironment) return {};
    return section.fault(*section.node(), fmt::format("'{}': environment variables exceed 4 KB", section.what()));
  }

  Result<void> functionLayers(FunctionConfig& f, YamlSection& section) {
    const YamlNode* node = section.get("layers");
    if (node == nullptr) node = layers_node_;
    if (node == nullptr) return {};
    if (!node->isList()) return section.fault(*node, fmt::format("'{}.layers' must be a list", section.what()));
    for (const YamlNode& item : node->list) {
      const YamlNode* ref = item.isMap() ? item.find("Ref") : &item;
      if (ref == nullptr || !ref->isScalar()) return section.fault(item, "a layer is an ARN or {Ref: NameLambdaLayer}");
      if (ref->scalar.starts_with("arn:")) {
        f.layers.push_back(ref->scalar);
        continue;
      }
      const auto found = std::find_if(out_.layers.begin(), out_.layers.end(), [&](const LayerConfig& layer) {
        return layerReference(layer.key) == ref->scalar;
      });
      if (found == out_.layers.end()) {
        return section.fault(item, fmt::format("no layer for '{}'; the layer 'ocr' is {{Ref: OcrLambdaLayer}}", ref->scalar));
      }
      f.layers.push_back(found->key);
    }
    if (f.layers.size() > kMaxLayers) return section.fault(*node, "a function has at most 5 layers");
    return {};
  }

  // The name the Serverless Framework gives a layer in its template.
  static std::string layerReference(std::string key) {
    std::string out;
    for (const char c : key) out += c == '-' ? "Dash" : c == '_' ? "Underscore" : std::string(1, c);
    if (!out.empty()) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
    return out + "LambdaLayer";
  }

  Result<void> urlAndEvents(FunctionConfig& f, YamlSection& section) {
    if (const YamlNode* url = section.get("url")) {
      if (url->isMap()) {
        auto map = section.section("url");
        TRY(const auto authorizer, map.text("authorizer"));
        TRY(const auto mode, map.text("invokeMode", "BUFFERED"));
        const YamlNode* cors = map.get("cors");
        TRY_VOID(map.finish());
        f.url = FunctionUrl{authorizer == "aws_iam", cors != nullptr && cors->asBool().value_or(true),
                            mode == "RESPONSE_STREAM"};
      } else {
        TRY(const bool wanted, section.boolean("url", false));
        if (wanted) f.url = FunctionUrl{};
      }
    }
    const YamlNode* events = section.get("events");
    if (events == nullptr) return {};
    if (!events->isList()) return section.fault(*events, fmt::format("'{}.events' must be a list", section.what()));
    for (const YamlNode& item : events->list) TRY_VOID(event(f, section, item));
    return {};
  }

  Result<void> event(FunctionConfig& f, YamlSection& section, const YamlNode& item) {
    FunctionEvent out;
    if (item.isScalar()) {
      out.kind = item.scalar;
    } else if (item.isMap() && !item.map.empty()) {
      out.kind = item.map[0].first.scalar;
    }
    if (!kEventKinds.contains(out.kind)) return section.fault(item, fmt::format("unknown event '{}'", out.kind));
    if (out.kind == "httpApi" || out.kind == "http") {
      const YamlNode* what = item.isMap() ? &item.map[0].second : nullptr;
      if (what != nullptr && what->isScalar()) {
        const size_t space = what->scalar.find(' ');
        out.method = space == std::string::npos ? "*" : what->scalar.substr(0, space);
        out.path = space == std::string::npos ? what->scalar : what->scalar.substr(space + 1);
      } else if (what != nullptr && what->isMap()) {
        for (const auto& [name, target] : {std::pair("method", &out.method), std::pair("path", &out.path)}) {
          if (const YamlNode* value = what->find(name); value != nullptr && value->isScalar()) *target = value->scalar;
        }
      }
      if (out.method.empty()) out.method = "*";
    } else {
      section.warn(item, fmt::format("event '{}' of '{}' has no effect here", out.kind, f.key));
    }
    f.events.push_back(std::move(out));
    return {};
  }

  std::string_view file_;
  ServerlessConfig& out_;
  int memory_ = 1024, timeout_ = 6, tmp_ = 512;  // the Serverless Framework's own defaults
  std::optional<FileSystemConfig> file_system_;
  const YamlNode* layers_node_ = nullptr;

 public:
  bool stage_given_ = false;
};

std::string textAt(const YamlNode& root, std::string_view section, std::string_view key, std::string otherwise) {
  const YamlNode* map = root.find(section);
  const YamlNode* value = map != nullptr ? map->find(key) : nullptr;
  return value != nullptr && value->isScalar() && !value->scalar.starts_with("${") ? value->scalar : otherwise;
}
}  // namespace

const FunctionConfig* ServerlessConfig::function(std::string_view key_or_name) const {
  for (const auto& f : functions) {
    if (f.key == key_or_name || f.name == key_or_name) return &f;
  }
  return nullptr;
}

const LayerConfig* ServerlessConfig::layer(std::string_view key) const {
  for (const auto& l : layers) {
    if (l.key == key) return &l;
  }
  return nullptr;
}

std::optional<std::string> ServerlessConfig::directoryFor(const FileSystemConfig& mount) const {
  for (const auto& local : file_systems) {
    const bool same = !local.arn.empty() ? local.arn == mount.arn : local.local_mount_path == mount.local_mount_path;
    if (same) return local.directory;
  }
  return std::nullopt;
}

Result<ServerlessConfig> parseServerless(const ServerlessInput& input) {
  TRY(YamlNode root, parseYaml(input.text, input.file_name));
  ServerlessConfig out;
  out.stage = input.stage.value_or(textAt(root, "provider", "stage", out.stage));
  out.region = textAt(root, "provider", "region", out.region);
  TRY_VOID(resolveVariables(root, input.file_name, {out.stage, out.region, input.environment}));
  Parser parser(input.file_name, out);
  parser.stage_given_ = input.stage.has_value();
  TRY_VOID(parser.parse(root));
  for (LocalFileSystem& local : out.file_systems) {
    if (!local.directory.starts_with("~/") || !input.environment) continue;
    if (const auto home = input.environment("HOME")) local.directory.replace(0, 1, *home);
  }
  return out;
}

}  // namespace lectern::contract
