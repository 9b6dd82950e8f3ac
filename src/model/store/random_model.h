#pragma once
// Models with random weights, for measurements and tests.

#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace lectern::model {

inline constexpr int64_t kCtpnMegabytes = 71;

/// Writes NAME.onnx and NAME.bin. At kCtpnMegabytes the CTPN network with VGG16 (Tian et al. 2016) over a strip of 64 x 256
/// pixels, else a chain of square matrix products of about `megabytes` in all. Input "x" [1, n], output "y" [1, m];
/// returns n. Files of the right size are left as they are.
Result<int64_t> writeRandomModel(const std::filesystem::path& onnx, int64_t megabytes);
/// The same in one file, as models below 2 GB usually are.
Result<int64_t> writeRandomModelAlone(const std::filesystem::path& onnx, int64_t megabytes);

}  // namespace lectern::model
