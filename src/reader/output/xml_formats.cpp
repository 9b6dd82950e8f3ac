#include "reader/output/xml_formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/hash.h"
#include "base/xml.h"

namespace lectern::reader {

namespace {

std::string place(const Box& b) {
  return fmt::format("HPOS=\"{}\" VPOS=\"{}\" WIDTH=\"{}\" HEIGHT=\"{}\"", b.x0, b.y0, std::max(0, b.width()),
                     std::max(0, b.height()));
}

/// PAGE knows no places outside the picture.
std::string coords(Box b) {
  b = {std::max(0, b.x0), std::max(0, b.y0), std::max(0, b.x1), std::max(0, b.y1)};
  return fmt::format("<Coords points=\"{},{} {},{} {},{} {},{}\"/>", b.x0, b.y0, b.x1, b.y0, b.x1, b.y1, b.x0, b.y1);
}

std::string coords(const Quad& q) {
  std::string points;
  for (const auto& p : q) {
    points += fmt::format("{}{},{}", points.empty() ? "" : " ", std::max(0, static_cast<int>(p.x)),
                          std::max(0, static_cast<int>(p.y)));
  }
  return "<Coords points=\"" + points + "\"/>";
}

/// The region type of PAGE for a block's role.
std::string pageType(const std::string& role) {
  for (const char* known : {"heading", "header", "footer", "footnote", "caption", "list-label"}) {
    if (role == known) return role;
  }
  return "paragraph";
}

void altoLine(const Page& page, const Line& line, std::string& out) {
  out += fmt::format("<TextLine ID=\"{}\" {}>", line.id, place(line.box));
  const Word* before = nullptr;
  for (const int w : line.words) {
    const Word& word = page.words[static_cast<size_t>(w)];
    if (before != nullptr) {
      out += fmt::format("<SP HPOS=\"{}\" VPOS=\"{}\" WIDTH=\"{}\"/>", before->box.x1, before->box.y0,
                         std::max(0, word.box.x0 - before->box.x1));
    }
    out += fmt::format("<String ID=\"{}\" {} WC=\"{:.2f}\" CONTENT=\"{}\"/>", word.id, place(word.box),
                       std::clamp(word.confidence, 0.0f, 1.0f), escapeXml(word.text));
    before = &word;
  }
  out += "</TextLine>\n";
}

void pageLine(const Page& page, const Line& line, std::string& out) {
  out += fmt::format("<TextLine id=\"{}\">{}", line.id, coords(line.quad));
  for (const int w : line.words) {
    const Word& word = page.words[static_cast<size_t>(w)];
    out += fmt::format("<Word id=\"{}\">{}<TextEquiv conf=\"{:.3f}\"><Unicode>{}</Unicode></TextEquiv></Word>",
                       word.id, coords(word.box), std::clamp(word.confidence, 0.0f, 1.0f), escapeXml(word.text));
  }
  out += fmt::format("<TextEquiv><Unicode>{}</Unicode></TextEquiv></TextLine>\n", escapeXml(line.text));
}

std::string rect(const Box& b, const char* style) {
  return fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" style=\"{}\"/>\n", b.x0, b.y0,
                     std::max(0, b.width()), std::max(0, b.height()), style);
}

}  // namespace

std::string documentToAlto(const Document& document) {
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alto xmlns=\"http://www.loc.gov/standards/alto/ns-v4#\" "
      "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
      "xsi:schemaLocation=\"http://www.loc.gov/standards/alto/ns-v4# "
      "http://www.loc.gov/standards/alto/v4/alto-4-2.xsd\" SCHEMAVERSION=\"4.2\">\n<Description><MeasurementUnit>pixel"
      "</MeasurementUnit><sourceImageInformation><fileName>{}</fileName></sourceImageInformation></"
      "Description>\n<Layout>\n",
      escapeXml(document.name));
  for (const auto& page : document.pages) {
    out += fmt::format("<Page ID=\"page_{0}\" PHYSICAL_IMG_NR=\"{0}\" WIDTH=\"{1}\" HEIGHT=\"{2}\"><PrintSpace {3}>\n",
                       page.number, page.width, page.height, place({0, 0, page.width, page.height}));
    for (const auto& block : page.blocks) {
      if (block.lines.empty()) continue;
      out += fmt::format("<TextBlock ID=\"{}\" {}>\n", block.id, place(block.box));
      for (const int l : block.lines) altoLine(page, page.lines[static_cast<size_t>(l)], out);
      out += "</TextBlock>\n";
    }
    out += "</PrintSpace></Page>\n";
  }
  return out + "</Layout>\n</alto>\n";
}

std::string pageToPageXml(const Document& document, const Page& page) {
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PcGts "
      "xmlns=\"http://schema.primaresearch.org/PAGE/gts/pagecontent/"
      "2019-07-15\">\n<Metadata><Creator>lectern</Creator><Created>1970-01-01T00:00:00</Created><LastChange>"
      "1970-01-01T00:00:00</LastChange></Metadata>\n<Page imageFilename=\"{}\" imageWidth=\"{}\" "
      "imageHeight=\"{}\">\n",
      escapeXml(document.name), page.width, page.height);
  if (!page.blocks.empty()) {
    out += "<ReadingOrder><OrderedGroup id=\"reading_order\">";
    for (size_t i = 0; i < page.blocks.size(); ++i) {
      out += fmt::format("<RegionRefIndexed index=\"{}\" regionRef=\"{}\"/>", i, page.blocks[i].id);
    }
    out += "</OrderedGroup></ReadingOrder>\n";
  }
  for (const auto& block : page.blocks) {
    out += fmt::format("<TextRegion id=\"{}\" type=\"{}\">{}\n", block.id, pageType(block.role), coords(block.box));
    for (const int l : block.lines) pageLine(page, page.lines[static_cast<size_t>(l)], out);
    out += fmt::format("<TextEquiv><Unicode>{}</Unicode></TextEquiv></TextRegion>\n", escapeXml(block.text));
  }
  for (const auto& t : page.tables) {
    out += fmt::format("<TableRegion id=\"{}\" rows=\"{}\" columns=\"{}\">{}</TableRegion>\n", t.id, t.rows, t.cols,
                       coords(t.box));
  }
  for (const auto& r : page.rules)
    out += fmt::format("<SeparatorRegion id=\"{}\">{}</SeparatorRegion>\n", r.id, coords(r.box));
  return out + "</Page>\n</PcGts>\n";
}

std::string pictureForSvg(const std::string& file) {
  const char* kind = file.starts_with("\xff\xd8")  ? "jpeg"
                     : file.starts_with("\x89PNG") ? "png"
                     : file.starts_with("GIF8")    ? "gif"
                     : file.starts_with("RIFF")    ? "webp"
                     : file.starts_with("BM")      ? "bmp"
                                                   : nullptr;
  return kind == nullptr ? "" : fmt::format("data:image/{};base64,", kind) + base64Encode(file);
}

std::string pageToOverlay(const Document& document, const Page& page, const std::string& picture) {
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
      "xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\">\n",
      page.width, page.height);
  if (!picture.empty()) {
    out += fmt::format("<image xlink:href=\"{}\" x=\"0\" y=\"0\" width=\"{}\" height=\"{}\"/>\n", escapeXml(picture),
                       page.width, page.height);
  } else {
    for (const auto& w : page.words) {
      out += fmt::format(
          "<text x=\"{}\" y=\"{}\" font-size=\"{}\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\">{}</text>\n",
          w.box.x0, w.box.y1 - w.box.height() / 5, std::max(4, w.box.height()), std::max(1, w.box.width()),
          escapeXml(w.text));
    }
  }
  for (const auto& w : page.words) out += rect(w.box, "fill:none;stroke:#0a0;stroke-width:1");
  // The number of a block is its place in the reading order.
  int number = 0;
  const int small = std::max(8, page.height / 150);
  for (const auto& b : page.blocks) {
    out += rect(b.box, "fill:none;stroke:#888;stroke-width:1;stroke-dasharray:4");
    out += fmt::format("<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"#06c\" text-anchor=\"end\">{}{}</text>\n",
                       std::max(2 * small, b.box.x0 - 2), b.box.y0 + small, small, ++number,
                       b.role.empty() || b.role == "paragraph" ? "" : " " + escapeXml(b.role));
  }
  for (const auto& r : page.rules) out += rect(r.box, "fill:#f00;fill-opacity:0.4");
  for (const auto& t : page.tables) {
    for (const auto& c : t.cells) out += rect(c.box, "fill:none;stroke:#00f;stroke-width:1");
    out += rect(t.box, "fill:none;stroke:#a0a;stroke-width:3");
  }
  for (const auto& f : page.frames) {
    out += rect(f.box, f.checked ? "fill:#08f;fill-opacity:0.4;stroke:#08f;stroke-width:2"
                                 : "fill:none;stroke:#08f;stroke-width:2");
  }
  // Fields that stand on the same words share a label, which is as large as the words.
  std::map<std::tuple<int, int, int, int>, std::pair<std::string, int>> labels;
  for (const auto& f : document.fields) {
    if (f.page != page.number) continue;
    Box box;
    int height = 0;
    for (const int w : f.words) {
      box = unite(box, page.words[static_cast<size_t>(w)].box);
      height = std::max(height, page.words[static_cast<size_t>(w)].box.height());
    }
    if (box.empty()) continue;
    auto& [names, size] = labels[{box.y0, box.x0, box.x1, box.y1}];
    names += (names.empty() ? "" : ", ") + f.name;
    size = std::max(8, height / 2);
  }
  for (const auto& [place, label] : labels) {
    const auto& [y0, x0, x1, y1] = place;
    out += rect({x0, y0, x1, y1}, "fill:#fc0;fill-opacity:0.25;stroke:#f80;stroke-width:2");
    out += fmt::format("<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"#c40\">{}</text>\n", x0, y0 - 2, label.second,
                       escapeXml(label.first));
  }
  return out + "</svg>\n";
}

}  // namespace lectern::reader
