#pragma once
// Bundles on disk: STATE/code/SHA holds the content, STATE/zips/SHA.zip the archive for clients that ask for it back.

#include <filesystem>
#include <string>
#include <string_view>

#include "base/json.h"
#include "contract/errors.h"
#include "contract/limits.h"
#include "contract/names.h"
#include "engine/control/records.h"

namespace lectern::engine {

/// Safe to use from the worker's thread: keeps nothing but paths.
class CodeStore {
 public:
  CodeStore(std::filesystem::path state, const contract::Limits& limits, std::string region)
      : state_(std::move(state)), limits_(limits), region_(std::move(region)) {}

  /// From the API's Code or Content: {ZipFile} in base64, or {S3Bucket, S3Key}: a file below STATE/s3, or an object of
  /// $AWS_ENDPOINT_URL_S3.
  contract::ApiResult<CodeRef> fromRequest(const json::object& code) const;
  /// From a zip archive.
  contract::ApiResult<CodeRef> fromZip(std::string_view bytes, std::string* fault = nullptr) const;
  /// A zip file or a directory of the host, the latter used in place.
  Result<CodeRef> fromPath(const std::filesystem::path& path) const;

  std::filesystem::path directoryOf(const CodeRef& code) const;
  std::filesystem::path zipOf(const std::string& sha_hex) const { return state_ / "zips" / (sha_hex + ".zip"); }

 private:
  std::filesystem::path state_;
  contract::Limits limits_;
  std::string region_;
};

/// Base64 of the hash that `sha_hex` writes in hexadecimal, as CodeSha256 shows it.
std::string base64OfHex(std::string_view sha_hex);

}  // namespace lectern::engine
