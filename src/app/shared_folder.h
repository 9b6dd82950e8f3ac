#pragma once
// Reads documents through the functions `ocr` and `pdf`, handing files over on a folder that both sides see.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "app/backend.h"
#include "base/json.h"

namespace lectern::app {

/// Invokes a function ("ocr" or "pdf") and waits: the payload of its answer, or the error in the user's words.
/// Thread-safe.
using CallFunction = std::function<Result<std::string>(const std::string& function, const json::object& event)>;

/// One folder under two names.
struct SharedFolder {
  std::filesystem::path here;   // as this process sees it
  std::filesystem::path there;  // as the functions see it
};

/// Reads the wanted pages of `file`. Every document has a folder of its own below the shared one while it is read.
Result<void> readOverFolder(const SharedFolder& shared, const std::vector<PageRange>& pages, const CallFunction& call,
                            const InputFile& file, reader::Document& document, const ReadControl& control);

}  // namespace lectern::app
