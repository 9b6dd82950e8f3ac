#pragma once
#include <string_view>

namespace lectern::contract {

/// Whether `text` is one JSON text in valid UTF-8, nested at most 512 deep. Builds nothing: strings are passed over 16
/// bytes at a time, so that payloads cost little on the invoke path.
bool isJson(std::string_view text);

}  // namespace lectern::contract
