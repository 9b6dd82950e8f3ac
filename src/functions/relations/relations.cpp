// The relations function: key-value pairs, spatial relations, document type and fields, from words and typed values.
#include "reader/relations/relations.h"

#include "functions/handoff/handoff.h"
#include "sdk/lectern.h"

int main() {
  lectern::run([](const std::string& event, const lectern::Context&) {
    auto request = lectern::functions::readRequest(event);
    auto& document = request.document;
    for (auto& page : document.pages) lectern::reader::findKeyValues(page);
    lectern::reader::assignIds(document);
    for (auto& page : document.pages) lectern::reader::findRelations(page);
    lectern::reader::classify(document);
    lectern::reader::findFields(document);
    return lectern::functions::answer(document, request.output);
  });
}
