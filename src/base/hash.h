#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lectern {

/// SHA-256 as 64 lower-case hexadecimal digits.
std::string sha256Hex(std::string_view bytes);
/// SHA-256 as 32 raw bytes.
std::string sha256(std::string_view bytes);
/// SHA-256 of a file, read in pieces.
Result<std::string> sha256HexOfFile(const std::filesystem::path& path);
/// HMAC-SHA-256 as 32 raw bytes.
std::string hmacSha256(std::string_view key, std::string_view message);
std::string toHex(std::string_view bytes);
/// Standard base64 with padding.
std::string base64Encode(std::string_view bytes);
/// Strict standard base64; kInvalid otherwise.
Result<std::string> base64Decode(std::string_view text);

}  // namespace lectern
