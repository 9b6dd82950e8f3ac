#pragma once
// What the read function does with an event, apart from the models, so that it can be tested without them.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "reader/page/image.h"
#include "reader/page/page.h"

namespace lectern::functions {

/// Where results go when the event does not say; empty: nowhere.
struct Places {
  std::filesystem::path output;
  std::filesystem::path database;
};

/// Reads one page; `words` are given when the page has a text layer.
using PageReader = std::function<Result<reader::Page>(const reader::Image& image, int number,
                                                      std::optional<std::vector<reader::Word>> words,
                                                      std::vector<reader::StageTiming>& timings)>;

struct Engine {
  PageReader page;
  std::vector<reader::ModelUse> models;
};

/// Handles one event (schema.json beside this file) and gives the answer's text. A file whose name and SHA-256 the
/// database holds already is not read again, so an event that comes twice changes nothing. Of several files each is
/// tried; when one fails, the others are in the database and its error is thrown (FunctionError: Request.Invalid,
/// Image.Unreadable, Output.Failed, Database.Failed).
std::string readFiles(const std::string& event, const Places& places, const Engine& engine);

}  // namespace lectern::functions
