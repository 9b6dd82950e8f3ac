// The pdf function: page images and text layers of a PDF.
#include <fmt/format.h>
#include <poppler-document.h>
#include <poppler-global.h>
#include <poppler-image.h>
#include <poppler-page-renderer.h>
#include <poppler-page.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/scratch.h"
#include "sdk/lectern.h"

namespace {

using namespace lectern;

constexpr double kMaxPixels = 40e6;  // of one rendered page
constexpr int kTextDpi = 150;        // the words are known; the image only shows rules
constexpr int kScanDpi = 250;
constexpr double kPointsPerInch = 72;

struct Wanted {
  std::string pdf, content;  // a file, or its bytes
  std::string out;           // folder; "" for an answer that holds pictures and words
  int first = 1, last = 1, dpi = 0;
};

/// 8-bit grey PGM: written and read without compression, since it lives for a second.
std::string toPgm(const poppler::image& image) {
  std::string out = fmt::format("P5\n{} {}\n255\n", image.width(), image.height());
  const size_t header = out.size();
  const auto width = static_cast<size_t>(image.width());
  out.resize(header + width * static_cast<size_t>(image.height()));
  for (int y = 0; y < image.height(); ++y) {
    std::memcpy(out.data() + header + width * static_cast<size_t>(y),
                image.const_data() + static_cast<ptrdiff_t>(image.bytes_per_row()) * y, width);
  }
  return out;
}

/// Boxes as Poppler gives them: from the corner of what is shown of the page.
json::array textOf(const poppler::page& page, double scale) {
  json::array words;
  for (const auto& box : page.text_list()) {
    const auto bytes = box.text().to_utf8();
    const std::string text(bytes.begin(), bytes.end());
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) continue;
    const auto r = box.bbox();
    words.push_back(json::object{
        {"text", text},
        {"box", json::array{std::lround(r.left() * scale), std::lround(r.top() * scale),
                            std::lround(r.right() * scale), std::lround(r.bottom() * scale)}}});
  }
  return words;
}

void save(const std::string& path, const std::string& content) {
  if (auto written = writeScratch(path, content); !written)
    throw FunctionError("Output.Failed", written.error().message);
}

/// The picture as PNG in base64, small enough for an answer.
std::string toBase64(const poppler::image& image, int dpi) {
  const auto folder = TempDir::create("lectern-pdf-");
  if (!folder) throw FunctionError("Output.Failed", folder.error().message);
  const std::string path = (folder->path() / "page.png").string();
  if (!image.save(path, "png", dpi)) throw FunctionError("Output.Failed", "write " + path);
  const auto bytes = readFile(path, mebibytes(64));
  if (!bytes) throw FunctionError("Output.Failed", bytes.error().message);
  return base64Encode(*bytes);
}

/// A layer of nothing but blanks, as some scanning programs leave behind, is none.
bool hasText(const poppler::page& page) {
  const auto boxes = page.text_list();
  return std::any_of(boxes.begin(), boxes.end(), [](const poppler::text_box& box) {
    const auto bytes = box.text().to_utf8();
    return std::any_of(bytes.begin(), bytes.end(), [](char c) { return std::strchr(" \t\r\n", c) == nullptr; });
  });
}

json::object renderPage(const poppler::document& document, int number, const Wanted& wanted) {
  const std::unique_ptr<poppler::page> page(document.create_page(number - 1));
  if (page == nullptr) throw FunctionError("Pdf.Unreadable", fmt::format("page {} cannot be read", number));
  const auto area = page->page_rect();
  const bool has_text = hasText(*page);
  double dpi = wanted.dpi > 0 ? wanted.dpi : has_text ? kTextDpi : kScanDpi;
  const double inches = area.width() * area.height() / (kPointsPerInch * kPointsPerInch);
  if (inches > 0) dpi = std::min(dpi, std::sqrt(kMaxPixels / inches));
  poppler::page_renderer renderer;
  renderer.set_render_hint(poppler::page_renderer::antialiasing, true);
  renderer.set_render_hint(poppler::page_renderer::text_antialiasing, true);
  renderer.set_image_format(poppler::image::format_gray8);
  const poppler::image image = renderer.render_page(page.get(), dpi, dpi);
  if (!image.is_valid()) throw FunctionError("Pdf.Unreadable", fmt::format("page {} cannot be rendered", number));
  if (wanted.out.empty()) {
    json::object inside{{"page", number}, {"dpi", std::lround(dpi)}, {"name", fmt::format("page-{}.png", number)},
                        {"image_base64", toBase64(image, static_cast<int>(std::lround(dpi)))}};
    if (has_text) inside["words"] = textOf(*page, dpi / kPointsPerInch);
    return inside;
  }
  const std::string base = fmt::format("{}/page-{}", wanted.out, number);
  save(base + ".pgm", toPgm(image));
  json::object out{{"page", number}, {"image", base + ".pgm"}, {"text", nullptr}, {"dpi", std::lround(dpi)}};
  if (has_text) {
    save(base + ".words.json", toJson(textOf(*page, dpi / kPointsPerInch)));
    out["text"] = base + ".words.json";
  }
  return out;
}

std::string render(const Wanted& wanted) {
  const std::unique_ptr<poppler::document> document(
      wanted.content.empty() ? poppler::document::load_from_file(wanted.pdf)
                             : poppler::document::load_from_raw_data(wanted.content.data(),
                                                                     static_cast<int>(wanted.content.size())));
  if (document == nullptr) throw FunctionError("Pdf.Unreadable", "the PDF is damaged or cut short");
  if (document->is_locked()) {
    throw FunctionError("Pdf.Encrypted",
                        "the PDF is encrypted; remove its password first, for example with qpdf --decrypt");
  }
  const int pages = document->pages();
  if (pages <= 0) throw FunctionError("Pdf.Empty", "the PDF has no pages");
  json::array rendered;
  for (int n = std::max(1, wanted.first); n <= std::min(pages, wanted.last); ++n) {
    rendered.push_back(renderPage(*document, n, wanted));
  }
  return toJson(json::object{{"pages", pages}, {"rendered", std::move(rendered)}});
}

Wanted fromEvent(const std::string& text) {
  const auto value = parseJson(text);
  if (!value || !value->is_object()) throw FunctionError("Request.Invalid", "the event is no JSON object");
  const auto& event = value->get_object();
  Wanted wanted{stringOr(event, "pdf", ""), "", stringOr(event, "out", ""), 1, 1, 0};
  if (wanted.pdf.empty()) {
    auto content = base64Decode(stringOr(event, "pdf_base64", ""));
    if (!content) throw FunctionError("Request.Invalid", "\"pdf_base64\": " + content.error().message);
    wanted.content = std::move(*content);
  }
  if (wanted.pdf.empty() && wanted.content.empty())
    throw FunctionError("Request.Invalid", "the event needs \"pdf\" or \"pdf_base64\"");
  wanted.first = static_cast<int>(intOr(event, "first", 1));
  wanted.last = static_cast<int>(intOr(event, "last", wanted.first));
  wanted.dpi = static_cast<int>(intOr(event, "dpi", 0));
  return wanted;
}

int asProgram(char** argv) {
  try {
    const Wanted wanted{argv[2], "", argv[3], std::atoi(argv[4]), std::atoi(argv[5]), std::atoi(argv[6])};
    fmt::print("{}\n", render(wanted));
    return 0;
  } catch (const FunctionError& e) {
    fmt::print("{}\n", toJson(json::object{{"errorType", e.type()}, {"errorMessage", e.what()}}));
    return 1;
  }
}

/// Poppler's texts go through UTF-16, which the C library converts with a module that it loads from the system's files. A
/// bundle brings its own: in an empty root, as on Lambda, every word would be empty.
void useOwnConverters() {
  const char* root = std::getenv("LAMBDA_TASK_ROOT");
  const std::string folder = std::string(root != nullptr ? root : "/var/task") + "/gconv";
  if (access((folder + "/gconv-modules").c_str(), R_OK) == 0) setenv("GCONV_PATH", folder.c_str(), 1);
}

}  // namespace

int main(int argc, char** argv) {
  // Complaints about broken objects inside a PDF are the library's, not the user's.
  poppler::set_debug_error_function([](const std::string&, void*) {}, nullptr);
  if (argc == 7 && std::strcmp(argv[1], "render") == 0) return asProgram(argv);
  useOwnConverters();
  run([](const std::string& event, const Context&) { return render(fromEvent(event)); });
}
