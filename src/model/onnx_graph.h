#pragma once
// The graph of an ONNX model as nodes that can be replaced. Views point into the bytes given to parse().

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/formats/wire.h"

namespace lectern::model {

struct OnnxNode {
  std::string op, domain;
  std::vector<std::string> inputs, outputs;
  std::vector<std::string_view> attributes;  // each a whole field
  std::string_view raw;                      // the whole field; empty for new nodes
};

struct OnnxConstant {
  std::vector<int64_t> dims;
  uint64_t type = 0;  // 1 float32
  std::vector<float> floats;
  std::string_view raw;  // the whole field
};

struct OnnxGraph {
  std::vector<formats::Field> model_fields;  // all but the graph
  std::vector<formats::Field> other;         // the graph's fields but nodes, constants and value_info
  std::vector<OnnxNode> nodes;
  std::map<std::string, OnnxConstant> constants;
  std::set<std::string> inputs, outputs;
  int64_t opset = 0;  // version of the standard operators

  /// kInvalid for graphs inside of nodes, kCorrupt for damage. `bytes` must outlive the graph.
  static Result<OnnxGraph> parse(std::string_view bytes);
  /// How many nodes and graph outputs read a value.
  std::map<std::string, int> uses() const;
  /// The model with these nodes and constants. `more` are whole new TensorProto messages; constants nobody reads are
  /// left out. `extra_outputs` are float32 values that become outputs too.
  std::string write(const std::vector<OnnxNode>& new_nodes, const std::vector<std::string>& more = {},
                    const std::vector<std::string>& extra_outputs = {}) const;
};

/// A NodeProto of the node's parts; `raw` is not looked at.
std::string nodeProto(const OnnxNode& node);

/// A ValueInfoProto of a float32 tensor; without `dims` its shape stays open.
std::string portProto(const std::string& name, const std::vector<int64_t>& dims = {});

/// A TensorProto with its bytes in little-endian order.
std::string tensorProto(const std::string& name, uint64_t type, const std::vector<int64_t>& dims,
                        std::string_view bytes);

}  // namespace lectern::model
