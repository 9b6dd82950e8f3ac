#pragma once
// What both engines share: where functions are, how a page's answer becomes a page.

#include <filesystem>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "reader/page/page.h"

namespace lectern::app {

/// The bundle of one of our functions, beside the running program: functions/NAME.
Result<std::filesystem::path> functionBundle(const std::string& name);

/// A page that is ready to be read, as the pdf function names those it rendered.
struct RenderedPage {
  int number = 1;  // in the document
  std::string image;
  std::string text;  // file of the page's own words; empty: the page has no text layer
  int dpi = 0;       // 0: the image tells
  int in_file = 1;   // which page of the image file
};

/// The pdf function's answer; its {"errorType","errorMessage"} becomes the error.
struct Rendered {
  int pages = 0;
  std::vector<RenderedPage> rendered;
};
Result<Rendered> renderedFromJson(const std::string& text);

/// Adds what the ocr function measured and used to the document.
void addMeasurements(const json::object& answer, reader::Document& document);

/// Turns a function's error answer, and the end of its log when there is one, into one line for the user.
Error functionError(const std::string& payload, const std::string& log = {});

}  // namespace lectern::app
