// The read function: a file read, understood and put into the document database, in one invocation.
#include <optional>

#include "base/clock.h"
#include "base/json.h"
#include "functions/environment.h"
#include "functions/read/reading.h"
#include "reader/pipeline.h"
#include "sdk/lectern.h"

int main() {
  using namespace lectern;
  const RealClock clock;
  auto reader = reader::Reader::create(functions::readerOptions(), clock);
  if (!reader) failInit("Reader.Init", reader.error().message);
  const functions::Places places{functions::setting("LECTERN_OUTPUT", ""), functions::setting("LECTERN_DATABASE", "")};
  const auto page = [&](const reader::Image& image, int number, std::optional<std::vector<reader::Word>> words,
                        std::vector<reader::StageTiming>& timings) -> Result<reader::Page> {
    if (words) return (*reader)->readTextLayer(image, number, std::move(*words), timings);
    return (*reader)->readPage(image, number, timings);
  };
  run([&](const std::string& event, const Context&) {
    return functions::readFiles(event, places, {page, (*reader)->models()});
  });
}
