#pragma once
// What the reading functions take from their environment variables.

#include <cstdlib>
#include <string>

#include "reader/pipeline.h"

namespace lectern::functions {

/// The variable's value; `otherwise` when it is not set or empty.
inline std::string setting(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

/// LECTERN_DETECTOR, LECTERN_RECOGNIZER and LECTERN_LANGUAGES; the reader's own defaults for what is not set.
inline reader::ReaderOptions readerOptions() {
  reader::ReaderOptions options;
  options.detector = setting("LECTERN_DETECTOR", options.detector);
  options.recognizer = setting("LECTERN_RECOGNIZER", options.recognizer);
  options.languages = setting("LECTERN_LANGUAGES", options.languages);
  options.all_models = setting("AWS_LAMBDA_INITIALIZATION_TYPE", "") == "snap-start";
  return options;
}

}  // namespace lectern::functions
