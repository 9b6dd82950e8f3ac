// The ocr function: words, lines, blocks and structure of one page image.
#include <optional>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/scratch.h"
#include "functions/environment.h"
#include "functions/or_throw.h"
#include "reader/image/decode.h"
#include "reader/output/json.h"
#include "reader/pipeline.h"
#include "sdk/lectern.h"

namespace {

using namespace lectern;
using functions::orThrow;

reader::Image imageOf(const json::object& event, std::vector<reader::StageTiming>& timings, const Clock& clock) {
  const SteadyTime start = clock.now();
  std::filesystem::path path = stringOr(event, "image", "");
  std::optional<TempDir> folder;
  if (path.empty()) {
    const std::string bytes = orThrow(base64Decode(stringOr(event, "image_base64", "")), "Request.Invalid");
    if (bytes.empty()) throw FunctionError("Request.Invalid", "the event needs \"image\" or \"image_base64\"");
    folder.emplace(orThrow(TempDir::create(), "Image.Unreadable"));
    path = folder->path() / std::filesystem::path(stringOr(event, "name", "image")).filename();
    if (auto written = writeScratch(path, bytes); !written) {
      throw FunctionError("Image.Unreadable", written.error().message);
    }
  }
  const auto file = orThrow(reader::ImageFile::open(path), "Image.Unreadable");
  auto image = orThrow(file->page(static_cast<int>(intOr(event, "page", 1))), "Image.Unreadable");
  timings.push_back({"decode", static_cast<double>((clock.now() - start).count()) / 1e6});
  return image;
}

std::vector<reader::Word> wordsOf(const std::string& path) {
  const auto text = orThrow(readFile(path, mebibytes(64)), "Request.Invalid");
  const auto value = orThrow(parseJson(text), "Request.Invalid");
  return orThrow(reader::wordsFromJson(value), "Request.Invalid");
}

std::string answer(const json::object& event, reader::Page page, const std::vector<reader::StageTiming>& timings,
                   const reader::Reader& reader) {
  // Ids are local to the page here; the document's are given when its pages come together.
  reader::Document document;
  document.pages.push_back(std::move(page));
  reader::assignIds(document);
  json::value page_json = reader::pageToJson(document.pages[0]);
  json::object models, times;
  for (const auto& m : reader.models()) models[m.role] = json::object{{"name", m.name}, {"sha256", m.sha256}};
  for (const auto& t : timings) times[t.stage] = t.millis;
  json::object out{{"page", nullptr}, {"output", nullptr}, {"words", document.pages[0].words.size()}};
  const std::string output = stringOr(event, "output", "");
  if (output.empty()) {
    out["page"] = std::move(page_json);
  } else {
    if (auto written = writeScratch(output, toJson(page_json)); !written) {
      throw FunctionError("Output.Failed", written.error().message);
    }
    out["output"] = output;
  }
  out["models"] = std::move(models);
  out["timings"] = std::move(times);
  return toJson(out);
}

/// One page of an event.
std::string readOne(const json::value& value, const reader::Reader& reader, const Clock& clock) {
  if (!value.is_object()) throw FunctionError("Request.Invalid", "the event is no JSON object");
  const auto& event = value.get_object();
  std::vector<reader::StageTiming> timings;
  const auto image = imageOf(event, timings, clock);
  const int number = static_cast<int>(intOr(event, "number", intOr(event, "page", 1)));
  const std::string words = stringOr(event, "text", "");
  if (!words.empty()) {
    return answer(event, reader.readTextLayer(image, number, wordsOf(words), timings), timings, reader);
  }
  if (const auto* known = event.if_contains("words"); known != nullptr) {
    auto list = orThrow(reader::wordsFromJson(*known), "Request.Invalid");
    return answer(event, reader.readTextLayer(image, number, std::move(list), timings), timings, reader);
  }
  return answer(event, orThrow(reader.readPage(image, number, timings), "Image.Unreadable"), timings, reader);
}

/// {"items":[event, ...]} is answered by {"items":[answer, ...]}: a batch in one call.
std::string readAll(const json::array& items, const reader::Reader& reader, const Clock& clock) {
  std::string out = "{\"items\":[";
  for (size_t n = 0; n < items.size(); ++n) {
    if (n > 0) out += ',';
    out += readOne(items[n], reader, clock);
  }
  return out + "]}";
}

}  // namespace

int main() {
  const RealClock clock;
  auto reader = reader::Reader::create(functions::readerOptions(), clock);
  if (!reader) failInit("Reader.Init", reader.error().message);
  run([&](const std::string& text, const Context&) {
    const auto value = orThrow(parseJson(text), "Request.Invalid");
    const auto* object = value.if_object();
    const json::value* items = object != nullptr ? object->if_contains("items") : nullptr;
    if (items == nullptr) return readOne(value, **reader, clock);
    if (!items->is_array()) throw FunctionError("Request.Invalid", "\"items\" is no list");
    return readAll(items->get_array(), **reader, clock);
  });
}
