// Model files from anywhere: pickles, TensorFlow's tables and graphs, ONNX, safetensors, PyTorch archives.

#include <cstdint>
#include <vector>

#include "base/check.h"
#include "model/formats/checkpoint.h"
#include "model/formats/graph_def.h"
#include "model/formats/onnx_file.h"
#include "model/formats/pickle.h"
#include "model/formats/pytorch.h"
#include "model/formats/safetensors.h"
#include "model/formats/sstable.h"
#include "seeds.h"

namespace formats = lectern::model::formats;

namespace {

/// A length-delimited field of a protocol buffer.
std::string field(int number, const std::string& bytes) {
  return std::string(1, char(number << 3 | 2)) + char(bytes.size()) + bytes;
}

std::string onnx() {
  std::string node = field(1, "x") + field(1, "w") + field(2, "y") + field(3, "n") + field(4, "Add");
  std::string tensor = std::string("\x08\x02\x10\x01", 4) + field(8, "w") + field(9, std::string(8, '\1'));
  return std::string("\x08\x08", 2) + field(2, "fuzz") + field(7, field(1, node) + field(2, "g") + field(5, tensor)) +
         field(8, std::string("\x10\x11", 2));
}

std::string graphDef() {
  std::string attribute = field(1, "dtype") + field(2, std::string("\x30\x01", 2));
  std::string node = field(1, "a") + field(2, "Const") + field(3, "b") + field(5, attribute);
  return field(1, node) + field(1, field(1, "b") + field(2, "Identity"));
}

}  // namespace

std::vector<std::string> fuzzSeeds() {
  using namespace std::string_literals;  // which count the zero bytes inside
  std::string header = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"format":"pt"}})";
  std::string safetensors = std::string(1, char(header.size())) + std::string(7, '\0') + header + std::string(8, '\2');
  return {"\x80\x02}q\0(X\1\0\0\0aq\1K\1X\1\0\0\0bq\2]q\3(K\2G?\xf0\0\0\0\0\0\0eu."s,
          "\x80\x02" "ccollections\nOrderedDict\nq\0)Rq\1X\1\0\0\0wq\2K\5s."s,
          formats::writeTable({{"", "header"}, {"layer/bias", "one"}, {"layer/weights", std::string(300, 'w')}}),
          onnx(), graphDef(), safetensors};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  formats::readPickle(bytes);
  if (auto table = formats::readTable(bytes); table && !table->empty()) CHECK(formats::readTable(formats::writeTable(*table)));
  auto path = inputFile(bytes, "model");
  formats::inspectOnnx(path);
  formats::inspectGraphDef(path, {});
  formats::inspectSafetensors(path);
  formats::inspectPytorch(path);
  formats::inspectCheckpoint(inputFile(bytes, "model.ckpt.index"));
  return 0;
}
