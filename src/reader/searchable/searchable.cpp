#include "reader/searchable/searchable.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFPageDocumentHelper.hh>
#include <qpdf/QPDFPageObjectHelper.hh>
#include <qpdf/QPDFWriter.hh>

#include "base/files.h"
#include "reader/image/decode.h"
#include "reader/searchable/picture.h"
#include "reader/searchable/text_layer.h"

namespace lectern::reader {

namespace {

namespace fs = std::filesystem;

constexpr double kPointsPerInch = 72;
constexpr double kMaxPoints = 14400;  // sides of a page: ISO 32000-1, annex C
constexpr double kUsualDpi = 150;     // of pictures that do not say, when they are no larger than a sheet then
constexpr double kSheetInches = 11.69, kLargestSheetInches = 16.54;  // long sides of A4 and A3
constexpr int kCameraDpi = 96;
constexpr const char* kFont = "LecternText";

std::string deflated(const std::string& bytes) {
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  out.resize(size);
  return out;
}

QPDFObjectHandle packedStream(QPDF& pdf, const std::string& bytes, const std::string& dictionary = "") {
  auto stream = pdf.newStream(deflated(bytes));
  auto entries = QPDFObjectHandle::parse("<< /Filter /FlateDecode " + dictionary + " >>");
  for (const auto& key : entries.getKeys()) stream.getDict().replaceKey(key, entries.getKey(key));
  return stream;
}

QPDFObjectHandle makeFont(QPDF& pdf) {
  auto descriptor = pdf.makeIndirectObject(QPDFObjectHandle::parse(
      "<< /Type /FontDescriptor /FontName /GlyphLess /Flags 4 /FontBBox [0 -200 500 800] /ItalicAngle 0 /Ascent 800 "
      "/Descent -200 /CapHeight 800 /StemV 80 >>"));
  const std::string program = glyphlessFont();
  descriptor.replaceKey("/FontFile2", packedStream(pdf, program, fmt::format("/Length1 {}", program.size())));
  auto glyphs = pdf.makeIndirectObject(QPDFObjectHandle::parse(
      "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /GlyphLess /CIDSystemInfo << /Registry (Adobe) /Ordering "
      "(Identity) /Supplement 0 >> /DW 500 >>"));
  glyphs.replaceKey("/FontDescriptor", descriptor);
  glyphs.replaceKey("/CIDToGIDMap", packedStream(pdf, everythingToOneGlyph()));
  auto font = pdf.makeIndirectObject(
      QPDFObjectHandle::parse("<< /Type /Font /Subtype /Type0 /BaseFont /GlyphLess /Encoding /Identity-H >>"));
  font.replaceKey("/DescendantFonts", QPDFObjectHandle::newArray(std::vector<QPDFObjectHandle>{glyphs}));
  font.replaceKey("/ToUnicode", packedStream(pdf, codesAreUnicode()));
  return font;
}

/// Pictures on their way into the PDF, kept in a file: all of a long document's would not fit into memory.
class Spool {
 public:
  explicit Spool(fs::path path) : path_(std::move(path)), out_(path_, std::ios::binary | std::ios::trunc) {}
  ~Spool() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  Spool(const Spool&) = delete;

  Result<QPDFObjectHandle> imageObject(QPDF& pdf, const Picture& picture) {
    const std::streamoff at = end_;
    const auto size = static_cast<std::streamoff>(picture.bytes.size());
    out_.write(picture.bytes.data(), size);
    out_.flush();
    if (!out_) return fail(Code::kNoSpace, "no space left for the searchable PDF");
    end_ += size;
    auto stream = pdf.newStream();
    stream.replaceDict(QPDFObjectHandle::parse("<< /Type /XObject /Subtype /Image " + picture.dictionary + " >>"));
    auto entries = stream.getDict();
    stream.replaceStreamData([path = path_, at, size](Pipeline* pipe) { copy(path, at, size, *pipe); },
                             entries.getKey("/Filter"), entries.getKey("/DecodeParms"));
    return stream;
  }

 private:
  static void copy(const fs::path& path, std::streamoff at, std::streamoff left, Pipeline& pipe) {
    std::ifstream in(path, std::ios::binary);
    in.seekg(at);
    std::string piece(1 << 16, '\0');
    while (left > 0 && in.read(piece.data(), std::min(left, static_cast<std::streamoff>(piece.size())))) {
      pipe.write(reinterpret_cast<const unsigned char*>(piece.data()), static_cast<size_t>(in.gcount()));
      left -= in.gcount();
    }
    if (left > 0) throw std::runtime_error("a picture on its way into the PDF cannot be read back");
    pipe.finish();
  }

  const fs::path path_;
  std::ofstream out_;
  std::streamoff end_ = 0;
};

/// Puts the stored picture, a unit square for PDF, upright onto the page.
std::string pictureMatrix(int rotation, bool mirrored, double w, double h) {
  const Matrix m = rotation == 90    ? Matrix{0, -h, w, 0, 0, h}
                   : rotation == 180 ? Matrix{-w, 0, 0, -h, w, h}
                   : rotation == 270 ? Matrix{0, h, -w, 0, w, 0}
                                     : Matrix{w, 0, 0, h, 0, 0};
  return toPdf(m) + " cm" + (mirrored ? " -1 0 0 1 1 0 cm" : "");
}

Result<void> addPicturePage(QPDF& pdf, QPDFObjectHandle font, const Page& page, const fs::path& source, Spool& spool) {
  TRY(const Picture picture, pictureOf(source, page.number));
  const double scale = kPointsPerInch / pageDpi(page);
  const bool lying = page.rotation % 180 != 0;
  const Area area{0, 0, std::min(kMaxPoints, page.width * scale * (lying ? picture.tall : 1)),
                  std::min(kMaxPoints, page.height * scale * (lying ? 1 : picture.tall))};
  TRY(auto image, spool.imageObject(pdf, picture));
  auto object = pdf.makeIndirectObject(
      QPDFObjectHandle::parse(fmt::format("<< /Type /Page /MediaBox [0 0 {:.2f} {:.2f}] /Resources << /XObject << >> "
                                          "/Font << >> >> >>",
                                          area.width(), area.height())));
  object.getKey("/Resources").getKey("/XObject").replaceKey("/Picture", image);
  object.getKey("/Resources").getKey("/Font").replaceKey(std::string("/") + kFont, font);
  const std::string content =
      textLayer(page, ontoPage(area, 0, page.width, page.height), kFont) + "q " +
      pictureMatrix(page.rotation, picture.mirrored, area.width(), area.height()) + " /Picture Do Q\n";
  object.replaceKey("/Contents", packedStream(pdf, content));
  pdf.addPage(object, false);
  return {};
}

/// What of a page is shown; an empty area when the PDF says nothing sensible.
Area shownArea(QPDFPageObjectHelper& page) {
  auto crop = page.getCropBox(), media = page.getMediaBox();
  if (!media.isRectangle()) return {};
  const auto m = media.getArrayAsRectangle();
  const auto c = crop.isRectangle() ? crop.getArrayAsRectangle() : m;
  const Area area{std::max(m.llx, c.llx), std::max(m.lly, c.lly), std::min(m.urx, c.urx), std::min(m.ury, c.ury)};
  return area.width() > 0 && area.height() > 0 ? area : Area{m.llx, m.lly, m.urx, m.ury};
}

Result<void> addText(QPDF& pdf, QPDFObjectHandle font, QPDFPageObjectHelper page, const Page& read) {
  if (read.has_text_layer || read.words.empty()) return {};
  const Area area = shownArea(page);
  if (area.width() <= 0 || area.height() <= 0)
    return fail(Code::kCorrupt, fmt::format("page {} of the PDF has no size", read.number));
  auto old = page.getAttribute("/Rotate", false);
  const int turned = (((old.isInteger() ? old.getIntValueAsInt() : 0) + read.rotation) % 360 + 360) % 360;
  if (read.rotation != 0) page.getObjectHandle().replaceKey("/Rotate", QPDFObjectHandle::newInteger(turned));
  // Resources and fonts may be shared with other pages, which stay as they are.
  auto resources = page.getAttribute("/Resources", true);
  if (!resources.isDictionary()) {
    resources = QPDFObjectHandle::newDictionary();
    page.getObjectHandle().replaceKey("/Resources", resources);
  }
  auto present = resources.getKey("/Font");
  auto fonts = present.isDictionary() ? present.unsafeShallowCopy() : QPDFObjectHandle::newDictionary();
  fonts.replaceKey(std::string("/") + kFont, font);
  resources.replaceKey("/Font", fonts);
  // Before the page's own content, which may leave the graphics state anyhow; text that is not drawn covers nothing.
  const std::string text = textLayer(read, ontoPage(area, turned, read.width, read.height), kFont);
  page.addPageContents(packedStream(pdf, text), true);
  return {};
}

Result<void> addTexts(QPDF& pdf, const Document& document) {
  QPDFPageDocumentHelper pages(pdf);
  auto all = pages.getAllPages();
  std::map<size_t, const Page*> wanted;
  for (const auto& page : document.pages) wanted[static_cast<size_t>(page.number)] = &page;
  if (wanted.empty() || wanted.rbegin()->first > all.size())
    return fail(Code::kCorrupt, "the PDF is damaged: its pages cannot be told apart");
  auto font = makeFont(pdf);
  for (size_t n = all.size(); n > 0; --n) {
    const auto it = wanted.find(n);
    if (it == wanted.end())
      pages.removePage(all[n - 1]);
    else
      TRY_VOID(addText(pdf, font, all[n - 1], *it->second));
  }
  return {};
}

void write(QPDF& pdf, const fs::path& target) {
  QPDFWriter writer(pdf, target.c_str());
  writer.setStreamDataMode(qpdf_s_preserve);
  // Equal documents give equal bytes. The identity of an encrypted file is part of its key.
  if (!pdf.isEncrypted()) writer.setDeterministicID(true);
  writer.write();
}

Result<void> writeFromPdf(const Document& document, const fs::path& source, const fs::path& target) {
  QPDF pdf;
  pdf.setSuppressWarnings(true);
  pdf.processFile(source.c_str());
  TRY_VOID(addTexts(pdf, document));
  write(pdf, target);
  return {};
}

Result<void> writeFromPictures(const Document& document, const fs::path& source, const fs::path& target) {
  Spool spool(target.string() + ".pictures");
  QPDF pdf;
  pdf.emptyPDF();
  pdf.getTrailer().replaceKey("/Info", pdf.makeIndirectObject(QPDFObjectHandle::parse("<< /Producer (Lectern) >>")));
  auto font = makeFont(pdf);
  for (const auto& page : document.pages) TRY_VOID(addPicturePage(pdf, font, page, source, spool));
  write(pdf, target);
  return {};
}

}  // namespace

double pageDpi(const Page& page) {
  const double side = std::max(page.width, page.height);
  const bool says = page.dpi > 0 && !(page.dpi <= kCameraDpi && side / page.dpi > kLargestSheetInches);
  const double dpi = says ? page.dpi : std::max(kUsualDpi, side / kSheetInches);
  return std::max(dpi, side * kPointsPerInch / kMaxPoints);
}

Result<void> writeSearchablePdf(const Document& document, const fs::path& source, const fs::path& target) {
  TRY(const auto head, readHead(source, 1024));
  try {
    return looksLikePdf(head) ? writeFromPdf(document, source, target) : writeFromPictures(document, source, target);
  } catch (const QPDFExc& e) {
    if (e.getErrorCode() == qpdf_e_password)
      return fail(Code::kInvalid, "the PDF is encrypted; remove its password first, for example with qpdf --decrypt");
    return fail(Code::kCorrupt, "no searchable PDF can be made, the source is damaged (" + e.getMessageDetail() + ")");
  } catch (const std::exception& e) {
    return fail(Code::kCorrupt, std::string("no searchable PDF can be made: ") + e.what());
  }
}

}  // namespace lectern::reader
