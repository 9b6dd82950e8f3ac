#include "pack/pack.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <set>

#include "base/files.h"
#include "contract/limits.h"
#include "pack/archive.h"
#include "pack/closure.h"
#include "pack/elf.h"
#include "pack/launcher_bytes.h"
#include "pack/patterns.h"
#include "pack/verify.h"

namespace lectern::pack {

namespace fs = std::filesystem;

namespace {
using contract::FunctionConfig;
using contract::LayerConfig;
using contract::ServerlessConfig;

// What an interpreter's packages carry for developers. The reason is shown by --explain.
constexpr std::pair<std::string_view, std::string_view> kDeveloperFiles[] = {
    {"**/__pycache__/**", "compiled cache, made again on load"}, {"**/tests/**", "tests"}, {"**/test/**", "tests"},
    {"**/*.pyi", "type hints"}, {"**/*.pyx", "source of compiled code"}, {"**/*.pxd", "source of compiled code"},
    {"**/*.h", "headers"}, {"**/*.hpp", "headers"}, {"**/*.a", "static library"}, {"**/include/**", "headers"},
    {"**/.git/**", "version control"}, {"**/node_modules/.cache/**", "cache"}};

std::string normal(const fs::path& path) { return path.lexically_normal().generic_string(); }

bool safeInside(const std::string& path) {
  return !path.empty() && path[0] != '/' && path != ".." && !path.starts_with("../");
}

Result<Entry> readEntry(const fs::path& file, std::string why, bool strip) {
  TRY(auto bytes, readFile(file, gibibytes(2)));
  Entry entry{std::move(bytes), false, std::move(why), 0};
  entry.original = static_cast<int64_t>(entry.bytes.size());
  std::error_code error;
  entry.executable = (fs::status(file, error).permissions() & fs::perms::owner_exec) != fs::perms::none;
  if (strip && isElf(entry.bytes)) {
    if (auto stripped = stripElf(entry.bytes)) entry.bytes = std::move(*stripped);
  }
  return entry;
}

/// The files that a pattern of the file system names, in order; the path itself when it has no wildcard.
std::vector<std::string> expand(const fs::path& path) {
  const std::string text = path.string();
  if (text.find_first_of("*?[") == std::string::npos) return {text};
  std::vector<std::string> out;
  glob_t found{};
  if (glob(text.c_str(), 0, nullptr, &found) == 0) out.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  return out;
}

class Builder {
 public:
  Builder(const ServerlessConfig& config, const FunctionConfig& function, fs::path folder, const PackOptions& options)
      : config_(config), function_(function), folder_(std::move(folder)), out_(options.out), costs_(options.costs),
        trace_(options.trace) {}

  Result<Entries> build(PackedFunction& report) {
    TRY_VOID(layers(report));
    if (!function_.pack.binary.empty()) {
      TRY_VOID(program(report));
    } else {
      TRY_VOID(tree());
    }
    for (const auto& file : function_.pack.files) TRY_VOID(dataFile(file));
    drop();
    auto costs = costs_ ? dropCosts(entries_) : std::map<std::string, DropCost>();
    for (const auto& [path, entry] : entries_) {
      report.files.push_back({path, entry.why, static_cast<int64_t>(entry.bytes.size()), entry.original, costs[path]});
      report.unzipped_bytes += static_cast<int64_t>(entry.bytes.size());
      report.untrimmed_bytes += entry.original;
    }
    for (const auto& file : left_out_) report.untrimmed_bytes += file.original;
    if (!function_.pack.binary.empty()) TRY_VOID(weighUntrimmed(report));
    report.left_out = std::move(left_out_);
    return std::move(entries_);
  }

 private:
  Result<void> layers(PackedFunction& report) {
    for (const auto& key : function_.layers) {
      report.layers.push_back(key);
      const LayerConfig* layer = config_.layer(key);
      if (layer == nullptr || layer->path.empty()) continue;
      std::error_code error;
      const fs::path root = folder_ / layer->path;
      for (fs::recursive_directory_iterator at(root, error), end; !error && at != end; at.increment(error)) {
        if (!at->is_regular_file()) continue;
        report.layer_bytes += static_cast<int64_t>(at->file_size());
        if (at->path().parent_path() == root / "lib") in_layers_.insert(at->path().filename().string());
      }
      if (error) return fail(Code::kNotFound, fmt::format("layer '{}': {}: {}", key, root.string(), error.message()));
    }
    return {};
  }

  Result<void> program(PackedFunction& report) {
    const auto& pack = function_.pack;
    const fs::path binary = fromConfig(pack.binary);
    TRY(entries_["bin/function"], readEntry(binary, "the program", !pack.keep_symbols));
    entries_["bin/function"].executable = true;
    TRY(auto extra, declaredLibraries());
    TRY(auto closure, findClosure(binary, extra));
    // A static program has no loader that could be asked, and mostly loads nothing.
    if (trace_ && !function_.pack.event.empty() && !closure.interpreter.empty()) {
      TRY_VOID(trace(closure, extra, report));
      TRY(closure, findClosure(binary, extra));
    }
    if (closure.interpreter.empty()) {  // static: it is its own bootstrap
      entries_["bootstrap"] = std::move(entries_["bin/function"]);
      entries_.erase("bin/function");
      return {};
    }
    TRY(entries_["lib/ld.so"], readEntry(closure.interpreter, "the loader", !pack.keep_symbols));
    entries_["lib/ld.so"].executable = true;
    for (const auto& [name, library] : closure.libraries) {
      TRY(auto entry, readEntry(library.file, library.why, !pack.keep_symbols));
      const bool system = std::find(pack.system.begin(), pack.system.end(), name) != pack.system.end();
      if (system || in_layers_.contains(name)) {
        left_out_.push_back({"lib/" + name, system ? "the target has it" : "in a layer", 0, entry.original});
      } else {
        entries_["lib/" + name] = std::move(entry);
      }
    }
    return bootstrap();
  }

  /// Adds to `extra` what the recorded event loads and `closure` has not.
  Result<void> trace(const Closure& closure, std::vector<ExtraLibrary>& extra, PackedFunction& report) const {
    TRY(const auto event, readFile(fromConfig(function_.pack.event), mebibytes(6)));
    TRY(auto libraries, traceLibraries(probeAsBuilt(config_, function_, folder_, event)));
    report.traced.emplace();
    for (auto& library : libraries) {
      const std::string name = library.file.filename().string();
      if (closure.libraries.contains(name) || name == closure.interpreter.filename()) continue;
      // One that is asked for by its path would not be found in the bundle's lib: the program has to look elsewhere.
      if (!library.byPath()) extra.push_back({library.file.string(), "traced: the recorded event loads it by dlopen"});
      report.traced->push_back(std::move(library));
    }
    return {};
  }

  // Sonames as they are; paths from the file's folder, wildcards expanded.
  Result<std::vector<ExtraLibrary>> declaredLibraries() const {
    constexpr const char* kWhy = "declared: loaded by dlopen";
    std::vector<ExtraLibrary> out;
    for (const auto& name : function_.pack.libraries) {
      if (name.find('/') == std::string::npos) {
        out.push_back({name, kWhy});
        continue;
      }
      const auto files = expand(fromConfig(name));
      if (files.empty()) return fail(Code::kNotFound, fmt::format("no library fits '{}'", name));
      for (const auto& file : files) out.push_back({file, kWhy});
    }
    return out;
  }

  fs::path fromConfig(const std::string& path) const {
    return fs::path(path).is_absolute() ? fs::path(path) : folder_ / path;
  }

  // Where the program is also there as ordinarily linked (the key `untrimmed`, else BINARY.untrimmed), that one with its
  // libraries stands for the program and libraries before trimming; data files count as they are.
  Result<void> weighUntrimmed(PackedFunction& report) {
    const auto& pack = function_.pack;
    const fs::path other = fromConfig(pack.untrimmed.empty() ? pack.binary + ".untrimmed" : pack.untrimmed);
    std::error_code error;
    if (pack.untrimmed.empty() && !fs::is_regular_file(other, error)) return {};
    TRY(auto extra, declaredLibraries());
    for (const auto& library : report.traced.value_or(std::vector<TracedLibrary>())) {
      if (!library.byPath()) extra.push_back({library.file.string(), "traced"});
    }
    TRY(const auto closure, findClosure(other, extra));
    int64_t bytes = static_cast<int64_t>(fs::file_size(other, error));
    if (!closure.interpreter.empty()) bytes += static_cast<int64_t>(fs::file_size(closure.interpreter, error));
    for (const auto& [name, library] : closure.libraries) bytes += static_cast<int64_t>(fs::file_size(library.file, error));
    for (const auto& [path, entry] : entries_) {
      const bool program = path == "bootstrap" || path == "bin/function" || path.starts_with("lib/");
      if (!program) bytes += entry.original;
    }
    report.untrimmed_bytes = bytes;
    report.untrimmed_from = fmt::format("{} with {} libraries", other.string(), closure.libraries.size());
    return {};
  }

  Result<void> bootstrap() {
    Entry entry{std::string(launcherBytes()), true, "starts the loader on the program", 0};
    constexpr std::string_view kMark = "LECTERN-ARGUMENTS:";
    constexpr size_t kRoom = 2048 - kMark.size() - 2;
    std::string arguments;
    for (const auto& argument : function_.pack.arguments) arguments += argument + '\0';
    const size_t at = entry.bytes.find(kMark);
    if (at == std::string::npos) return fail(Code::kInternal, "the launcher has no room for arguments");
    if (arguments.size() > kRoom) return fail(Code::kTooLarge, "'arguments' are longer than 2 kB");
    entry.bytes.replace(at + kMark.size(), arguments.size(), arguments);
    entry.original = static_cast<int64_t>(entry.bytes.size());
    entries_["bootstrap"] = std::move(entry);
    return {};
  }

  bool wanted(const std::string& path) const {
    bool in = true;
    for (const auto* list : {&config_.package.patterns, &function_.package.patterns}) {
      for (const std::string& pattern : *list) {
        const bool out = pattern.starts_with("!");
        if (matches(out ? std::string_view(pattern).substr(1) : pattern, path)) in = !out;
      }
    }
    return in;
  }

  // A folder of scripts with their packages: the service's folder under the patterns.
  Result<void> tree() {
    std::error_code error;
    const fs::path out = fs::weakly_canonical(out_, error);
    const fs::path root = fs::weakly_canonical(folder_, error);
    for (fs::recursive_directory_iterator at(root, error), end; !error && at != end; at.increment(error)) {
      if (at->is_directory() && at->path() == out) at.disable_recursion_pending();
      if (!at->is_regular_file()) continue;
      const std::string path = normal(at->path().lexically_relative(root));
      if (path == "serverless.yml" || path.starts_with(".git/")) continue;
      if (!wanted(path)) {
        left_out_.push_back({path, "package.patterns", 0, static_cast<int64_t>(at->file_size())});
        continue;
      }
      const auto developer = std::find_if(std::begin(kDeveloperFiles), std::end(kDeveloperFiles),
                                          [&](const auto& rule) { return matches(rule.first, path); });
      if (developer != std::end(kDeveloperFiles)) {
        left_out_.push_back({path, std::string(developer->second), 0, static_cast<int64_t>(at->file_size())});
        continue;
      }
      TRY(entries_[path], readEntry(at->path(), "in the service's folder", !function_.pack.keep_symbols));
    }
    if (error) return fail(Code::kNotFound, fmt::format("{}: {}", root.string(), error.message()));
    return {};
  }

  Result<void> dataFile(const contract::PackConfig::File& file) {
    const auto found = expand(fromConfig(file.from));
    if (found.empty()) return fail(Code::kNotFound, fmt::format("no file fits '{}'", file.from));
    const bool wildcard = found.size() > 1 || found[0] != fromConfig(file.from).string();
    for (const std::string& from : found) {
      // What a wildcard names goes into the folder `to`; without `to`, where it stands.
      std::string to = file.to;
      if (wildcard) {
        to = file.to == file.from ? fs::path(from).lexically_relative(folder_).string()
                                  : (fs::path(file.to) / fs::path(from).filename()).string();
      }
      TRY_VOID(placeFile(from, to));
    }
    return {};
  }

  Result<void> placeFile(const fs::path& from, const std::string& wanted_to) {
    const std::string to = normal(wanted_to);
    if (!safeInside(to)) return fail(Code::kInvalid, fmt::format("'{}' leaves the bundle; give a relative 'to'", wanted_to));
    std::error_code error;
    if (fs::is_regular_file(from, error)) {
      const std::string name = to.ends_with("/") ? to + from.filename().string() : to;
      TRY(entries_[name], readEntry(from, "declared in files", !function_.pack.keep_symbols));
      return {};
    }
    if (!fs::is_directory(from, error)) return fail(Code::kNotFound, fmt::format("{} is not there", from.string()));
    for (fs::recursive_directory_iterator at(from, error), end; !error && at != end; at.increment(error)) {
      if (!at->is_regular_file()) continue;
      const std::string name = normal(fs::path(to) / at->path().lexically_relative(from));
      TRY(entries_[name], readEntry(at->path(), "declared in files", !function_.pack.keep_symbols));
    }
    return {};
  }

  void drop() {
    for (auto at = entries_.begin(); at != entries_.end();) {
      const auto& patterns = function_.pack.drop;
      const auto hit = std::find_if(patterns.begin(), patterns.end(), [&](const auto& p) { return matches(p, at->first); });
      if (hit == patterns.end()) {
        ++at;
        continue;
      }
      left_out_.push_back({at->first, fmt::format("drop: {}", *hit), 0, at->second.original});
      at = entries_.erase(at);
    }
  }

  const ServerlessConfig& config_;
  const FunctionConfig& function_;
  fs::path folder_, out_;
  bool costs_, trace_;
  Entries entries_;
  std::set<std::string> in_layers_;
  std::vector<PackedFile> left_out_;
};

Result<void> checkLimits(const PackedFunction& f) {
  const auto limits = contract::limitsFor(contract::Quotas::kCurrent);
  const int64_t unzipped = f.unzipped_bytes + f.layer_bytes;
  std::string what;
  if (unzipped > limits.unzipped.value) {
    what = fmt::format("is {} bytes unzipped with its layers; Lambda takes {}", unzipped, limits.unzipped.value);
  } else if (f.zip_bytes > limits.zipped.value) {
    what = fmt::format("is {} bytes zipped; Lambda takes {} in a request", f.zip_bytes, limits.zipped.value);
  } else {
    return {};
  }
  auto files = f.files;
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  files.resize(std::min<size_t>(files.size(), 5));
  std::string largest;
  for (const auto& file : files) largest += fmt::format("{}{} ({})", largest.empty() ? "" : ", ", file.path, file.bytes);
  return fail(Code::kTooLarge, fmt::format("function '{}' {}. Largest: {}. Leave files out (package.patterns, drop) or keep "
                                           "data on the shared file system", f.name, what, largest));
}

Result<void> packLayers(const ServerlessConfig& config, const fs::path& folder, const fs::path& out) {
  for (const auto& layer : config.layers) {
    if (layer.path.empty()) continue;
    Entries entries;
    const fs::path root = folder / layer.path;
    std::error_code error;
    for (fs::recursive_directory_iterator at(root, error), end; !error && at != end; at.increment(error)) {
      if (!at->is_regular_file()) continue;
      TRY(entries[normal(at->path().lexically_relative(root))], readEntry(at->path(), "layer", true));
    }
    if (error) return fail(Code::kNotFound, fmt::format("layer '{}': {}: {}", layer.key, root.string(), error.message()));
    TRY_VOID(writeZip(out / ("layer-" + layer.key + ".zip"), entries));
  }
  return {};
}
}  // namespace

Result<ServerlessConfig> loadConfig(const fs::path& file) {
  TRY(const auto text, readFile(file, mebibytes(1)));
  const std::string name = file.string();
  return contract::parseServerless({.text = text, .file_name = name, .environment = [](const std::string& key) {
                                      const char* value = std::getenv(key.c_str());
                                      return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
                                    }});
}

Result<PackReport> pack(const PackOptions& options) {
  TRY(const auto config, loadConfig(options.config));
  if (!options.function.empty() && config.function(options.function) == nullptr) {
    return fail(Code::kNotFound, fmt::format("{} has no function '{}'", options.config.string(), options.function));
  }
  const fs::path folder = options.config.parent_path().empty() ? fs::path(".") : options.config.parent_path();
  std::error_code error;
  fs::create_directories(options.out, error);
  if (error) return fail(Code::kDenied, fmt::format("create {}: {}", options.out.string(), error.message()));
  PackReport report;
  report.warnings = config.warnings;
  TRY_VOID(packLayers(config, folder, options.out));
  for (const auto& function : config.functions) {
    if (!options.function.empty() && &function != config.function(options.function)) continue;
    PackedFunction out;
    out.name = function.name;
    auto entries = Builder(config, function, folder, options).build(out);
    if (!entries) return Failure(entries.error().with("function '" + function.name + "'"));
    out.zip = options.out / (function.name + ".zip");
    TRY_VOID(writeZip(out.zip, *entries));
    out.zip_bytes = static_cast<int64_t>(fs::file_size(out.zip, error));
    if (auto fits = checkLimits(out); !fits) {
      fs::remove(out.zip, error);  // nobody should deploy it
      return Failure(fits.error());
    }
    report.functions.push_back(std::move(out));
  }
  return report;
}

}  // namespace lectern::pack
