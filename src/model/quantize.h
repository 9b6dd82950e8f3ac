#pragma once
// int8 for convolution networks: weights per output channel, activations as unsigned bytes whose ranges come from
// running the model over calibration inputs. The result is plain ONNX (QLinearConv; sums as com.microsoft.QLinearAdd).

#include <filesystem>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/session.h"

namespace lectern::model {

struct QuantizeOptions {
  /// 7 keeps weights in [-63, 63], so that the 16-bit sums of processors without VNNI (AVX2's vpmaddubsw) cannot
  /// saturate: 255 * 63 * 2 < 32768. 8 is right only where VNNI is.
  int weight_bits = 7;
  /// Convolutions go back to float, the most harmful first, until the held-back inputs reach this cosine.
  double target_cosine = 0.99;
};

/// How well and how fast the result is, on the held-back inputs. Times are CPU milliseconds of one run, one thread,
/// median; both models optimised in memory.
struct QuantizeReport {
  int convolutions = 0, quantized = 0;
  int calibration = 0, held_back = 0;
  double cosine_mean = 0, cosine_min = 0;  // of all outputs, flattened, one value an input
  double max_error = 0, max_value = 0;     // largest difference of an output value; largest float output value
  double float_ms = 0, int8_ms = 0;
  int64_t before_bytes = 0, after_bytes = 0;
};

/// Writes OUT. Each input is one tensor for the model's only input. kInvalid without convolutions to quantise, with
/// inner graphs, or without inputs on either side.
Result<QuantizeReport> quantizeModel(const std::filesystem::path& in, const std::filesystem::path& out,
                                     std::span<const Tensor> calibration, std::span<const Tensor> held_back,
                                     const QuantizeOptions& options = {});

}  // namespace lectern::model
