#pragma once
// Text from outside, such as file names, made fit for one line of output and for JSON.

#include <string>
#include <string_view>

namespace lectern {

/// `text` with every control character (of terminals' escape sequences, too) and every byte that is not part of a
/// UTF-8 character replaced by `with`.
std::string printable(std::string_view text, char with = '?');

}  // namespace lectern
