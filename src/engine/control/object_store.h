#pragma once
// Code that a request names as {S3Bucket, S3Key}: files below a folder, or objects of an S3-compatible service.

#include <filesystem>
#include <string>

#include "base/units.h"
#include "contract/names.h"

namespace lectern::engine {

struct ObjectName {
  std::string bucket, key, version;  // of the object; "" the newest
};

/// FOLDER/BUCKET/KEY when the bucket's folder is there, else GET of `endpoint` ("http://127.0.0.1:9000", "" none), signed when
/// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set. Waits; errors in Lambda's words.
contract::ApiResult<std::string> readObject(const std::filesystem::path& folder, const std::string& endpoint,
                                            const std::string& region, const ObjectName& name, Bytes most);

}  // namespace lectern::engine
