#pragma once
// Bundles from a serverless.yml. Read this first.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "contract/serverless_yml.h"
#include "pack/drop_cost.h"
#include "pack/trace.h"

namespace lectern::pack {

struct PackOptions {
  std::filesystem::path config = "serverless.yml";
  std::string function;  // only this one; empty: all
  std::filesystem::path out = ".lectern";
  bool costs = false;  // say of every file what it would cost to drop it
  bool trace = false;  // run the recorded event and add the libraries that it loads by dlopen
};

struct PackedFile {
  std::string path, why;
  int64_t bytes = 0, original = 0;
  DropCost drop = {};
};

struct PackedFunction {
  std::string name;
  std::filesystem::path zip;
  int64_t zip_bytes = 0, unzipped_bytes = 0, untrimmed_bytes = 0, layer_bytes = 0;
  std::vector<std::string> layers;
  std::string untrimmed_from;  // the ordinarily linked program that untrimmed_bytes weighs; "" for the bundle's own
  std::vector<PackedFile> files, left_out;
  // Loaded by dlopen and not declared; nothing when no recorded event was traced.
  std::optional<std::vector<TracedLibrary>> traced;
};

struct PackReport {
  std::vector<PackedFunction> functions;
  std::vector<std::string> warnings;
};

/// Writes OUT/NAME.zip for each function and OUT/layer-KEY.zip for each layer that comes from a folder. kTooLarge names
/// the largest files when Lambda's 250 MB (with layers) or 50 MB zipped are passed.
Result<PackReport> pack(const PackOptions& options);

/// Reads and parses the file; environment variables come from the process.
Result<contract::ServerlessConfig> loadConfig(const std::filesystem::path& file);

/// {"functions":[{"name","zip","zip_bytes","unzipped_bytes","untrimmed_bytes","layers","files"}]}; of traced functions also
/// "traced":[{"name","file","by"}]; with `table` also
/// "table":[{"path","why","bytes","trimmed_bytes","drop":{"frees_bytes","other_files","breaks"}}] and "left_out".
json::value toJson(const PackReport& report, bool table = false);
/// A table of every file: bytes, bytes saved by trimming, bytes that leave with it, path, reason (of a library: all that
/// need it), what breaks without it; then what was left out and why.
std::string explain(const PackedFunction& function);

}  // namespace lectern::pack
