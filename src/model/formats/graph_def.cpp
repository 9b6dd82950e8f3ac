#include "model/formats/graph_def.h"

#include <fmt/format.h>

#include <deque>
#include <unordered_map>

#include "model/formats/mapped_file.h"
#include "model/formats/roles.h"
#include "model/formats/wire.h"

namespace lectern::model::formats {

namespace {
struct Node {
  std::string_view raw;
  std::string name, op;
  std::vector<std::string> inputs;  // names of nodes
  int64_t tensor_bytes = 0;         // of a constant's value
  std::vector<int64_t> shape;
  bool live = false;
};

// "^control" and "node:1" name the node before anything else.
std::string nodeOf(std::string_view input) {
  if (input.starts_with("^")) input.remove_prefix(1);
  return std::string(input.substr(0, input.find(':')));
}

Result<void> parseConstant(std::string_view attribute, Node& node) {
  std::string_view value;
  std::string key;
  TRY_VOID(eachField(attribute, [&](const Field& f) -> Result<void> {
    if (f.number == 1 && f.wire == 2) key = std::string(f.bytes);
    if (f.number == 2 && f.wire == 2) value = f.bytes;
    return {};
  }));
  if (key != "value") return {};
  return eachField(value, [&](const Field& f) -> Result<void> {
    if (f.number != 8 || f.wire != 2) return {};
    node.tensor_bytes = static_cast<int64_t>(f.bytes.size());
    return eachField(f.bytes, [&](const Field& tensor) -> Result<void> {
      if (tensor.number != 2 || tensor.wire != 2) return {};
      return eachField(tensor.bytes, [&](const Field& dim) -> Result<void> {
        if (dim.number != 2 || dim.wire != 2 || node.shape.size() >= 32) return {};
        node.shape.push_back(0);
        return eachField(dim.bytes, [&](const Field& size) -> Result<void> {
          if (size.number == 1) node.shape.back() = static_cast<int64_t>(size.value);
          return {};
        });
      });
    });
  });
}

Result<Node> parseNode(const Field& field) {
  Node node;
  node.raw = field.raw;
  TRY_VOID(eachField(field.bytes, [&](const Field& f) -> Result<void> {
    if (f.wire != 2) return {};
    if (f.number == 1) node.name = std::string(f.bytes);
    if (f.number == 2) node.op = std::string(f.bytes);
    if (f.number == 3) node.inputs.push_back(nodeOf(f.bytes));
    if (f.number == 5) return parseConstant(f.bytes, node);
    return {};
  }));
  if (node.name.empty() || node.op.empty()) return fail(Code::kCorrupt, "this is no TensorFlow graph");
  return node;
}

class Graph {
 public:
  static Result<Graph> parse(std::string_view file, const std::vector<std::string>& outputs) {
    Graph graph;
    TRY_VOID(eachField(file, [&](const Field& f) -> Result<void> {
      if (f.number == 1 && f.wire == 2) {
        TRY(auto node, parseNode(f));
        graph.index_.emplace(node.name, graph.nodes.size());
        graph.nodes.push_back(std::move(node));
      } else if (f.number <= 4) {
        graph.rest.push_back(f.raw);
      } else {
        return fail(Code::kCorrupt, "this is no TensorFlow graph");
      }
      return {};
    }));
    if (graph.nodes.empty()) return fail(Code::kCorrupt, "this is no TensorFlow graph: it has no nodes");
    TRY_VOID(graph.markLive(outputs));
    return graph;
  }

  std::vector<Node> nodes;
  std::vector<std::string_view> rest;  // versions and functions

 private:
  Result<void> markLive(const std::vector<std::string>& outputs) {
    std::deque<size_t> queue;
    if (outputs.empty()) {
      queue = sinks();
    } else {
      for (const auto& name : outputs) {
        const auto found = index_.find(nodeOf(name));
        if (found == index_.end()) return fail(Code::kNotFound, fmt::format("the graph has no node '{}'", name));
        queue.push_back(found->second);
      }
    }
    if (queue.empty()) return fail(Code::kInvalid, "the graph has no output of its own; name it with --output");
    while (!queue.empty()) {
      Node& node = nodes[queue.front()];
      queue.pop_front();
      if (node.live) continue;
      node.live = true;
      for (const auto& input : node.inputs) {
        if (const auto found = index_.find(input); found != index_.end()) queue.push_back(found->second);
      }
    }
    return {};
  }

  static bool isTraining(const Node& node) {
    const auto& name = node.name;
    return isTrainingOperator(node.op) || name.starts_with("gradients/") || name.starts_with("gradients_") ||
           name.starts_with("save/") || name.find("/Initializer/") != std::string::npos;
  }

  static bool isConstant(const Node& node) {
    return node.op == "Const" || node.op.starts_with("Variable") || node.op == "VarHandleOp" || node.op == "Placeholder";
  }

  // Nodes that nobody reads, after those of training are taken away one layer after another.
  std::deque<size_t> sinks() const {
    std::vector<int> readers(nodes.size(), 0);
    for (const Node& node : nodes) {
      for (const auto& input : node.inputs) {
        if (const auto found = index_.find(input); found != index_.end()) ++readers[found->second];
      }
    }
    std::deque<size_t> open, out;
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (readers[i] == 0) open.push_back(i);
    }
    std::vector<bool> below_training(nodes.size(), false);
    while (!open.empty()) {
      const size_t i = open.front();
      open.pop_front();
      if (!isTraining(nodes[i])) {
        // What only training read is a real output only when it computes something from an input.
        if (!isConstant(nodes[i]) && !(below_training[i] && !reachesInput(i))) out.push_back(i);
        continue;
      }
      for (const auto& input : nodes[i].inputs) {
        const auto found = index_.find(input);
        if (found == index_.end()) continue;
        below_training[found->second] = true;
        if (--readers[found->second] == 0) open.push_back(found->second);
      }
    }
    return out;
  }

  bool reachesInput(size_t start) const {
    std::vector<size_t> open{start};
    std::vector<bool> seen(nodes.size(), false);
    while (!open.empty()) {
      const size_t i = open.back();
      open.pop_back();
      if (seen[i]) continue;
      seen[i] = true;
      if (nodes[i].op == "Placeholder" || nodes[i].op == "PlaceholderWithDefault") return true;
      for (const auto& input : nodes[i].inputs) {
        if (const auto found = index_.find(input); found != index_.end()) open.push_back(found->second);
      }
    }
    return false;
  }

  std::unordered_map<std::string, size_t> index_;
};

Role roleOf(const Graph& graph, const Node& node) {
  if (node.live) return Role::kWeight;
  const auto role = roleOfVariable(node.name, [&](const std::string& name) {
    for (const Node& other : graph.nodes) {
      if (other.name == name) return true;
    }
    return false;
  });
  if (role.role != Role::kWeight) return role.role;
  return isTrainingOperator(node.op) ? Role::kTraining : Role::kUnused;
}
}  // namespace

Result<FileReport> inspectGraphDef(const std::filesystem::path& file, const std::vector<std::string>& outputs) {
  TRY(const auto mapped, MappedFile::open(file));
  TRY(const auto graph, Graph::parse(mapped.bytes(), outputs));
  FileReport out;
  out.format = "tensorflow-graph";
  out.file_bytes = static_cast<int64_t>(mapped.bytes().size());
  for (const Node& node : graph.nodes) {
    ++(node.live ? out.operators : out.training_operators)[node.op];
    if (node.tensor_bytes > 0) {
      out.tensors.push_back({node.name, "const", node.shape, node.tensor_bytes, roleOf(graph, node)});
    }
  }
  return out;
}

Result<SlimReport> slimGraphDef(const std::filesystem::path& file, const std::filesystem::path& out_file,
                                const SlimOptions& options) {
  TRY(const auto mapped, MappedFile::open(file));
  TRY(const auto graph, Graph::parse(mapped.bytes(), options.outputs));
  SlimReport report;
  report.before_bytes = static_cast<int64_t>(mapped.bytes().size());
  TRY(auto writer, PieceWriter::create(out_file));
  for (const Node& node : graph.nodes) {
    if (node.live) {
      TRY_VOID(writer.write(node.raw));
    } else {
      report.dropped.push_back({node.name, static_cast<int64_t>(node.raw.size()), roleOf(graph, node)});
    }
  }
  for (const auto raw : graph.rest) TRY_VOID(writer.write(raw));
  report.after_bytes = writer.written();
  TRY_VOID(writer.commit());
  return report;
}

}  // namespace lectern::model::formats
