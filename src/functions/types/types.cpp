// The types function: typed values of a document whose words are known.
#include "functions/handoff/handoff.h"
#include "reader/values/values.h"
#include "sdk/lectern.h"

int main() {
  lectern::run([](const std::string& event, const lectern::Context&) {
    auto request = lectern::functions::readRequest(event);
    const auto conventions = lectern::reader::decideConventions(request.document);
    for (auto& page : request.document.pages) lectern::reader::findValues(page, conventions);
    lectern::reader::assignIds(request.document);
    return lectern::functions::answer(request.document, request.output);
  });
}
