#include "engine/invoke/identity.h"

#include <fmt/core.h>

#include "net/url.h"

namespace lectern::engine {

bool answerIdentity(net::Exchange& exchange, const contract::Place& place, std::string_view request_id) {
  auto& request = exchange.request;
  auto [path, query] = net::splitTarget(request.target);
  if (path != "/" || (request.method != "POST" && request.method != "GET")) return false;
  std::string_view form = request.method == "POST" ? std::string_view(request.body) : query;
  if (net::queryValue(form, "Action").value_or("") != "GetCallerIdentity") return false;
  net::Response response(
      200, "text/xml",
      fmt::format("<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
                  "  <GetCallerIdentityResult>\n    <Arn>arn:aws:iam::{0}:root</Arn>\n    <UserId>{0}</UserId>\n"
                  "    <Account>{0}</Account>\n  </GetCallerIdentityResult>\n"
                  "  <ResponseMetadata>\n    <RequestId>{1}</RequestId>\n  </ResponseMetadata>\n"
                  "</GetCallerIdentityResponse>\n",
                  place.account, request_id));
  response.headers.add("x-amzn-RequestId", request_id);
  exchange.respond(std::move(response));
  return true;
}

}  // namespace lectern::engine
