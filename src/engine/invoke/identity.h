#pragma once
// STS GetCallerIdentity, which deployment tools ask before anything else to learn the account.

#include <string_view>

#include "contract/names.h"
#include "net/http_server.h"

namespace lectern::engine {

/// Answers the request when it is this one: the account of `place`, as its root user. False when it is another.
bool answerIdentity(net::Exchange& exchange, const contract::Place& place, std::string_view request_id);

}  // namespace lectern::engine
