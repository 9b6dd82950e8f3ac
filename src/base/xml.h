#pragma once
#include <string>
#include <string_view>

namespace lectern {

/// The text with & < > " ' as character references, safe inside XML and HTML text and
/// attributes; control characters, which XML cannot hold, become spaces.
std::string escapeXml(std::string_view text);

}  // namespace lectern
