#include "reader/searchable/searchable.h"

#include <gtest/gtest.h>
#include <leptonica/allheaders.h>
#include <poppler-document.h>
#include <poppler-image.h>
#include <poppler-page-renderer.h>
#include <poppler-page.h>
#include <sys/resource.h>

#include <qpdf/QPDF.hh>
#include <qpdf/QPDFPageObjectHelper.hh>
#include <qpdf/QPDFWriter.hh>

#include "base/files.h"

namespace lectern::reader {
namespace {

/// A page of 400 × 200 pixels at 100 dpi with the words in one line.
Page pageWith(std::vector<std::string> words, int number = 1) {
  Page page;
  page.number = number;
  page.width = 400;
  page.height = 200;
  page.dpi = 100;
  Line line;
  for (const auto& text : words) {
    Word w;
    w.text = text;
    const int x = 20 + 100 * static_cast<int>(page.words.size());
    w.box = {x, 50, x + 80, 80};
    w.line = 0;
    line.words.push_back(static_cast<int>(page.words.size()));
    line.box = unite(line.box, w.box);
    page.words.push_back(w);
  }
  line.quad = quadOf(line.box);
  line.block = 0;
  Block block;
  block.lines = {0};
  page.lines = {line};
  page.blocks = {block};
  return page;
}

class SearchableTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create();
    ASSERT_TRUE(made);
    dir_.emplace(std::move(*made));
    target_ = dir_->path() / "out.pdf";
  }

  /// A black and white TIFF of so many pages, black where page `n` of the tests has its first word.
  std::string tiff(int pages) {
    const std::string path = dir_->path() / "in.tif";
    for (int n = 0; n < pages; ++n) {
      Pix* pix = pixCreate(400, 200, 1);
      pixRasterop(pix, 20, 50, 80, 30, PIX_SET, nullptr, 0, 0);
      pixSetResolution(pix, 100, 100);
      EXPECT_EQ(pixWriteTiff(path.c_str(), pix, IFF_TIFF_G4, n == 0 ? "w" : "a"), 0);
      pixDestroy(&pix);
    }
    return path;
  }

  std::unique_ptr<poppler::document> written() {
    QPDF check;  // complains about whatever the standard forbids
    check.processFile(target_.c_str());
    QPDFWriter nowhere(check);
    nowhere.setOutputMemory();
    nowhere.setDecodeLevel(qpdf_dl_all);
    nowhere.write();
    EXPECT_TRUE(check.getWarnings().empty());
    return std::unique_ptr<poppler::document>(poppler::document::load_from_file(target_.string()));
  }

  static std::string textOf(const poppler::document& pdf, int page) {
    const std::unique_ptr<poppler::page> p(pdf.create_page(page - 1));
    const auto bytes = p->text().to_utf8();
    std::string text(bytes.begin(), bytes.end());
    while (!text.empty() && (text.back() == '\n' || text.back() == '\f')) text.pop_back();
    return text;
  }

  /// Grey level of a point of the rendered page, at 100 dpi.
  static int grey(const poppler::document& pdf, int page, int x, int y) {
    const std::unique_ptr<poppler::page> p(pdf.create_page(page - 1));
    poppler::page_renderer renderer;
    renderer.set_image_format(poppler::image::format_gray8);
    const auto image = renderer.render_page(p.get(), 100, 100);
    return static_cast<unsigned char>(image.const_data()[y * image.bytes_per_row() + x]);
  }

  std::optional<TempDir> dir_;
  std::filesystem::path target_;
};

TEST_F(SearchableTest, AllPagesOfATiffWithTheirWordsInPlace) {
  Document d;
  for (int n = 1; n <= 3; ++n) d.pages.push_back(pageWith({"Größe", "page", std::to_string(n)}, n));
  ASSERT_TRUE(writeSearchablePdf(d, tiff(3), target_));
  const auto pdf = written();
  ASSERT_EQ(pdf->pages(), 3);
  for (int n = 1; n <= 3; ++n) EXPECT_EQ(textOf(*pdf, n), "Größe page " + std::to_string(n));
  const std::unique_ptr<poppler::page> page(pdf->create_page(1));
  EXPECT_NEAR(page->page_rect().width(), 288, 0.1);
  const auto boxes = page->text_list();
  ASSERT_EQ(boxes.size(), 3u);
  EXPECT_NEAR(boxes[1].bbox().x(), 120 * 0.72, 1);
  EXPECT_NEAR(boxes[1].bbox().width(), 80 * 0.72, 1);
  EXPECT_NEAR(boxes[1].bbox().y(), 50 * 0.72, 1);
  EXPECT_NEAR(boxes[1].bbox().height(), 30 * 0.72, 1);
  EXPECT_LT(grey(*pdf, 3, 60, 65), 20);
  EXPECT_GT(grey(*pdf, 3, 160, 65), 235);
  EXPECT_FALSE(std::filesystem::exists(target_.string() + ".pictures"));
}

TEST_F(SearchableTest, EqualDocumentsGiveEqualBytes) {
  Document d;
  d.pages = {pageWith({"one"})};
  ASSERT_TRUE(writeSearchablePdf(d, tiff(1), target_));
  const auto first = readFile(target_);
  ASSERT_TRUE(writeSearchablePdf(d, dir_->path() / "in.tif", target_));
  EXPECT_EQ(*readFile(target_), *first);
}

TEST_F(SearchableTest, APictureThatWasTurnedStandsUpright) {
  // The source lies as the upright page turned by 90 degrees against the clock.
  Pix* pix = pixCreate(200, 400, 1);
  pixRasterop(pix, 50, 300, 30, 80, PIX_SET, nullptr, 0, 0);
  const std::string path = dir_->path() / "in.tif";
  ASSERT_EQ(pixWrite(path.c_str(), pix, IFF_TIFF_G4), 0);
  pixDestroy(&pix);
  Document d;
  d.pages = {pageWith({"turned"})};
  d.pages[0].rotation = 90;
  ASSERT_TRUE(writeSearchablePdf(d, path, target_));
  const auto pdf = written();
  EXPECT_LT(grey(*pdf, 1, 60, 65), 20);
  EXPECT_GT(grey(*pdf, 1, 60, 150), 235);
}

TEST_F(SearchableTest, PagesOfAPdfKeepTheirStreamsAndGainText) {
  Document pictures;
  for (int n = 1; n <= 2; ++n) pictures.pages.push_back(pageWith({}, n));
  const auto source = dir_->path() / "in.pdf";
  ASSERT_TRUE(writeSearchablePdf(pictures, tiff(2), source));
  Document d;
  d.pages = {pageWith({"first"}, 1), pageWith({"second"}, 2)};
  d.pages[1].has_text_layer = true;  // as if its words were its own: it is left alone
  ASSERT_TRUE(writeSearchablePdf(d, source, target_));
  const auto pdf = written();
  EXPECT_EQ(textOf(*pdf, 1), "first");
  EXPECT_EQ(textOf(*pdf, 2), "");
  EXPECT_LT(grey(*pdf, 1, 60, 65), 20);
  const auto imageOf = [](const std::filesystem::path& path) {
    QPDF q;
    q.processFile(path.c_str());
    const auto data = QPDFPageObjectHelper(q.getAllPages()[0]).getImages().begin()->second.getRawStreamData();
    return std::string(reinterpret_cast<const char*>(data->getBuffer()), data->getSize());
  };
  EXPECT_EQ(imageOf(source), imageOf(target_));
  d.pages = {pageWith({"second"}, 2)};
  ASSERT_TRUE(writeSearchablePdf(d, source, target_));
  EXPECT_EQ(written()->pages(), 1);
  EXPECT_EQ(textOf(*written(), 1), "second");
}

/// However a page of a PDF lies and was cut, words stand where they were read.
TEST_F(SearchableTest, TurnedAndCutPagesOfAPdf) {
  Document pictures;
  pictures.pages = {pageWith({})};
  const auto source = dir_->path() / "plain.pdf", turned = dir_->path() / "turned.pdf";
  ASSERT_TRUE(writeSearchablePdf(pictures, tiff(1), source));
  for (const int rotate : {0, 90, 180, 270}) {
    for (const int read : {0, 90, 180, 270}) {
      QPDF q;
      q.processFile(source.c_str());
      auto page = q.getAllPages()[0];
      page.replaceKey("/Rotate", QPDFObjectHandle::newInteger(rotate));
      page.replaceKey("/CropBox", QPDFObjectHandle::parse("[8 4 278 134]"));
      QPDFWriter(q, turned.c_str()).write();
      Document d;
      d.pages = {pageWith({"word"})};
      const bool upended = (rotate + read) % 180 != 0;
      d.pages[0].width = upended ? 260 : 540;
      d.pages[0].height = upended ? 540 : 260;
      d.pages[0].rotation = read;
      ASSERT_TRUE(writeSearchablePdf(d, turned, target_));
      const auto pdf = written();
      EXPECT_EQ(textOf(*pdf, 1), "word");
      const std::unique_ptr<poppler::page> p(pdf->create_page(0));
      const auto boxes = p->text_list();
      ASSERT_EQ(boxes.size(), 1u);
      // Poppler tells places on what is shown of the page; a pixel is half a point here.
      EXPECT_NEAR(boxes[0].bbox().x(), 10, 1) << rotate << " " << read;
      EXPECT_NEAR(boxes[0].bbox().y(), 25, 1) << rotate << " " << read;
      EXPECT_NEAR(boxes[0].bbox().width(), 40, 1) << rotate << " " << read;
      EXPECT_EQ(boxes[0].rotation(), 0) << rotate << " " << read;
    }
  }
}

TEST_F(SearchableTest, WordsWhoseBoxesTouchStayApart) {
  Document d;
  d.pages = {pageWith({"these", "words", "touch"})};
  for (auto& word : d.pages[0].words) word.box.x1 += 22;
  ASSERT_TRUE(writeSearchablePdf(d, tiff(1), target_));
  EXPECT_EQ(textOf(*written(), 1), "these words touch");
}

TEST_F(SearchableTest, TiltedLinesAreFollowed) {
  Document d;
  d.pages = {pageWith({"down", "hill"})};
  auto& line = d.pages[0].lines[0];
  line.quad = {Point{20, 50}, Point{200, 56}, Point{199, 86}, Point{19, 80}};
  d.pages[0].words[0].box = {19, 50, 100, 83};
  d.pages[0].words[1].box = {119, 53, 200, 86};
  ASSERT_TRUE(writeSearchablePdf(d, tiff(1), target_));
  const auto pdf = written();
  EXPECT_EQ(textOf(*pdf, 1), "down hill");
  const std::unique_ptr<poppler::page> page(pdf->create_page(0));
  const auto words = page->text_list();
  ASSERT_EQ(words.size(), 2u);
  EXPECT_NEAR(words[1].bbox().y() - words[0].bbox().y(), 100 / 30.0 * 0.72, 0.5);
}

TEST_F(SearchableTest, DamagedAndLockedPdfsAreNamedInOneLine) {
  Document d;
  d.pages = {pageWith({"word"})};
  const auto source = dir_->path() / "in.pdf";
  ASSERT_TRUE(writeSearchablePdf(d, tiff(1), source));
  QPDF q;
  q.processFile(source.c_str());
  const auto locked = dir_->path() / "locked.pdf";
  QPDFWriter writer(q, locked.c_str());
  writer.setR6EncryptionParameters("user", "owner", true, true, true, true, true, true, qpdf_r3p_full, true);
  writer.write();
  const auto refused = writeSearchablePdf(d, locked, target_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "the PDF is encrypted; remove its password first, for example with qpdf --decrypt");
  ASSERT_TRUE(writeFileAtomic(source, "%PDF-1.7\nnothing more\n"));
  const auto damaged = writeSearchablePdf(d, source, target_);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().message.find('\n'), std::string::npos);
  EXPECT_NE(damaged.error().message.find("damaged"), std::string::npos);
}

/// Megabytes of the most this process has ever held.
double peakMegabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

TEST_F(SearchableTest, ManyPagesTakeTheMemoryOfFew) {
  constexpr int kPages = 20;
  const std::string path = dir_->path() / "in.tif";
  Pix* pix = pixCreate(1200, 1200, 8);
  uint32_t state = 1;
  for (int n = 0; n < kPages; ++n) {
    for (int i = 0; i < pixGetWpl(pix) * pixGetHeight(pix); ++i) {
      state = state * 1664525 + 1013904223;  // noise: nothing makes these pictures smaller
      pixGetData(pix)[i] = state ^ state >> 15;
    }
    ASSERT_EQ(pixWriteTiff(path.c_str(), pix, IFF_TIFF, n == 0 ? "w" : "a"), 0);
  }
  pixDestroy(&pix);
  Document d;
  d.pages = {pageWith({"word"}, 1)};
  ASSERT_TRUE(writeSearchablePdf(d, path, target_));
  const double before = peakMegabytes();
  for (int n = 2; n <= kPages; ++n) d.pages.push_back(pageWith({"word"}, n));
  ASSERT_TRUE(writeSearchablePdf(d, path, target_));
  EXPECT_GT(std::filesystem::file_size(target_), 1200u * 1200 * kPages);
  const auto all = dir_->path() / "all.pdf";
  ASSERT_TRUE(writeSearchablePdf(d, target_, all));
  EXPECT_LT(peakMegabytes() - before, 14);  // of twice as much
}

TEST_F(SearchableTest, PageSizes) {
  Page page = pageWith({});
  EXPECT_EQ(pageDpi(page), 100);
  page.dpi = 72;
  EXPECT_EQ(pageDpi(page), 72);
  page.width = 4000;  // a camera's picture: no sheet is 55 inches wide
  EXPECT_NEAR(4000 / pageDpi(page), 11.69, 0.01);
  page.dpi = 0;
  page.width = 600;
  EXPECT_EQ(pageDpi(page), 150);
}

}  // namespace
}  // namespace lectern::reader
