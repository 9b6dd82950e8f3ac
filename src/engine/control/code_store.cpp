#include "engine/control/code_store.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

#include "base/files.h"
#include "base/hash.h"
#include "base/ids.h"
#include "engine/control/bundle.h"
#include "engine/control/object_store.h"

namespace lectern::engine {

namespace fs = std::filesystem;
using contract::ApiFailure;

namespace {

contract::ApiFailure zipRefused(const Error& error, const contract::Limits& limits) {
  switch (error.code) {
    case Code::kTooLarge:
      return ApiFailure(contract::invalidParameter(
          fmt::format("Unzipped size must be smaller than {} bytes", limits.unzipped.value)));
    case Code::kNoSpace:
    case Code::kInternal:
      return ApiFailure(contract::serviceError(error.message));
    default:
      return ApiFailure(contract::invalidParameter(
          "Could not unzip uploaded file. Please check your file, then try to upload again."));
  }
}

/// Names, sizes and times of a directory's files: changes when the code changes, without reading all of it.
std::string fingerprint(const fs::path& directory) {
  std::vector<std::string> lines;
  std::error_code error;
  for (fs::recursive_directory_iterator it(directory, error), end; it != end && !error; it.increment(error)) {
    if (!it->is_regular_file(error)) continue;
    auto time = it->last_write_time(error).time_since_epoch().count();
    lines.push_back(fmt::format("{} {} {}\n", it->path().string(), it->file_size(error), time));
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (auto& line : lines) all += line;
  return sha256Hex(all);
}

}  // namespace

std::string base64OfHex(std::string_view hex) {
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string raw;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) raw += char(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return base64Encode(raw);
}

fs::path CodeStore::directoryOf(const CodeRef& code) const {
  return code.directory.empty() ? state_ / "code" / code.sha_hex : fs::path(code.directory);
}

contract::ApiResult<CodeRef> CodeStore::fromRequest(const json::object& code) const {
  if (code.contains("ZipFile")) {
    auto bytes = base64Decode(stringOr(code, "ZipFile", ""));
    if (!bytes) {
      return ApiFailure(contract::invalidParameter(
          "Could not unzip uploaded file. Please check your file, then try to upload again."));
    }
    if (int64_t(bytes->size()) > limits_.zipped.value) {
      return ApiFailure(
          contract::tooLarge(fmt::format("Zipped size must be smaller than {} bytes", limits_.zipped.value)));
    }
    return fromZip(*bytes);
  }
  std::string bucket = stringOr(code, "S3Bucket", ""), key = stringOr(code, "S3Key", "");
  if (!bucket.empty() && !key.empty()) {
    const char* endpoint = getenv("AWS_ENDPOINT_URL_S3");
    auto bytes = readObject(state_ / "s3", endpoint ? endpoint : "", region_,
                            {bucket, key, stringOr(code, "S3ObjectVersion", "")}, limits_.unzipped);
    if (!bytes) return ApiFailure(bytes.error());
    return fromZip(*bytes);
  }
  if (code.contains("ImageUri")) {
    return ApiFailure(contract::invalidParameter("Container images are not supported here; give the code as a zip."));
  }
  return ApiFailure(contract::invalidParameter("Please provide a source for function code."));
}

contract::ApiResult<CodeRef> CodeStore::fromZip(std::string_view bytes, std::string* fault) const {
  CodeRef code;
  code.sha_hex = sha256Hex(bytes);
  code.size = int64_t(bytes.size());
  fs::path target = state_ / "code" / code.sha_hex;
  std::error_code error;
  Bytes size;
  if (fs::exists(target, error)) {
    auto measured = measureDirectory(target);
    if (!measured) return zipRefused(measured.error(), limits_);
    size = *measured;
  } else {
    fs::path part = state_ / "code" / ("part-" + randomHex(8));
    auto unpacked = unpackZip(bytes, part, limits_.unzipped);
    if (!unpacked) {
      if (fault) *fault = unpacked.error().message;
      return zipRefused(unpacked.error(), limits_);
    }
    size = *unpacked;
    fs::rename(part, target, error);
    if (error && !fs::exists(target)) return ApiFailure(contract::serviceError("storing code: " + error.message()));
    if (error) fs::remove_all(part, error);
  }
  code.unzipped = size.value;
  fs::create_directories(state_ / "zips", error);
  if (!fs::exists(zipOf(code.sha_hex), error)) {
    if (auto written = writeFileAtomic(zipOf(code.sha_hex), bytes); !written) {
      return ApiFailure(contract::serviceError("storing code: " + written.error().message));
    }
  }
  return code;
}

Result<CodeRef> CodeStore::fromPath(const fs::path& path) const {
  std::error_code error;
  fs::path real = fs::canonical(path, error);
  if (error) return failErrno(path.string(), error.value());
  if (!fs::is_directory(real)) {
    TRY(std::string bytes, readFile(real, gibibytes(2)));
    std::string fault;
    auto code = fromZip(bytes, &fault);
    if (code) return *code;
    // Whoever names a file of this machine learns what is wrong with it; over the API there are Lambda's sentences.
    return fail(code.error().status < 500 ? Code::kInvalid : Code::kInternal,
                path.string() + ": " + (fault.empty() ? code.error().message : fault));
  }
  TRY(Bytes size, measureDirectory(real));
  CodeRef code;
  code.directory = real.string();
  code.size = code.unzipped = size.value;
  code.sha_hex = fingerprint(real);
  return code;
}

}  // namespace lectern::engine
