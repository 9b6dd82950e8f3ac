#pragma once
// A document as programs walk over it: words in rows, pieces of rows, blocks; everything found once.

#include <string>
#include <vector>

#include "reader/page/page.h"
#include "reader/page/rows.h"

namespace lectern::reader {

/// Some words of one page, in reading order.
struct Span {
  int page = 0;  // index into Document::pages
  std::vector<int> words;
  Box box;
  bool operator==(const Span& other) const { return page == other.page && words == other.words; }
};

class View {
 public:
  explicit View(const Document& document);

  const Document& document() const { return document_; }
  const Page& page(int index) const { return document_.pages[static_cast<size_t>(index)]; }
  int pages() const { return static_cast<int>(document_.pages.size()); }
  const std::vector<TextRow>& rows(int page) const { return pages_[static_cast<size_t>(page)].rows; }
  /// plainText of a word.
  const std::string& plain(int page, int word) const {
    return pages_[static_cast<size_t>(page)].plain[static_cast<size_t>(word)];
  }

  std::string text(const Span& span) const;
  /// Each gives an empty span where there is nothing. The nearest piece of a row to that side; pieces are words that
  /// stand closer than a column gap.
  Span right(const Span& from) const;
  Span left(const Span& from) const;
  /// The nearest piece below or above that shares some of the width or the left edge.
  Span below(const Span& from) const { return vertical(from, 1); }
  Span above(const Span& from) const { return vertical(from, -1); }
  /// All words of the row that the span begins in.
  Span row(const Span& from) const;
  /// All words of the block that the span begins in.
  Span block(const Span& from) const;
  Span spanOf(int page, std::vector<int> words) const;

 private:
  struct PageView {
    std::vector<TextRow> rows;
    std::vector<std::string> plain;
    std::vector<int> row_of;  // of each word; -1: of none
  };
  Span vertical(const Span& from, int direction) const;
  int rowOf(const Span& span) const;

  const Document& document_;
  std::vector<PageView> pages_;
};

}  // namespace lectern::reader
