// The tables function: ruled lines, frames, checkboxes and tables, from words and, when given, the page picture.
#include "reader/tables/tables.h"

#include "functions/handoff/handoff.h"
#include "reader/image/decode.h"
#include "reader/image/prepare.h"
#include "reader/tables/rules.h"
#include "sdk/lectern.h"

namespace {

void readTables(lectern::functions::Request& request) {
  using namespace lectern;
  std::unique_ptr<reader::ImageFile> file;
  if (!request.image.empty()) {
    auto opened = reader::ImageFile::open(request.image);
    if (!opened) throw FunctionError("Request.Invalid", opened.error().message);
    file = std::move(*opened);
  }
  for (auto& page : request.document.pages) {
    if (file && page.number <= file->pages()) {
      auto image = file->page(page.number);
      if (!image) throw FunctionError("Request.Invalid", image.error().message);
      // Boxes are pixels of the upright source; a huge scan that was decoded smaller has no rules in that measure, a
      // tilted page none that are level.
      if (image->source_scale == 1 && page.skew_degrees == 0) {
        reader::findRules(page, reader::turned(*image, (page.rotation - image->rotation) / 90));
      }
    }
    reader::findTables(page);
  }
  reader::assignIds(request.document);
}

}  // namespace

int main() {
  lectern::run([](const std::string& event, const lectern::Context&) {
    auto request = lectern::functions::readRequest(event);
    readTables(request);
    return lectern::functions::answer(request.document, request.output);
  });
}
