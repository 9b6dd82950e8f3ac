#pragma once
// A classifier small enough to be generated: pictures of 3 x 8 x 8 values, four classes, seeded random weights.

#include <string>
#include <vector>

namespace lectern::examples {

/// The bytes of an .onnx file: convolution, Relu, mean over the picture, linear layer, softmax; labels in its metadata.
std::string tinyClassifier();

/// A picture of random values from 0 to 1.
std::vector<float> tinyPicture(int seed);

}  // namespace lectern::examples
