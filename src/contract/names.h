#pragma once
// Function names and ARNs.

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "contract/errors.h"

namespace lectern::contract {

/// Where the engine pretends to be.
struct Place {
  std::string region = "us-east-1";
  std::string account = "000000000000";
};

/// A function as a caller names it.
struct FunctionRef {
  std::string name;
  std::string qualifier;  // version, alias or "$LATEST"; "" when none was given
};

template <typename T>
using ApiResult = tl::expected<T, ApiError>;
using ApiFailure = tl::unexpected<ApiError>;

/// Takes a name, name:qualifier, account:function:name or an ARN (decoded), and the Qualifier parameter. Refuses
/// disagreeing qualifiers, foreign regions and malformed names in Lambda's words.
ApiResult<FunctionRef> parseFunctionRef(const Place& place, std::string_view text, std::string_view qualifier);

/// "arn:aws:lambda:us-east-1:000000000000:function:NAME[:QUALIFIER]".
std::string functionArn(const Place& place, std::string_view name, std::string_view qualifier = "");
/// "arn:aws:lambda:us-east-1:000000000000:layer:NAME[:VERSION]".
std::string layerArn(const Place& place, std::string_view name, int64_t version = 0);

/// The layer's name and version in a layer version ARN.
struct LayerRef {
  std::string name;
  int64_t version = 0;
};
std::optional<LayerRef> parseLayerVersionArn(std::string_view arn);

bool isFunctionName(std::string_view name);
/// [a-zA-Z0-9-_]+ that is not a number: names of aliases.
bool isAliasName(std::string_view name);
bool isVersionNumber(std::string_view name);

/// "/aws/lambda/NAME".
std::string logGroup(std::string_view name);

}  // namespace lectern::contract
