// Serves an ONNX classifier of the model store. MODEL names it; an event {"values":[numbers]} of the input's size is
// answered with {"class","label","score","scores"}. Works as it is with snapStart: weights are mapped before the snapshot,
// threads are made after the restore.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/json.h"
#include "model/model.h"
#include "sdk/lectern.h"

namespace {
using lectern::FunctionError;
using lectern::model::Model;

/// The input's shape with one picture a run where the model leaves the number open.
std::vector<int64_t> inputShape(const Model& model) {
  std::vector<int64_t> shape = model.inputs()[0].shape;
  if (!shape.empty() && shape[0] < 0) shape[0] = 1;
  for (const int64_t side : shape) {
    if (side <= 0) throw FunctionError("Classifier.Model", "the model leaves the size of its input open");
  }
  return shape;
}

std::vector<float> valuesOf(const std::string& event, const std::vector<int64_t>& shape) {
  auto parsed = lectern::parseJson(event);
  const auto* object = parsed ? parsed->if_object() : nullptr;
  const auto* values = object ? object->if_contains("values") : nullptr;
  if (values == nullptr || !values->is_array()) throw FunctionError("Classifier.Event", "the event has no list \"values\"");
  std::vector<float> out;
  for (const auto& value : values->as_array()) {
    if (!value.is_number()) throw FunctionError("Classifier.Event", "\"values\" holds something that is no number");
    out.push_back(static_cast<float>(value.to_number<double>()));
  }
  const int64_t wanted = lectern::model::Tensor{shape, {}}.elements();
  if (static_cast<int64_t>(out.size()) != wanted) {
    throw FunctionError("Classifier.Event", "the model takes " + std::to_string(wanted) + " values, the event has " +
                                                std::to_string(out.size()));
  }
  return out;
}

/// The n-th line of the model's metadata "labels"; the number itself without.
std::string labelOf(const Model& model, size_t n) {
  std::string labels = model.metadata("labels");
  size_t from = 0;
  for (size_t i = 0; i < n && from != std::string::npos; ++i) {
    from = labels.find('\n', from);
    if (from != std::string::npos) ++from;
  }
  if (labels.empty() || from == std::string::npos) return std::to_string(n);
  return labels.substr(from, labels.find('\n', from) - from);
}
}  // namespace

int main() {
  const char* name = std::getenv("MODEL");
  if (name == nullptr) lectern::failInit("Classifier.Environment", "MODEL must name a model of the store");
  auto loaded = Model::load(name);
  if (!loaded) lectern::failInit("Classifier.Model", loaded.error().message);
  Model& model = **loaded;
  const std::vector<int64_t> shape = inputShape(model);
  if (auto warm = model.warmUp(shape); !warm) lectern::failInit("Classifier.Model", warm.error().message);
  const auto useShare = [&model] {
    if (auto done = model.setThreads(lectern::model::threadsOfShare()); !done) {
      throw FunctionError("Classifier.Model", done.error().message);
    }
  };
  // A template has one thread; what is copied from it makes its own.
  if (lectern::isTemplate()) {
    lectern::onAfterRestore(useShare);
  } else {
    useShare();
  }
  lectern::run([&](std::string event, const lectern::Context&) {
    auto output = model.run(valuesOf(event, shape), shape);
    if (!output) throw FunctionError("Classifier.Run", output.error().message);
    const auto& scores = output->data;
    if (scores.empty()) throw FunctionError("Classifier.Run", "the model answered nothing");
    const auto best = static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
    return lectern::toJson(lectern::json::object{{"class", best},
                                                 {"label", labelOf(model, best)},
                                                 {"score", scores[best]},
                                                 {"scores", lectern::json::value_from(scores)}});
  });
}
