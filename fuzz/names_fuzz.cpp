// Names, paths, queries and JSON texts from requests.

#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/json.h"
#include "contract/json_check.h"
#include "contract/names.h"
#include "contract/operations.h"
#include "net/sigv4.h"
#include "net/url.h"

std::vector<std::string> fuzzSeeds() {
  return {"arn:aws:lambda:us-east-1:000000000000:function:f:live",
          "/2015-03-31/functions/arn%3Aaws%3Alambda%3Ax/invocations",
          "Qualifier=%24LATEST&Marker=1&a",
          R"({"a":[1,-2.5e3,"\u00e9\n",{"b":null}],"c":true})",
          "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, "
          "Signature=ab",
          "http://[::1]:9000/base"};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  lectern::contract::Place place;
  if (auto ref = lectern::contract::parseFunctionRef(place, text, "")) {
    CHECK(lectern::contract::isFunctionName(ref->name));
  }
  lectern::contract::parseLayerVersionArn(text);
  for (auto method : {"GET", "POST", "PUT", "DELETE"}) {
    auto target = lectern::net::splitTarget(text);
    lectern::contract::matchOperation(method, target.path, target.query);
  }
  if (auto decoded = lectern::net::percentDecode(text)) {
    CHECK(lectern::net::percentDecode(lectern::net::percentEncode(*decoded)) == decoded);
  }
  lectern::net::parseQuery(text);
  lectern::net::parseHttpUrl(text);
  lectern::net::parseAuthorization(text);
  bool ours = lectern::contract::isJson(text);
  // The library is stricter about depth and laxer about nothing.
  if (lectern::parseJson(text)) CHECK(ours);
  return 0;
}
