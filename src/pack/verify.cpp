#include "pack/verify.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/files.h"
#include "net/http_server.h"
#include "pack/archive.h"
#include "pack/elf.h"
#include "pack/probe.h"

namespace lectern::pack {

namespace fs = std::filesystem;

namespace {
constexpr Nanos kTimeout{180'000'000'000};  // the machine may be busy
constexpr const char* kUnshare = "/usr/bin/unshare";

std::string replaceAll(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; !from.empty() && (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::vector<std::string> environmentOf(const contract::FunctionConfig& f) {
  std::vector<std::string> out = {"LAMBDA_TASK_ROOT=/var/task", "_HANDLER=" + f.handler, "PATH=/usr/bin:/bin"};
  for (const auto& [name, value] : f.environment) out.push_back(name + "=" + value);
  return out;
}

/// A hard link where the file system allows it, else a copy.
Result<void> place(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to, error);
  fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::create_hard_links, error);
  if (error) fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::overwrite_existing, error);
  return error ? fail(Code::kNoSpace, fmt::format("copy {}: {}", from.string(), error.message())) : Result<void>();
}

/// The bundle at var/task, layers at opt, the mounted folder, tmp and an empty dev/null.
Result<TempDir> makeRoot(const VerifyCase& which) {
  TRY(auto root, TempDir::create("lectern-root-"));
  const fs::path& top = root.path();
  std::error_code error;
  fs::permissions(top, fs::perms::all, error);
  for (const char* folder : {"var/task", "tmp", "dev", "opt"}) fs::create_directories(top / folder, error);
  if (error) return fail(Code::kNoSpace, error.message());
  TRY_VOID(extractZip(which.packed.zip, top / "var/task"));
  for (const auto& key : which.function.layers) {
    const auto zip = which.packed.zip.parent_path() / ("layer-" + key + ".zip");
    if (fs::exists(zip, error)) TRY_VOID(extractZip(zip, top / "opt"));
  }
  TRY_VOID(writeFileAtomic(top / "dev/null", ""));
  if (const fs::path folder = mountedFolder(which); !folder.empty()) {
    TRY_VOID(place(folder, top / which.function.file_system->local_mount_path.substr(1)));
  }
  return root;
}

fs::path inPath(std::string_view program) {
  const char* path = std::getenv("PATH");
  const std::string folders = path != nullptr ? path : "";
  for (size_t from = 0; from < folders.size();) {
    const size_t colon = std::min(folders.find(':', from), folders.size());
    const fs::path candidate = fs::path(folders.substr(from, colon - from)) / program;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    from = colon + 1;
  }
  return {};
}

std::vector<std::string> enter(const fs::path& root) {
  std::vector<std::string> out = {kUnshare};
  if (geteuid() != 0) out.emplace_back("-r");
  for (const std::string& word : {std::string("-R"), root.string(), std::string("-w"), std::string("/var/task")}) {
    out.push_back(word);
  }
  return out;
}

std::string shown(const json::value& value) {
  std::string text = lectern::toJson(value);
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  return text;
}

Result<void> same(const json::value& a, const json::value& b, const std::vector<std::string>& ignore, const std::string& at,
                  int depth) {
  constexpr int kDeepest = 64;
  const auto differs = [&] { return fail(Code::kInvalid, fmt::format("{} is {}, expected {}", at, shown(b), shown(a))); };
  if (depth > kDeepest) return fail(Code::kInvalid, at + " is too deep");
  if (a.is_number() && b.is_number()) {
    const double x = a.to_number<double>(), y = b.to_number<double>();
    constexpr double kRelative = 0.01, kAbsolute = 0.01;
    return std::abs(x - y) <= std::max(kAbsolute, kRelative * std::max(std::abs(x), std::abs(y))) ? Result<void>() : differs();
  }
  if (a.is_array() && b.is_array()) {
    const auto &x = a.get_array(), &y = b.get_array();
    if (x.size() != y.size()) return fail(Code::kInvalid, fmt::format("{} has {} entries, expected {}", at, y.size(), x.size()));
    for (size_t i = 0; i < x.size(); ++i) TRY_VOID(same(x[i], y[i], ignore, fmt::format("{}[{}]", at, i), depth + 1));
    return {};
  }
  if (a.is_object() && b.is_object()) {
    const auto &x = a.get_object(), &y = b.get_object();
    for (const auto& [key, value] : y) {
      if (!x.contains(key)) return fail(Code::kInvalid, fmt::format("{}.{} is not expected", at, std::string(key)));
    }
    for (const auto& [key, value] : x) {
      if (std::find(ignore.begin(), ignore.end(), key) != ignore.end()) continue;
      const auto* other = y.if_contains(key);
      if (other == nullptr) return fail(Code::kInvalid, fmt::format("{}.{} is missing", at, std::string(key)));
      TRY_VOID(same(value, *other, ignore, fmt::format("{}.{}", at, std::string(key)), depth + 1));
    }
    return {};
  }
  return a == b ? Result<void>() : differs();
}
}  // namespace

fs::path mountedFolder(const contract::ServerlessConfig& config, const contract::FunctionConfig& function,
                       const fs::path& folder) {
  if (!function.file_system) return {};
  const auto found = config.directoryFor(*function.file_system);
  if (!found) return {};
  return fs::path(*found).is_absolute() ? fs::path(*found) : folder / *found;
}

ProbeSpec probeAsBuilt(const contract::ServerlessConfig& config, const contract::FunctionConfig& function,
                       const fs::path& folder, const std::string& event) {
  const auto& pack = function.pack;
  const auto located = [&](const std::string& path) {
    return fs::absolute(fs::path(path).is_absolute() ? fs::path(path) : folder / path);
  };
  std::error_code error;
  fs::path program = located(pack.untrimmed.empty() ? pack.binary + ".untrimmed" : pack.untrimmed);
  if (pack.untrimmed.empty() && !fs::exists(program, error)) program = located(pack.binary);
  ProbeSpec spec{{program.string()}, environmentOf(function), event, kTimeout, 0};
  spec.command.insert(spec.command.end(), pack.arguments.begin(), pack.arguments.end());
  if (const fs::path mounted = mountedFolder(config, function, folder); !mounted.empty()) {
    const std::string& mount = function.file_system->local_mount_path;
    for (auto& entry : spec.environment) entry = replaceAll(entry, mount, fs::absolute(mounted).string());
    spec.event = replaceAll(spec.event, mount, fs::absolute(mounted).string());
  }
  return spec;
}

fs::path mountedFolder(const VerifyCase& which) { return mountedFolder(which.config, which.function, which.folder); }

Result<std::string> answerAsBuilt(const VerifyCase& which) {
  return probe(probeAsBuilt(which.config, which.function, which.folder, which.event));
}

Result<std::string> answerInEmptyRoot(const VerifyCase& which) {
  if (access(kUnshare, X_OK) != 0) return fail(Code::kDenied, "unshare (util-linux) is not installed");
  TRY(const auto root, makeRoot(which));
  ProbeSpec spec{enter(root.path()), environmentOf(which.function), which.event, kTimeout, 0};
  spec.command.emplace_back("/var/task/bootstrap");
  return probe(spec);
}

Result<std::string> answerInEmulator(const VerifyCase& which) {
  const fs::path emulator = inPath("aws-lambda-rie");
  if (emulator.empty()) return fail(Code::kDenied, "aws-lambda-rie is not in PATH");
  TRY(const std::string program, readFile(emulator));
  TRY(const ElfInfo linked, readElf(program));
  if (!linked.interpreter.empty()) {
    return fail(Code::kDenied, emulator.string() + " needs shared libraries, which an empty root does not have; build it with "
                                                   "CGO_ENABLED=0 or take AWS's own");
  }
  TRY(const auto root, makeRoot(which));
  std::error_code error;
  fs::copy_file(emulator, root.path() / "aws-lambda-rie", error);
  if (error) return fail(Code::kNoSpace, "copy aws-lambda-rie: " + error.message());
  // Two free ports: of the emulator's front door and of its Runtime API.
  TRY(Fd front, net::listenTcp("127.0.0.1", 0));
  TRY(Fd back, net::listenTcp("127.0.0.1", 0));
  ProbeSpec spec{enter(root.path()), environmentOf(which.function), which.event, kTimeout, net::boundPort(front.get())};
  const std::string api = fmt::format("127.0.0.1:{}", net::boundPort(back.get()));
  front.close();
  back.close();
  spec.environment.push_back(fmt::format("AWS_LAMBDA_FUNCTION_TIMEOUT={}", kTimeout.count() / 1'000'000'000));
  for (const std::string& word : std::vector<std::string>{"/aws-lambda-rie", "--runtime-interface-emulator-address",
                                                          fmt::format("127.0.0.1:{}", spec.emulator_port),
                                                          "--runtime-api-address", api, "/var/task/bootstrap"}) {
    spec.command.push_back(word);
  }
  return probe(spec);
}

Result<void> sameAnswer(std::string_view expected, std::string_view got, const std::vector<std::string>& ignore) {
  const auto a = parseJson(expected), b = parseJson(got);
  if (!a || !b) return expected == got ? Result<void>() : fail(Code::kInvalid, "the answers are not the same bytes");
  return same(*a, *b, ignore, "the answer", 0);
}

}  // namespace lectern::pack
