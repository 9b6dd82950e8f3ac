#include "model/formats/onnx_file.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <optional>
#include <set>

#include "model/formats/mapped_file.h"
#include "model/formats/wire.h"

namespace lectern::model::formats {

namespace {
constexpr int kMaxDepth = 16;  // of graphs inside attributes
constexpr int64_t kSmallestConstant = 64;  // bytes, of constants that are listed as tensors: below are shapes and axes

// Field numbers of onnx.proto.
enum Model : uint32_t { kGraph = 7, kDocString = 6, kTrainingInfo = 20 };
enum Graph : uint32_t { kNode = 1, kInitializer = 5, kGraphDoc = 10, kInput = 11, kOutput = 12, kValueInfo = 13 };

std::string dtypeName(uint64_t type) {
  constexpr std::array<std::string_view, 17> kNames = {
      "undefined", "float32", "uint8",   "int8",    "uint16", "int16",  "int32",     "int64",      "string",
      "bool",      "float16", "float64", "uint32",  "uint64", "complex64", "complex128", "bfloat16"};
  return type < kNames.size() ? std::string(kNames[type]) : fmt::format("type{}", type);
}

struct Tensor {
  TensorInfo info;
  bool external = false;
};

Result<Tensor> parseTensor(std::string_view message) {
  Tensor out;
  uint64_t type = 0;
  TRY_VOID(eachField(message, [&](const Field& f) -> Result<void> {
    if (f.number == 1 && f.wire == 0) out.info.shape.push_back(static_cast<int64_t>(f.value));
    if (f.number == 1 && f.wire == 2) {
      for (std::string_view packed = f.bytes; !packed.empty();) {
        TRY(const uint64_t dim, takeVarint(packed));
        out.info.shape.push_back(static_cast<int64_t>(dim));
      }
    }
    if (out.info.shape.size() > 64) return fail(Code::kCorrupt, "a tensor has more than 64 dimensions");
    if (f.number == 2) type = f.value;
    if (f.number == 8) out.info.name = std::string(f.bytes);
    if (f.number == 14) out.external = f.value == 1;
    if (f.number >= 4 && f.number <= 11 && f.number != 8) out.info.bytes += static_cast<int64_t>(f.bytes.size());
    return {};
  }));
  out.info.dtype = dtypeName(type);
  return out;
}

struct Node {
  std::string_view raw;
  std::string op, name;
  std::vector<std::string> inputs;  // those of graphs in its attributes too
  std::vector<std::string> outputs;
  std::optional<Tensor> constant;  // its value: some exporters keep all weights in such nodes
};

Result<void> parseNode(std::string_view message, Node& out, int depth);

Result<void> parseSubgraph(std::string_view graph, Node& out, int depth) {
  if (depth > kMaxDepth) return fail(Code::kCorrupt, "graphs are nested too deep");
  return eachField(graph, [&](const Field& f) -> Result<void> {
    if (f.number == kNode && f.wire == 2) {
      Node inner;
      TRY_VOID(parseNode(f.bytes, inner, depth + 1));
      out.inputs.insert(out.inputs.end(), inner.inputs.begin(), inner.inputs.end());
    }
    if (f.number == kOutput && f.wire == 2) {
      // An output of an inner graph may name a value of the outer one directly.
      return eachField(f.bytes, [&](const Field& value) -> Result<void> {
        if (value.number == 1) out.inputs.emplace_back(value.bytes);
        return {};
      });
    }
    return {};
  });
}

Result<void> parseNode(std::string_view message, Node& out, int depth) {
  return eachField(message, [&](const Field& f) -> Result<void> {
    if (f.wire != 2) return {};
    if (f.number == 1) out.inputs.emplace_back(f.bytes);
    if (f.number == 2) out.outputs.emplace_back(f.bytes);
    if (f.number == 3) out.name = std::string(f.bytes);
    if (f.number == 4) out.op = std::string(f.bytes);
    if (f.number != 5) return {};
    return eachField(f.bytes, [&](const Field& attribute) -> Result<void> {
      if ((attribute.number == 6 || attribute.number == 11) && attribute.wire == 2) {
        return parseSubgraph(attribute.bytes, out, depth + 1);
      }
      if (attribute.number == 5 && attribute.wire == 2) {
        TRY(out.constant, parseTensor(attribute.bytes));
      }
      return {};
    });
  });
}

Result<std::string> valueName(std::string_view message) {
  std::string name;
  TRY_VOID(eachField(message, [&](const Field& f) -> Result<void> {
    if (f.number == 1 && f.wire == 2) name = std::string(f.bytes);
    return {};
  }));
  return name;
}

struct Parsed {
  std::string_view graph;
  std::vector<Field> fields;  // of the model, in file order
  std::vector<Node> nodes;
  std::vector<Tensor> initializers;
  std::vector<std::string> outputs;
  std::set<std::string> live;  // values that some output needs
  std::vector<bool> node_live;
};

Result<void> parseGraph(Parsed& out) {
  return eachField(out.graph, [&](const Field& f) -> Result<void> {
    if (f.wire != 2) return {};
    if (f.number == kNode) {
      Node node;
      node.raw = f.raw;
      TRY_VOID(parseNode(f.bytes, node, 0));
      out.nodes.push_back(std::move(node));
    }
    if (f.number == kInitializer) {
      TRY(auto tensor, parseTensor(f.bytes));
      out.initializers.push_back(std::move(tensor));
    }
    if (f.number == kOutput) {
      TRY(auto name, valueName(f.bytes));
      out.outputs.push_back(std::move(name));
    }
    return {};
  });
}

// Nodes are in the order of execution, so one pass from the end finds all that outputs need.
void markLive(Parsed& p) {
  p.live.insert(p.outputs.begin(), p.outputs.end());
  p.node_live.assign(p.nodes.size(), false);
  for (size_t i = p.nodes.size(); i-- > 0;) {
    for (const auto& output : p.nodes[i].outputs) {
      if (!output.empty() && p.live.contains(output)) p.node_live[i] = true;
    }
    if (p.node_live[i]) p.live.insert(p.nodes[i].inputs.begin(), p.nodes[i].inputs.end());
  }
}

Result<Parsed> parseModel(std::string_view file) {
  Parsed out;
  TRY_VOID(eachField(file, [&](const Field& f) -> Result<void> {
    if (f.number == kGraph && f.wire == 2) out.graph = f.bytes;
    out.fields.push_back(f);
    if (out.fields.size() > 100'000) return fail(Code::kCorrupt, "this is no ONNX model");
    return {};
  }));
  if (out.graph.empty()) return fail(Code::kCorrupt, "this is no ONNX model: it has no graph");
  TRY_VOID(parseGraph(out));
  if (out.outputs.empty()) return fail(Code::kCorrupt, "the graph has no output");
  markLive(out);
  return out;
}

Result<std::string> slimGraph(const Parsed& p, SlimReport& report) {
  std::string out;
  out.reserve(p.graph.size());
  size_t node = 0, initializer = 0;
  std::set<std::string> dropped;
  for (const auto& tensor : p.initializers) {
    if (!p.live.contains(tensor.info.name)) dropped.insert(tensor.info.name);
  }
  TRY_VOID(eachField(p.graph, [&](const Field& f) -> Result<void> {
    if (f.wire == 2 && f.number == kNode) {
      const size_t i = node++;
      if (p.node_live[i]) {
        out.append(f.raw);
      } else {
        const Node& n = p.nodes[i];
        const auto& name = n.name.empty() && !n.outputs.empty() ? n.outputs[0] : n.name;
        report.dropped.push_back({name, static_cast<int64_t>(f.raw.size()), Role::kUnused});
      }
      return {};
    }
    if (f.wire == 2 && f.number == kInitializer) {
      const auto& info = p.initializers[initializer++].info;
      if (!dropped.contains(info.name)) {
        out.append(f.raw);
      } else {
        report.dropped.push_back({info.name, info.bytes, Role::kUnused});
      }
      return {};
    }
    if (f.wire == 2 && (f.number == kValueInfo || f.number == kInput)) {
      TRY(const auto name, valueName(f.bytes));
      if (f.number == kInput ? dropped.contains(name) : !p.live.contains(name)) return {};
    }
    if (f.number != kGraphDoc) out.append(f.raw);
    return {};
  }));
  return out;
}
}  // namespace

Result<FileReport> inspectOnnx(const std::filesystem::path& file) {
  TRY(const auto mapped, MappedFile::open(file));
  TRY(const auto parsed, parseModel(mapped.bytes()));
  FileReport out;
  out.format = "onnx";
  out.file_bytes = static_cast<int64_t>(mapped.bytes().size());
  for (const auto& tensor : parsed.initializers) {
    out.tensors.push_back(tensor.info);
    if (!parsed.live.contains(tensor.info.name)) out.tensors.back().role = Role::kUnused;
  }
  for (size_t i = 0; i < parsed.nodes.size(); ++i) {
    const Node& node = parsed.nodes[i];
    if (node.op == "Constant" && node.constant && node.constant->info.bytes >= kSmallestConstant && !node.outputs.empty()) {
      out.tensors.push_back(node.constant->info);
      out.tensors.back().name = node.outputs[0];
      if (!parsed.node_live[i]) out.tensors.back().role = Role::kUnused;
    }
    ++(parsed.node_live[i] ? out.operators : out.training_operators)[parsed.nodes[i].op];
  }
  return out;
}

Result<SlimReport> slimOnnx(const std::filesystem::path& file, const std::filesystem::path& out_file) {
  TRY(const auto mapped, MappedFile::open(file));
  TRY(const auto parsed, parseModel(mapped.bytes()));
  for (const auto& tensor : parsed.initializers) {
    if (tensor.external) return fail(Code::kInvalid, "the weights are in another file; only models in one file can be slimmed");
  }
  SlimReport report;
  report.before_bytes = static_cast<int64_t>(mapped.bytes().size());
  TRY(const auto graph, slimGraph(parsed, report));
  TRY(auto writer, PieceWriter::create(out_file));
  for (const Field& f : parsed.fields) {
    if (f.number == kDocString || f.number == kTrainingInfo) {
      if (f.number == kTrainingInfo) {
        report.dropped.push_back({"training_info", static_cast<int64_t>(f.raw.size()), Role::kTraining});
      }
    } else if (f.number == kGraph && f.wire == 2) {
      std::string head;
      putHead(head, kGraph, graph.size());
      TRY_VOID(writer.write(head));
      TRY_VOID(writer.write(graph));
    } else {
      TRY_VOID(writer.write(f.raw));
    }
  }
  report.after_bytes = writer.written();
  TRY_VOID(writer.commit());
  return report;
}

}  // namespace lectern::model::formats
