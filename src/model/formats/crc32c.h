#pragma once
#include <cstdint>
#include <string_view>

namespace lectern::model::formats {

/// CRC-32C (Castagnoli) of `bytes`, continued from `start`.
uint32_t crc32c(std::string_view bytes, uint32_t start = 0);
/// The form in which tables and checkpoints store it, so that a checksum of data with checksums stays good.
uint32_t maskedCrc(uint32_t crc);

}  // namespace lectern::model::formats
