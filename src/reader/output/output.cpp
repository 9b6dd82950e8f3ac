#include "reader/output/output.h"

#include <algorithm>
#include <array>

#include "base/files.h"
#include "reader/output/csv.h"
#include "reader/output/json.h"
#include "reader/output/text_formats.h"
#include "reader/output/xml_formats.h"

namespace lectern::reader {

namespace {

struct Format {
  const char* name;
  const char* extension;
  std::string (*write)(const Document&);
};

constexpr std::array<Format, 5> kTextFormats = {
    Format{"md", ".md", documentToMarkdown}, Format{"html", ".html", documentToHtml},
    Format{"hocr", ".hocr", documentToHocr}, Format{"tsv", ".tsv", documentToTsv},
    Format{"alto", ".alto.xml", documentToAlto}};

/// Levels of nesting that get a line each: document, pages, page, list of words; a word is one line.
constexpr int kJsonLevels = 4;

}  // namespace

Result<std::vector<std::string>> parseFormats(const std::string& list) {
  std::vector<std::string> formats;
  size_t at = 0;
  while (at <= list.size()) {
    const size_t comma = std::min(list.find(',', at), list.size());
    const std::string one = list.substr(at, comma - at);
    const bool known =
        one == "json" || one == "csv" || one == "page" || one == "pdf" || one == "overlay" ||
        std::any_of(kTextFormats.begin(), kTextFormats.end(), [&](const Format& f) { return one == f.name; });
    if (!known)
      return fail(Code::kInvalid,
                  "unknown format '" + one + "'; there are json, csv, md, html, hocr, alto, page, pdf, tsv, overlay");
    formats.push_back(one);
    at = comma + 1;
  }
  return formats;
}

void nameTables(Document& document, const std::string& name) {
  int n = 1;
  for (auto& page : document.pages) {
    for (auto& table : page.tables) table.csv = name + "-t" + std::to_string(n++) + ".csv";
  }
}

std::string documentToText(const Document& document) { return toPrettyJson(documentToJson(document), kJsonLevels); }

Result<Document> documentFromText(const std::string& text) {
  TRY(const auto value, parseJson(text));
  return documentFromJson(value);
}

Result<std::vector<std::filesystem::path>> writeOutputs(const Document& document, const std::string& name,
                                                        const std::vector<std::string>& formats,
                                                        const std::filesystem::path& folder,
                                                        const PagePicture& picture) {
  std::vector<std::filesystem::path> written;
  const auto write = [&](const std::string& file, const std::string& content) -> Result<void> {
    TRY_VOID(writeFileAtomic(folder / file, content));
    written.push_back(folder / file);
    return {};
  };
  for (const auto& page : document.pages) {
    for (const auto& table : page.tables) TRY_VOID(write(table.csv, tableToCsv(table)));
  }
  for (const auto& format : kTextFormats) {
    if (std::find(formats.begin(), formats.end(), format.name) == formats.end()) continue;
    TRY_VOID(write(name + format.extension, format.write(document)));
  }
  const auto wanted = [&](const char* format) {
    return std::find(formats.begin(), formats.end(), format) != formats.end();
  };
  for (const auto& page : document.pages) {
    const std::string file = page.number == 1 ? name : name + "-p" + std::to_string(page.number);
    if (wanted("page")) TRY_VOID(write(file + ".page.xml", pageToPageXml(document, page)));
    if (!wanted("overlay")) continue;
    // The picture travels inside the overlay: a path would break as soon as one of the two files moves.
    const std::string below = picture ? pictureForSvg(picture(page)) : "";
    TRY_VOID(write(file + ".overlay.svg", pageToOverlay(document, page, below)));
  }
  TRY_VOID(write(name + ".json", documentToText(document)));
  return written;
}

}  // namespace lectern::reader
