#pragma once
// A document as a function gets it and gives it on.

#include <filesystem>
#include <string>

#include "reader/page/page.h"

namespace lectern::functions {

struct Request {
  reader::Document document;
  std::filesystem::path image;   // empty: none given
  std::filesystem::path output;  // empty: the answer carries the document
};

/// Reads the event; throws FunctionError with Request.Invalid or Document.Unreadable.
Request readRequest(const std::string& event);

/// The answer to the event; writes the file first when one is wanted. Throws FunctionError with Output.Failed.
std::string answer(const reader::Document& document, const std::filesystem::path& output);

}  // namespace lectern::functions
