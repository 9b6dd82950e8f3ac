#pragma once
#include <string>

#include "reader/page/page.h"

namespace lectern::reader {

/// Markdown (GFM): headings, paragraphs, tables in reading order.
std::string documentToMarkdown(const Document& document);
/// Tesseract's twelve columns: level page_num block_num par_num line_num word_num left top width height conf text.
std::string documentToTsv(const Document& document);
/// hOCR 1.2: pages, areas, lines with boxes, words with confidences.
std::string documentToHocr(const Document& document);
/// One HTML page: text in reading order, tables with their spans.
std::string documentToHtml(const Document& document);

}  // namespace lectern::reader
