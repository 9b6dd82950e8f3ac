#include "model/formats/object_graph.h"

#include <deque>
#include <vector>

#include "model/formats/wire.h"

namespace lectern::model::formats {

namespace {
// A TrackableObject of trackable_object_graph.proto.
struct Object {
  std::vector<std::pair<uint64_t, std::string>> children;  // number and local name
  std::vector<std::string> keys;
  bool optimizer = false;
  bool reached = false;
};

Result<Object> parseObject(std::string_view message) {
  Object out;
  bool iterations = false, rate = false;
  TRY_VOID(eachField(message, [&](const Field& f) -> Result<void> {
    if (f.wire != 2) return {};
    if (f.number == 3) out.optimizer = true;  // it has slots
    if (f.number == 1) {
      std::pair<uint64_t, std::string> child;
      TRY_VOID(eachField(f.bytes, [&](const Field& part) -> Result<void> {
        if (part.number == 1 && part.wire == 0) child.first = part.value;
        if (part.number == 2 && part.wire == 2) child.second = std::string(part.bytes);
        return {};
      }));
      iterations |= child.second == "_iterations" || child.second == "iter";
      rate |= child.second == "_learning_rate" || child.second == "learning_rate";
      out.children.push_back(std::move(child));
    }
    if (f.number == 2) {
      TRY_VOID(eachField(f.bytes, [&](const Field& part) -> Result<void> {
        if (part.number == 3 && part.wire == 2) out.keys.emplace_back(part.bytes);
        return {};
      }));
    }
    return {};
  }));
  out.optimizer |= iterations && rate;
  return out;
}

Result<std::vector<Object>> parseGraph(std::string_view message) {
  std::vector<Object> out;
  TRY_VOID(eachField(message, [&](const Field& f) -> Result<void> {
    if (f.number != 1 || f.wire != 2) return {};
    TRY(auto object, parseObject(f.bytes));
    out.push_back(std::move(object));
    return {};
  }));
  for (const Object& object : out) {
    for (const auto& [child, name] : object.children) {
      if (child >= out.size()) return fail(Code::kCorrupt, "the checkpoint's graph of objects names one that is not there");
    }
  }
  return out;
}

bool leadsToOptimizer(std::string_view name) {
  return name.ends_with("optimizer") || name.ends_with("optimizers");
}
}  // namespace

Result<std::map<std::string, Role, std::less<>>> rolesOfObjects(std::string_view tensor) {
  // A string tensor of one element: its length, a checksum of the length, the string.
  TRY(const uint64_t length, takeVarint(tensor));
  if (tensor.size() < 4 || tensor.size() - 4 != length) {
    return fail(Code::kCorrupt, "the checkpoint's graph of objects is cut short");
  }
  TRY(auto objects, parseGraph(tensor.substr(4)));
  std::deque<size_t> open;
  if (!objects.empty()) open.push_back(0);
  while (!open.empty()) {
    Object& object = objects[open.front()];
    open.pop_front();
    if (object.reached || object.optimizer) continue;
    object.reached = true;
    for (const auto& [child, name] : object.children) {
      if (!leadsToOptimizer(name)) open.push_back(child);
    }
  }
  std::map<std::string, Role, std::less<>> roles;
  for (const Object& object : objects) {
    for (const auto& key : object.keys) {
      roles[key] = object.reached ? Role::kWeight : Role::kOptimizer;  // save_counter too: restoring asks for it
    }
  }
  return roles;
}

}  // namespace lectern::model::formats
