#include "reader/output/pdf.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/files.h"

namespace lectern::reader {

namespace {

constexpr double kPointsPerInch = 72;
constexpr int kUsualDpi = 150;  // for pictures that do not say

uint32_t big32(const std::string& s, size_t at) {
  uint32_t v = 0;
  for (size_t i = 0; i < 4; ++i) v = v << 8 | static_cast<unsigned char>(s[at + i]);
  return v;
}

/// A picture as a PDF image object: its dictionary and its bytes.
struct Picture {
  std::string dictionary;
  std::string bytes;
};

Result<Picture> fromJpeg(const std::string& file) {
  size_t at = 2;
  while (at + 9 < file.size()) {
    if (static_cast<unsigned char>(file[at]) != 0xff) break;
    const auto marker = static_cast<unsigned char>(file[at + 1]);
    const size_t length = static_cast<unsigned char>(file[at + 2]) * 256u + static_cast<unsigned char>(file[at + 3]);
    const bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame) {
      const int height = static_cast<unsigned char>(file[at + 5]) * 256 + static_cast<unsigned char>(file[at + 6]);
      const int width = static_cast<unsigned char>(file[at + 7]) * 256 + static_cast<unsigned char>(file[at + 8]);
      const int components = static_cast<unsigned char>(file[at + 9]);
      const char* space = components == 1   ? "/DeviceGray"
                          : components == 4 ? "/DeviceCMYK /Decode [1 0 1 0 1 0 1 0]"
                                            : "/DeviceRGB";
      return Picture{fmt::format("/Width {} /Height {} /ColorSpace {} /BitsPerComponent 8 /Filter /DCTDecode", width,
                                 height, space),
                     file};
    }
    at += 2 + length;
  }
  return fail(Code::kCorrupt, "the JPEG has no frame");
}

Result<Picture> fromPng(const std::string& file) {
  if (file.size() < 33) return fail(Code::kCorrupt, "the PNG is cut off");
  const uint32_t width = big32(file, 16), height = big32(file, 20);
  const int bits = file[24], type = file[25], interlace = file[28];
  if (interlace != 0 || (type != 0 && type != 2 && type != 3)) {
    return fail(Code::kInvalid, "a searchable PDF takes PNG without transparency and interlacing; save it as JPEG");
  }
  std::string palette, data;
  for (size_t at = 8; at + 12 <= file.size();) {
    const size_t length = big32(file, at);
    const std::string kind = file.substr(at + 4, 4);
    if (length > file.size() - at - 12) return fail(Code::kCorrupt, "the PNG is cut off");
    if (kind == "IDAT") data.append(file, at + 8, length);
    if (kind == "PLTE") palette = file.substr(at + 8, length);
    at += 12 + length;
  }
  std::string space = type == 0 ? "/DeviceGray" : "/DeviceRGB";
  if (type == 3) {
    std::string hex;
    for (const char c : palette) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
    space = fmt::format("[/Indexed /DeviceRGB {} <{}>]", std::max<size_t>(3, palette.size()) / 3 - 1, hex);
  }
  return Picture{
      fmt::format("/Width {} /Height {} /ColorSpace {} /BitsPerComponent {} /Filter /FlateDecode /DecodeParms << "
                  "/Predictor 15 /Colors {} /BitsPerComponent {} /Columns {} >>",
                  width, height, space, bits, type == 2 ? 3 : 1, bits, width),
      std::move(data)};
}

/// UTF-16BE as hexadecimal digits.
std::string utf16Hex(const std::string& text, size_t& units) {
  std::string out;
  units = 0;
  const auto put = [&](uint32_t unit) {
    out += fmt::format("{:04X}", unit);
    ++units;
  };
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const size_t length = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    uint32_t code = length == 1 ? c : c & (0xffu >> (length + 1));
    for (size_t k = 1; k < length && i + k < text.size(); ++k)
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fu);
    i += length;
    if (code < 0x10000) {
      put(code);
    } else {
      put(0xd800 + ((code - 0x10000) >> 10));
      put(0xdc00 + ((code - 0x10000) & 0x3ff));
    }
  }
  return out;
}

/// Every code is the character of that number.
std::string identityMap() {
  std::string map =
      "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CIDSystemInfo << /Registry (Adobe) /Ordering "
      "(UCS) "
      "/Supplement 0 >> def /CMapName /Adobe-Identity-UCS def /CMapType 2 def 1 begincodespacerange <0000> <FFFF> "
      "endcodespacerange\n";
  for (int block = 0; block < 256; block += 64) {
    map += "64 beginbfrange\n";
    for (int high = block; high < block + 64; ++high)
      map += fmt::format("<{0:02X}00> <{0:02X}FF> <{0:02X}00>\n", high);
    map += "endbfrange\n";
  }
  return map + "endcmap CMapName currentdict /CMap defineresource pop end end\n";
}

/// The page's text, invisible, a word in its box each; widths of half an em stretched to fit.
std::string textLayer(const Page& page, double scale) {
  std::string out = "BT 3 Tr\n";
  const double height = page.height * scale;
  for (const auto& block : page.blocks) {
    for (const int l : block.lines) {
      const Line& line = page.lines[static_cast<size_t>(l)];
      for (size_t i = 0; i < line.words.size(); ++i) {
        const Word& word = page.words[static_cast<size_t>(line.words[i])];
        if (word.text.empty() || word.box.empty()) continue;
        size_t units = 0;
        const bool last = i + 1 == line.words.size();
        const std::string hex = utf16Hex(word.text, units) + (last ? "" : "0020");
        const double size = word.box.height() * scale;
        const double natural = 0.5 * size * static_cast<double>(units);
        const double stretch = natural > 0 ? 100 * word.box.width() * scale / natural : 100;
        out += fmt::format("/F {:.2f} Tf {:.2f} Tz 1 0 0 1 {:.2f} {:.2f} Tm <{}> Tj\n", size, stretch,
                           word.box.x0 * scale, height - (word.box.y1 - 0.2 * word.box.height()) * scale, hex);
      }
    }
  }
  return out + "ET\n";
}

/// Matrix that puts the stored picture upright onto the page.
std::string pictureMatrix(int rotation, double w, double h) {
  switch (rotation) {
    case 90:
      return fmt::format("0 {:.2f} {:.2f} 0 0 {:.2f} cm", -h, w, h);
    case 180:
      return fmt::format("{:.2f} 0 0 {:.2f} {:.2f} {:.2f} cm", -w, -h, w, h);
    case 270:
      return fmt::format("0 {:.2f} {:.2f} 0 {:.2f} 0 cm", h, -w, w);
    default:
      return fmt::format("{:.2f} 0 0 {:.2f} 0 0 cm", w, h);
  }
}

std::string stream(const std::string& dictionary, const std::string& bytes) {
  return fmt::format("<< {} /Length {} >>\nstream\n", dictionary, bytes.size()) + bytes + "\nendstream";
}

std::string assembled(const std::vector<std::string>& objects) {
  std::string out = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";
  std::vector<size_t> places;
  for (size_t i = 0; i < objects.size(); ++i) {
    places.push_back(out.size());
    out += fmt::format("{} 0 obj\n", i + 1) + objects[i] + "\nendobj\n";
  }
  const size_t table = out.size();
  out += fmt::format("xref\n0 {}\n0000000000 65535 f \n", objects.size() + 1);
  for (const size_t p : places) out += fmt::format("{:010} 00000 n \n", p);
  return out + fmt::format("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{}\n%%EOF\n", objects.size() + 1, table);
}

}  // namespace

Result<std::string> documentToPdf(const Document& document, const std::filesystem::path& source) {
  if (document.pages.size() != 1) return fail(Code::kInvalid, "a searchable PDF is made of pictures of one page");
  TRY(const auto file, readFile(source, mebibytes(512)));
  Result<Picture> picture = fail(Code::kInvalid, "a searchable PDF is made of a JPEG or PNG picture; this is neither");
  if (file.starts_with("\xff\xd8"))
    picture = fromJpeg(file);
  else if (file.starts_with("\x89PNG"))
    picture = fromPng(file);
  if (!picture) return Failure(picture.error());
  const Page& page = document.pages[0];
  const double scale = kPointsPerInch / (page.dpi > 0 ? page.dpi : kUsualDpi);
  const double w = page.width * scale, h = page.height * scale;
  const std::string content = "q " + pictureMatrix(page.rotation, w, h) + " /P Do Q\n" + textLayer(page, scale);
  return assembled({
      "<< /Type /Catalog /Pages 2 0 R >>",
      "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
      fmt::format("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {:.2f} {:.2f}] /Contents 4 0 R /Resources << /XObject "
                  "<< /P 5 0 R "
                  ">> /Font << /F 6 0 R >> >> >>",
                  w, h),
      stream("", content),
      stream("/Type /XObject /Subtype /Image " + picture->dictionary, picture->bytes),
      "<< /Type /Font /Subtype /Type0 /BaseFont /Helvetica /Encoding /Identity-H /DescendantFonts [7 0 R] /ToUnicode "
      "8 0 R >>",
      "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Helvetica /CIDSystemInfo << /Registry (Adobe) /Ordering "
      "(Identity) "
      "/Supplement 0 >> /DW 500 /FontDescriptor 9 0 R /CIDToGIDMap /Identity >>",
      stream("", identityMap()),
      "<< /Type /FontDescriptor /FontName /Helvetica /Flags 4 /FontBBox [0 -200 500 800] /ItalicAngle 0 /Ascent 800 "
      "/Descent "
      "-200 /CapHeight 700 /StemV 80 >>",
  });
}

}  // namespace lectern::reader
