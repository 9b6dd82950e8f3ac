#include "contract/yaml_variables.h"

#include <fmt/format.h>

namespace lectern::contract {

namespace {
constexpr int kMaxDepth = 16;
constexpr size_t kMaxExpansion = 1 << 20;
constexpr int kMaxEvaluations = 10'000;  // bounds lists that name each other, which grow by powers

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.remove_suffix(1);
  return text;
}

class Resolver {
 public:
  Resolver(const YamlNode& root, std::string_view file, const VariableSources& sources)
      : root_(root), file_(file), sources_(sources) {}

  Result<void> walk(YamlNode& node) {
    if (node.isScalar()) return scalar(node, 0);
    for (YamlNode& item : node.list) TRY_VOID(walk(item));
    for (auto& entry : node.map) TRY_VOID(walk(entry.second));
    return {};
  }

 private:
  Failure fault(const YamlNode& at, const std::string& message) const {
    return fail(Code::kInvalid, fmt::format("{}: {}", at.place(file_), message));
  }

  // Replaces inside one scalar; a value that is one variable alone may become a list or a map.
  Result<void> scalar(YamlNode& node, int depth) {
    if (depth > kMaxDepth) return fault(node, "variables refer to each other in a circle");
    size_t from = 0;
    while (true) {
      const size_t open = node.scalar.find("${", from);
      if (open == std::string::npos) return {};
      TRY(const size_t close, closing(node, open));
      const std::string inner = node.scalar.substr(open + 2, close - open - 2);
      if (inner.starts_with("AWS::")) {
        from = close + 1;
        continue;
      }
      TRY(YamlNode value, evaluate(node, inner, depth + 1));
      if (open == 0 && close + 1 == node.scalar.size()) {
        value.line = node.line;
        value.column = node.column;
        node = std::move(value);
        return node.isScalar() ? Result<void>() : nested(node, depth + 1);
      }
      if (!value.isScalar()) return fault(node, fmt::format("'${{{}}}' is not a text", inner));
      node.scalar.replace(open, close + 1 - open, value.scalar);
      expanded_ += value.scalar.size();
      if (expanded_ > kMaxExpansion) return fault(node, "variables expand to more than 1 MiB");
      from = open + value.scalar.size();
    }
  }

  Result<void> nested(YamlNode& node, int depth) {
    if (depth > kMaxDepth) return fault(node, "variables refer to each other in a circle");
    if (node.isScalar()) return scalar(node, depth);
    for (YamlNode& item : node.list) TRY_VOID(nested(item, depth + 1));
    for (auto& entry : node.map) TRY_VOID(nested(entry.second, depth + 1));
    return {};
  }

  Result<size_t> closing(const YamlNode& node, size_t open) const {
    int level = 0;
    for (size_t i = open; i < node.scalar.size(); ++i) {
      if (node.scalar.compare(i, 2, "${") == 0) ++level;
      if (node.scalar[i] == '}' && --level == 0) return i;
    }
    return fault(node, "'${' without '}'");
  }

  // The text between ${ and }: alternatives, separated by commas outside nested ${...}.
  Result<YamlNode> evaluate(const YamlNode& at, std::string_view inner, int depth) {
    if (++evaluations_ > kMaxEvaluations) return fault(at, "too many variables");
    int level = 0;
    size_t start = 0;
    for (size_t i = 0; i <= inner.size(); ++i) {
      if (i < inner.size()) {
        if (inner.substr(i, 2) == "${") ++level;
        if (inner[i] == '}') --level;
        if (inner[i] != ',' || level > 0) continue;
      }
      TRY(auto value, alternative(at, trimmed(inner.substr(start, i - start)), start > 0, depth));
      if (value) return std::move(*value);
      start = i + 1;
    }
    return fault(at, fmt::format("'${{{}}}' has no value", inner));
  }

  Result<std::optional<YamlNode>> alternative(const YamlNode& at, std::string_view text, bool is_default, int depth) {
    YamlNode out = at;
    out.kind = YamlNode::Kind::kScalar;
    out.quoted = false;
    if (text.starts_with("${")) {
      out.scalar = std::string(text);
      TRY_VOID(scalar(out, depth + 1));
      return out;
    }
    const size_t colon = text.find(':');
    const auto source = text.substr(0, colon == std::string_view::npos ? 0 : colon);
    const auto key = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    if (source == "self") return fromFile(key, depth);
    std::optional<std::string> value;
    if (source == "env") {
      if (sources_.environment) value = sources_.environment(std::string(key));
    } else if ((source == "opt" || source == "sls") && key == "stage") {
      value = sources_.stage;
    } else if (source == "aws" && key == "region") {
      value = sources_.region;
    } else if (source == "opt" || source == "param") {
      value = std::nullopt;
    } else if (is_default) {
      const bool in_quotes = text.size() >= 2 && (text.front() == '\'' || text.front() == '"') && text.back() == text.front();
      value = std::string(in_quotes ? text.substr(1, text.size() - 2) : text);
      out.quoted = in_quotes;
    } else {
      return fault(at, fmt::format("'${{{}}}': use self, env, opt:stage, sls:stage or aws:region", text));
    }
    if (!value) return std::nullopt;
    out.scalar = std::move(*value);
    return out;
  }

  Result<std::optional<YamlNode>> fromFile(std::string_view path, int depth) {
    const YamlNode* node = &root_;
    while (!path.empty()) {
      const size_t dot = path.find('.');
      node = node->find(path.substr(0, dot));
      if (node == nullptr) return std::nullopt;
      path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    }
    YamlNode copy = *node;
    TRY_VOID(nested(copy, depth + 1));
    return copy;
  }

  const YamlNode& root_;
  std::string_view file_;
  const VariableSources& sources_;
  size_t expanded_ = 0;
  int evaluations_ = 0;
};
}  // namespace

Result<void> resolveVariables(YamlNode& root, std::string_view file, const VariableSources& sources) {
  const YamlNode original = root;
  return Resolver(original, file, sources).walk(root);
}

}  // namespace lectern::contract
