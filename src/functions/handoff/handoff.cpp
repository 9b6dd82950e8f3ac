#include "functions/handoff/handoff.h"

#include "base/files.h"
#include "base/json.h"
#include "reader/output/json.h"
#include "reader/output/output.h"
#include "sdk/lectern.h"

namespace lectern::functions {

Request readRequest(const std::string& event) {
  const auto parsed = parseJson(event);
  if (!parsed || !parsed->is_object()) {
    throw FunctionError("Request.Invalid", "the event is no JSON object; give {\"document\":...} or {\"input\":PATH}");
  }
  const auto& in = parsed->get_object();
  Request request;
  request.image = stringOr(in, "image", "");
  request.output = stringOr(in, "output", "");
  if (const auto* document = in.if_contains("document"); document != nullptr) {
    auto read = reader::documentFromJson(*document);
    if (!read) throw FunctionError("Document.Unreadable", read.error().message);
    request.document = std::move(*read);
    return request;
  }
  const std::string input = stringOr(in, "input", "");
  if (input.empty()) throw FunctionError("Request.Invalid", "the event has neither \"document\" nor \"input\"");
  const auto text = readFile(input, mebibytes(512));
  if (!text) throw FunctionError("Document.Unreadable", text.error().message);
  auto read = reader::documentFromText(*text);
  if (!read) throw FunctionError("Document.Unreadable", input + ": " + read.error().message);
  request.document = std::move(*read);
  return request;
}

std::string answer(const reader::Document& document, const std::filesystem::path& output) {
  if (output.empty()) return toJson(json::object{{"document", reader::documentToJson(document)}});
  if (auto written = writeFileAtomic(output, reader::documentToText(document)); !written) {
    throw FunctionError("Output.Failed", written.error().message);
  }
  size_t values = 0, tables = 0, key_values = 0;
  for (const auto& page : document.pages) {
    values += page.values.size();
    tables += page.tables.size();
    key_values += page.key_values.size();
  }
  return toJson(json::object{{"output", output.string()},
                             {"pages", document.pages.size()},
                             {"values", values},
                             {"tables", tables},
                             {"key_values", key_values},
                             {"fields", document.fields.size()}});
}

}  // namespace lectern::functions
