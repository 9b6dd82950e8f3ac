// The read function: a file read, understood and put into the document database, in one invocation.
#include <cstdlib>
#include <optional>

#include "base/clock.h"
#include "base/json.h"
#include "functions/read/reading.h"
#include "reader/pipeline.h"
#include "sdk/lectern.h"

namespace {

std::string setting(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

}  // namespace

int main() {
  using namespace lectern;
  const RealClock clock;
  reader::ReaderOptions options;
  options.detector = setting("LECTERN_DETECTOR", options.detector.c_str());
  options.recognizer = setting("LECTERN_RECOGNIZER", options.recognizer.c_str());
  options.languages = setting("LECTERN_LANGUAGES", options.languages.c_str());
  auto reader = reader::Reader::create(options, clock);
  if (!reader) failInit("Reader.Init", reader.error().message);
  const functions::Places places{setting("LECTERN_OUTPUT", ""), setting("LECTERN_DATABASE", "")};
  const auto page = [&](const reader::Image& image, int number, std::optional<std::vector<reader::Word>> words,
                        std::vector<reader::StageTiming>& timings) -> Result<reader::Page> {
    if (words) return (*reader)->readTextLayer(image, number, std::move(*words), timings);
    return (*reader)->readPage(image, number, timings);
  };
  run([&](const std::string& event, const Context&) {
    return functions::readFiles(event, places, {page, (*reader)->models()});
  });
}
