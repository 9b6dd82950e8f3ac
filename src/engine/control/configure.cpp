#include "engine/control/configure.h"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <span>

#include "base/hash.h"
#include "engine/control/control.h"

namespace lectern::engine {

using contract::ApiFailure;
using contract::ApiResult;

namespace {

/// In the order in which Lambda lists them.
constexpr std::array<std::string_view, 25> kRuntimes = {
    "nodejs20.x", "python3.14", "provided.al2023", "python3.12", "python3.13", "nodejs24.x", "nodejs22.x",
    "java25",     "python3.10", "python3.11",      "java21",     "ruby3.3",    "ruby3.4",    "ruby3.2",
    "python3.8",  "python3.9",  "java17",          "nodejs16.x", "dotnet10",   "dotnet8",    "java11",
    "dotnet6",    "nodejs18.x", "provided.al2",    "java8.al2"};
/// Taken in 2020, refused today.
constexpr std::array<std::string_view, 15> kOldRuntimes = {
    "provided",   "go1.x",     "java8",     "nodejs14.x", "nodejs12.x",    "nodejs10.x",    "nodejs8.10", "python3.7",
    "python3.6",  "python2.7", "ruby2.7",   "ruby2.5",    "dotnetcore3.1", "dotnetcore2.1", "dotnet5.0"};

bool isOneOf(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 24> kReserved = {"_HANDLER",
                                                        "_X_AMZN_TRACE_ID",
                                                        "AWS_DEFAULT_REGION",
                                                        "AWS_REGION",
                                                        "AWS_EXECUTION_ENV",
                                                        "AWS_LAMBDA_FUNCTION_NAME",
                                                        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                                                        "AWS_LAMBDA_FUNCTION_VERSION",
                                                        "AWS_LAMBDA_INITIALIZATION_TYPE",
                                                        "AWS_LAMBDA_LOG_GROUP_NAME",
                                                        "AWS_LAMBDA_LOG_STREAM_NAME",
                                                        "AWS_ACCESS_KEY",
                                                        "AWS_ACCESS_KEY_ID",
                                                        "AWS_SECRET_ACCESS_KEY",
                                                        "AWS_SESSION_TOKEN",
                                                        "AWS_LAMBDA_RUNTIME_API",
                                                        "LAMBDA_TASK_ROOT",
                                                        "LAMBDA_RUNTIME_DIR",
                                                        "AWS_LAMBDA_MAX_CONCURRENCY",
                                                        "AWS_LAMBDA_METADATA_API",
                                                        "AWS_LAMBDA_METADATA_TOKEN",
                                                        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                                        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                                                        "AWS_XRAY_DAEMON_ADDRESS"};

ApiFailure bad(std::string_view value, std::string_view field, std::string constraint) {
  return ApiFailure(contract::validation(value, field, constraint));
}

ApiResult<void> number(const json::object& request, std::string_view key, std::string_view field, int64_t low,
                       int64_t high, json::object& config) {
  auto* value = request.if_contains(key);
  if (!value || value->is_null()) return {};
  constexpr int64_t kLargest = INT32_MAX;
  if (!value->is_int64() || value->as_int64() > kLargest || value->as_int64() < -kLargest) {
    return ApiFailure(contract::ApiError{400, "SerializationException", "", "", false});
  }
  int64_t n = value->as_int64();
  std::string text = std::to_string(n);
  if (n < low) return bad(text, field, fmt::format("Member must have value greater than or equal to {}", low));
  if (n > high) return bad(text, field, fmt::format("Member must have value less than or equal to {}", high));
  config[key] = n;
  return {};
}

ApiResult<void> text(const json::object& request, std::string_view key, std::string_view field, size_t longest,
                     json::object& config) {
  auto* value = request.if_contains(key);
  if (!value || !value->is_string()) return {};
  std::string s = value->as_string().c_str();
  if (s.size() > longest)
    return bad(s, field, fmt::format("Member must have length less than or equal to {}", longest));
  config[key] = s;
  return {};
}

bool isRole(std::string_view role) {
  // arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+
  if (!role.starts_with("arn:")) return false;
  size_t iam = role.find(":iam::");
  if (iam == std::string_view::npos) return false;
  std::string_view rest = role.substr(iam + 6);
  return rest.size() > 18 &&
         std::all_of(rest.begin(), rest.begin() + 12, [](char c) { return c >= '0' && c <= '9'; }) &&
         rest.substr(12).starts_with(":role");
}

ApiResult<void> environment(const json::object& request, const contract::Limits& limits, json::object& config) {
  auto* value = request.if_contains("Environment");
  if (!value || !value->is_object()) return {};
  json::object variables = objectAt(value->as_object(), "Variables");
  std::string reserved;
  for (auto& [raw, content] : variables) {
    std::string_view key(raw.data(), raw.size());
    if (std::find(kReserved.begin(), kReserved.end(), key) != kReserved.end()) {
      reserved += (reserved.empty() ? "" : ", ") + std::string(key);
    }
    bool good = key.size() >= 2 && isalpha((unsigned char)key[0]) &&
                std::all_of(key.begin(), key.end(), [](unsigned char c) { return isalnum(c) || c == '_'; });
    if (!good && reserved.empty()) {
      return bad(toJson(variables), "environment.variables",
                 "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: "
                 "[a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]");
    }
    if (!content.is_string()) return ApiFailure(contract::ApiError{400, "SerializationException", "", "", false});
  }
  if (!reserved.empty()) {
    return ApiFailure(
        contract::invalidParameter("Lambda was unable to configure your environment variables because the environment "
                                   "variables you have provided "
                                   "contains reserved keys that are currently not supported for modification. "
                                   "Reserved keys used in this request: " +
                                   reserved));
  }
  std::string measured = toJson(variables);
  if (int(measured.size()) > limits.environment_bytes) {
    return ApiFailure(
        contract::invalidParameter("Lambda was unable to configure your environment variables because the environment "
                                   "variables you have provided "
                                   "exceeded the 4KB limit. String measured: " +
                                   measured));
  }
  config["Environment"] = json::object{{"Variables", std::move(variables)}};
  return {};
}

ApiResult<int64_t> layers(Registry& registry, const json::object& request, json::object& config) {
  int64_t unzipped = 0;
  auto* value = request.if_contains("Layers");
  if (!value || !value->is_array()) {
    // Unchanged ones count, too.
    if (auto* kept = config.if_contains("Layers"); kept && kept->is_array()) {
      for (auto& layer : kept->as_array()) {
        if (!layer.is_object()) continue;
        auto* record = registry.findLayer(stringOr(layer.as_object(), "Arn", ""));
        if (record) unzipped += record->code.unzipped;
      }
    }
    return unzipped;
  }
  if (int(value->as_array().size()) > registry.options().limits.max_layers) {
    return ApiFailure(contract::invalidParameter(
        fmt::format("Cannot reference more than {} layers.", registry.options().limits.max_layers)));
  }
  json::array out;
  std::map<std::string, std::string> seen;
  for (auto& item : value->as_array()) {
    std::string arn = item.is_string() ? item.as_string().c_str() : "";
    auto ref = contract::parseLayerVersionArn(arn);
    if (!ref) {
      return bad("[" + arn + "]", "layers",
                 "Member must satisfy constraint: [Member must have length less than or equal to 2048, Member must have "
                 "length greater than or equal to 1, Member must satisfy regular expression pattern: "
                 "(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:layer:"
                 "[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+), Member must not be null]");
    }
    const std::string& region = registry.options().place.region;
    if (arn.find(":lambda:" + region + ":") == std::string::npos) {
      return ApiFailure(contract::invalidParameter("Layers are not in the same region as the function. Layers are expected "
                                                   "to be in region " + region + "."));
    }
    auto* record = registry.findLayer(arn);
    auto [other, fresh] = seen.emplace(ref->name, arn);
    if (!fresh) {
      return ApiFailure(
          contract::invalidParameter(fmt::format("Two different versions of the same layer are not allowed to be "
                                                 "referenced in the same function. {} and {} are "
                                                 "versions of the same layer.",
                                                 other->second, arn)));
    }
    if (!record || record->deleted) {
      return ApiFailure(contract::invalidParameter(fmt::format("Layer version {} does not exist.", arn)));
    }
    unzipped += record->code.unzipped;
    out.push_back(json::object{{"Arn", arn}, {"CodeSize", record->code.size}});
  }
  config["Layers"] = std::move(out);
  if (value->as_array().empty()) config.erase("Layers");
  return unzipped;
}

ApiResult<void> runtime(const json::object& request, const contract::Limits& limits, json::object& config) {
  auto* value = request.if_contains("Runtime");
  if (!value || !value->is_string()) return {};
  std::string_view given = value->get_string();
  const bool old = isOneOf(kOldRuntimes, given);
  if (!isOneOf(kRuntimes, given) && !(old && limits.quotas == contract::Quotas::k2020)) {
    if (old) {
      return ApiFailure(contract::invalidParameter(
          fmt::format("The runtime parameter of {} is no longer supported for creating or updating AWS Lambda functions. We "
                      "recommend you use a supported runtime while creating or updating functions.",
                      given)));
    }
    return ApiFailure(contract::invalidParameter(fmt::format(
        "Value {} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{}] or be a valid ARN",
        given, fmt::join(kRuntimes, ", "))));
  }
  config["Runtime"] = given;
  return {};
}

ApiResult<void> simple(const json::object& request, const contract::Limits& limits, json::object& config) {
  if (auto* role = request.if_contains("Role"); role && role->is_string()) {
    std::string_view given(role->as_string().data(), role->as_string().size());
    if (!isRole(given)) {
      return bad(given, "role",
                 "Member must satisfy regular expression pattern: "
                 "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+");
    }
    config["Role"] = given;
  }
  if (auto done = runtime(request, limits, config); !done) return done;
  if (auto* handler = request.if_contains("Handler"); handler && handler->is_string()) {
    std::string_view given(handler->as_string().data(), handler->as_string().size());
    if (given.empty() || given.find_first_of(" \t\n") != std::string_view::npos) {
      return bad(given, "handler", "Member must satisfy regular expression pattern: [^\\s]+");
    }
  }
  if (auto done = text(request, "Handler", "handler", 128, config); !done) return done;
  if (auto done = text(request, "Description", "description", 256, config); !done) return done;
  if (auto done = number(request, "Timeout", "timeout", 1, limits.max_timeout_s, config); !done) return done;
  if (auto done = number(request, "MemorySize", "memorySize", limits.min_memory_mb, limits.max_memory_mb, config);
      !done) {
    return done;
  }
  if (intOr(config, "MemorySize", 128) % limits.memory_step_mb != 0) {
    return ApiFailure(
        contract::invalidParameter(fmt::format("Memory size must be a multiple of {} MB", limits.memory_step_mb)));
  }
  if (auto* storage = request.if_contains("EphemeralStorage"); storage && storage->is_object()) {
    json::object inner = objectAt(config, "EphemeralStorage");
    auto done =
        number(storage->as_object(), "Size", "ephemeralStorage.size", limits.min_tmp_mb, limits.max_tmp_mb, inner);
    if (!done) return done;
    config["EphemeralStorage"] = std::move(inner);
  }
  return {};
}

ApiResult<void> oneOf(const json::object& request, std::string_view key, std::string_view field,
                      std::initializer_list<std::string_view> values) {
  auto* value = request.if_contains(key);
  if (!value || !value->is_string()) return {};
  std::string_view given = value->get_string();
  if (std::find(values.begin(), values.end(), given) != values.end()) return {};
  return bad(given, field, fmt::format("Member must satisfy enum value set: [{}]", fmt::join(values, ", ")));
}

ApiResult<void> architectures(const json::object& request) {
  auto* value = request.if_contains("Architectures");
  if (!value || !value->is_array()) return {};
  std::string all;
  bool known = true;
  for (auto& item : value->as_array()) {
    std::string_view name = item.is_string() ? std::string_view(item.get_string()) : "null";
    all += (all.empty() ? "" : ", ") + std::string(name);
    known &= name == "x86_64" || name == "arm64";
  }
  if (!known) {
    return bad("[" + all + "]", "architectures",
               "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not "
               "be null]");
  }
  size_t count = value->as_array().size();
  if (count == 1) return {};
  return bad("[" + all + "]", "architectures",
             fmt::format("Member must have length {} than or equal to 1", count == 0 ? "greater" : "less"));
}

ApiResult<void> fileSystems(const json::object& request) {
  auto* value = request.if_contains("FileSystemConfigs");
  if (!value || !value->is_array()) return {};
  static const RE2 arn_form(
      R"(arn:aws[a-zA-Z-]*:(elasticfilesystem|s3files):[a-z0-9-]+:\d{12}:)"
      R"((access-point/fsap-[a-f0-9]{17}|file-system/[a-zA-Z0-9/-]+))");
  static const RE2 path_form("/mnt/[a-zA-Z0-9-_.]+");
  for (auto& item : value->as_array()) {
    json::object config = item.is_object() ? item.as_object() : json::object{};
    std::string arn = stringOr(config, "Arn", ""), path = stringOr(config, "LocalMountPath", "");
    if (!RE2::FullMatch(arn, arn_form)) {
      return bad(arn, "fileSystemConfigs.1.member.arn",
                 "Member must satisfy regular expression pattern: "
                 "arn:aws[a-zA-Z-]*:elasticfilesystem:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\\d{1}:\\d{12}:access-point/"
                 "fsap-[a-f0-9]{17}");
    }
    if (path.size() > 160 || !RE2::FullMatch(path, path_form)) {
      return bad(path, "fileSystemConfigs.1.member.localMountPath",
                 "Member must satisfy regular expression pattern: ^/mnt/[a-zA-Z0-9-_.]+$");
    }
  }
  return {};
}

}  // namespace

bool wasEverRuntime(std::string_view name) { return isOneOf(kRuntimes, name) || isOneOf(kOldRuntimes, name); }

std::string allRuntimes() { return fmt::format("{}", fmt::join(kRuntimes, ", ")); }

ApiResult<void> oneFileSystem(const json::object& request) {
  auto* value = request.if_contains("FileSystemConfigs");
  if (!value || !value->is_array() || value->as_array().size() <= 1) return {};
  return bad(toJson(*value), "fileSystemConfigs", "Member must have length less than or equal to 1");
}

json::object defaultConfig(const Registry& registry, const std::string& name) {
  json::object config;
  config["FunctionName"] = name;
  config["FunctionArn"] = registry.arn(name);
  config["Runtime"] = "provided.al2023";
  config["Role"] = "";
  config["Handler"] = "bootstrap";
  config["CodeSize"] = 0;
  config["Description"] = "";
  config["Timeout"] = 3;
  config["MemorySize"] = 128;
  config["LastModified"] = registry.now();
  config["CodeSha256"] = "";
  config["Version"] = "$LATEST";
  config["TracingConfig"] = json::object{{"Mode", "PassThrough"}};
  config["RevisionId"] = "";
  config["State"] = "Active";
  config["LastUpdateStatus"] = "Successful";
  config["PackageType"] = "Zip";
  config["Architectures"] = json::array{"x86_64"};
  config["EphemeralStorage"] = json::object{{"Size", 512}};
  config["SnapStart"] = json::object{{"ApplyOn", "None"}, {"OptimizationStatus", "Off"}};
  config["LoggingConfig"] = json::object{{"LogFormat", "Text"}, {"LogGroup", contract::logGroup(name)}};
  return config;
}

ApiResult<void> configure(Registry& registry, const json::object& request, int64_t code_unzipped,
                          json::object& config) {
  const auto& limits = registry.options().limits;
  if (auto done = simple(request, limits, config); !done) return done;
  if (auto done = environment(request, limits, config); !done) return done;
  if (auto done = architectures(request); !done) return done;
  if (auto done = fileSystems(request); !done) return done;
  if (auto done = oneOf(request, "PackageType", "packageType", {"Image", "Zip"}); !done) return done;
  auto tracing = oneOf(objectAt(request, "TracingConfig"), "Mode", "tracingConfig.mode", {"Active", "PassThrough"});
  if (!tracing) return tracing;
  auto format = oneOf(objectAt(request, "LoggingConfig"), "LogFormat", "loggingConfig.logFormat", {"JSON", "Text"});
  if (!format) return format;
  auto layer_bytes = layers(registry, request, config);
  if (!layer_bytes) return ApiFailure(layer_bytes.error());
  if (code_unzipped + *layer_bytes >= limits.unzipped.value) {
    return ApiFailure(
        contract::invalidParameter(fmt::format("Unzipped size must be smaller than {} bytes", limits.unzipped.value)));
  }
  for (std::string_view key : {"DeadLetterConfig", "VpcConfig", "TracingConfig", "FileSystemConfigs", "KMSKeyArn",
                               "ImageConfig", "Architectures", "PackageType"}) {
    if (auto* value = request.if_contains(key); value && !value->is_null()) config[key] = *value;
  }
  if (auto* logging = request.if_contains("LoggingConfig"); logging && logging->is_object()) {
    static const RE2 form(R"([\.\-_/#A-Za-z0-9]+)");
    std::string group = stringOr(logging->as_object(), "LogGroup", "/");
    if (group.size() > 512) return bad(group, "loggingConfig.logGroup", "Member must have length less than or equal to 512");
    if (!RE2::FullMatch(group, form)) {
      return bad(group, "loggingConfig.logGroup", "Member must satisfy regular expression pattern: " + form.pattern());
    }
    json::object merged = objectAt(config, "LoggingConfig");
    for (auto& [key, value] : logging->as_object()) merged[key] = value;
    config["LoggingConfig"] = std::move(merged);
  }
  if (auto* snap = request.if_contains("SnapStart"); snap && snap->is_object()) {
    std::string apply = stringOr(snap->as_object(), "ApplyOn", "None");
    if (apply != "None" && apply != "PublishedVersions") {
      return bad(apply, "snapStart.applyOn", "Member must satisfy enum value set: [PublishedVersions, None]");
    }
    config["SnapStart"] = json::object{{"ApplyOn", apply}, {"OptimizationStatus", "Off"}};
  }
  std::string runtime = stringOr(config, "Runtime", "");
  config["RuntimeVersionConfig"] =
      json::object{{"RuntimeVersionArn", fmt::format("arn:aws:lambda:{}::runtime:{}", registry.options().place.region,
                                                     sha256Hex(runtime))}};
  return {};
}

}  // namespace lectern::engine
