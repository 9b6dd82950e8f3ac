#include "model/onnx_graph.h"

#include <cstring>

namespace lectern::model {

using formats::eachField;
using formats::Field;

namespace {
// Field numbers of onnx.proto.
constexpr uint32_t kGraph = 7, kOpset = 8;
constexpr uint32_t kNode = 1, kInitializer = 5, kInput = 11, kOutput = 12, kValueInfo = 13;

Result<OnnxNode> parseNode(const Field& field) {
  OnnxNode node;
  node.raw = field.raw;
  TRY_VOID(eachField(field.bytes, [&](const Field& f) -> Result<void> {
    if (f.wire != 2) return {};
    if (f.number == 1) node.inputs.emplace_back(f.bytes);
    if (f.number == 2) node.outputs.emplace_back(f.bytes);
    if (f.number == 4) node.op = f.bytes;
    if (f.number == 7) node.domain = f.bytes;
    if (f.number != 5) return {};
    node.attributes.push_back(f.raw);
    return eachField(f.bytes, [](const Field& a) -> Result<void> {
      if (a.wire == 2 && (a.number == 6 || a.number == 11)) {
        return fail(Code::kInvalid, "models with graphs inside of nodes (If, Loop) cannot be quantised");
      }
      return {};
    });
  }));
  if (node.domain == "ai.onnx") node.domain.clear();
  return node;
}

Result<void> takeFloats(std::string_view bytes, std::vector<float>& out) {
  if (bytes.size() % 4 != 0) return fail(Code::kCorrupt, "a tensor has half a number");
  const size_t at = out.size();
  out.resize(at + bytes.size() / 4);
  if (!bytes.empty()) std::memcpy(out.data() + at, bytes.data(), bytes.size());
  return {};
}

Result<void> parseConstant(const Field& field, std::map<std::string, OnnxConstant>& out) {
  OnnxConstant c;
  c.raw = field.raw;
  std::string name;
  TRY_VOID(eachField(field.bytes, [&](const Field& f) -> Result<void> {
    if (f.number == 1 && f.wire == 0) c.dims.push_back(static_cast<int64_t>(f.value));
    if (f.number == 1 && f.wire == 2) {
      for (std::string_view packed = f.bytes; !packed.empty();) {
        TRY(const uint64_t dim, formats::takeVarint(packed));
        c.dims.push_back(static_cast<int64_t>(dim));
      }
    }
    if (f.number == 2) c.type = f.value;
    if (f.number == 8) name = f.bytes;
    if (f.number == 4 && f.wire == 5) {
      float one = 0;
      std::memcpy(&one, &f.value, 4);
      c.floats.push_back(one);
    }
    if ((f.number == 4 || f.number == 9) && f.wire == 2 && c.type <= 1) return takeFloats(f.bytes, c.floats);
    return {};
  }));
  int64_t elements = 1;
  for (const int64_t d : c.dims) {
    if (d < 0 || __builtin_mul_overflow(elements, d, &elements)) return fail(Code::kCorrupt, name + " has no size");
  }
  if (c.type != 1 || static_cast<int64_t>(c.floats.size()) != elements) c.floats.clear();
  out[name] = std::move(c);
  return {};
}

std::string_view nameOf(std::string_view value_info) {
  std::string_view name;
  (void)eachField(value_info, [&](const Field& f) -> Result<void> {
    if (f.number == 1 && f.wire == 2) name = f.bytes;
    return {};
  });
  return name;
}

Result<void> readOpset(std::string_view message, int64_t& standard) {
  std::string_view domain;
  int64_t version = 0;
  TRY_VOID(eachField(message, [&](const Field& f) -> Result<void> {
    if (f.number == 1 && f.wire == 2) domain = f.bytes;
    if (f.number == 2) version = static_cast<int64_t>(f.value);
    return {};
  }));
  if (domain.empty() || domain == "ai.onnx") standard = version;
  return {};
}
}  // namespace

Result<OnnxGraph> OnnxGraph::parse(std::string_view bytes) {
  OnnxGraph out;
  std::string_view graph;
  TRY_VOID(eachField(bytes, [&](const Field& f) -> Result<void> {
    if (f.number == kGraph && f.wire == 2) {
      graph = f.bytes;
    } else {
      out.model_fields.push_back(f);
      if (f.number == kOpset && f.wire == 2) return readOpset(f.bytes, out.opset);
    }
    return {};
  }));
  TRY_VOID(eachField(graph, [&](const Field& f) -> Result<void> {
    if (f.number == kNode && f.wire == 2) {
      TRY(auto node, parseNode(f));
      out.nodes.push_back(std::move(node));
    } else if (f.number == kInitializer && f.wire == 2) {
      return parseConstant(f, out.constants);
    } else if (f.number != kValueInfo) {
      if (f.number == kInput && f.wire == 2) out.inputs.emplace(nameOf(f.bytes));
      if (f.number == kOutput && f.wire == 2) out.outputs.emplace(nameOf(f.bytes));
      out.other.push_back(f);
    }
    return {};
  }));
  if (out.nodes.empty() || out.outputs.empty()) return fail(Code::kCorrupt, "this is no ONNX model: it has no graph");
  return out;
}

std::map<std::string, int> OnnxGraph::uses() const {
  std::map<std::string, int> out;
  for (const auto& node : nodes) {
    for (const auto& input : node.inputs) ++out[input];
  }
  for (const auto& output : outputs) ++out[output];
  return out;
}

std::string OnnxGraph::write(const std::vector<OnnxNode>& new_nodes, const std::vector<std::string>& more,
                             const std::vector<std::string>& extra_outputs) const {
  std::string graph, model;
  std::set<std::string> read(outputs.begin(), outputs.end());
  bool microsoft = false, imported = false;
  for (const auto& node : new_nodes) {
    read.insert(node.inputs.begin(), node.inputs.end());
    microsoft = microsoft || node.domain == "com.microsoft";
    if (node.raw.empty()) {
      formats::putBytes(graph, kNode, nodeProto(node));
    } else {
      graph.append(node.raw);
    }
  }
  for (const auto& [name, constant] : constants) {
    if (read.contains(name)) graph.append(constant.raw);
  }
  for (const auto& tensor : more) formats::putBytes(graph, kInitializer, tensor);
  for (const Field& f : other) graph.append(f.raw);
  for (const auto& name : extra_outputs) formats::putBytes(graph, kOutput, portProto(name));
  for (const Field& f : model_fields) {
    if (f.number == kOpset && nameOf(f.bytes) == "com.microsoft") imported = true;
    model.append(f.raw);
  }
  if (microsoft && !imported) {
    std::string opset;
    formats::putBytes(opset, 1, "com.microsoft");
    formats::putInt(opset, 2, 1);
    formats::putBytes(model, kOpset, opset);
  }
  formats::putBytes(model, kGraph, graph);
  return model;
}

std::string nodeProto(const OnnxNode& node) {
  std::string body;
  for (const auto& name : node.inputs) formats::putBytes(body, 1, name);
  for (const auto& name : node.outputs) formats::putBytes(body, 2, name);
  formats::putBytes(body, 4, node.op);
  for (const auto attribute : node.attributes) body.append(attribute);
  if (!node.domain.empty()) formats::putBytes(body, 7, node.domain);
  return body;
}

std::string portProto(const std::string& name, const std::vector<int64_t>& dims) {
  std::string shape, tensor, type, info;
  for (const int64_t d : dims) {
    std::string dim;
    formats::putInt(dim, 1, static_cast<uint64_t>(d));
    formats::putBytes(shape, 1, dim);
  }
  formats::putInt(tensor, 1, 1);
  if (!dims.empty()) formats::putBytes(tensor, 2, shape);
  formats::putBytes(type, 1, tensor);
  formats::putBytes(info, 1, name);
  formats::putBytes(info, 2, type);
  return info;
}

std::string tensorProto(const std::string& name, uint64_t type, const std::vector<int64_t>& dims,
                        std::string_view bytes) {
  std::string out;
  for (const int64_t d : dims) formats::putInt(out, 1, static_cast<uint64_t>(d));
  formats::putInt(out, 2, type);
  formats::putBytes(out, 8, name);
  formats::putBytes(out, 9, bytes);
  return out;
}

}  // namespace lectern::model
