#pragma once
// The pages of one document: several are read at the same time, and they come out in their order.

#include <functional>
#include <vector>

#include "app/backend.h"
#include "app/pages.h"
#include "base/result.h"
#include "reader/page/page.h"

namespace lectern::app {

/// Where a document's pages come from and how one of them is read.
struct PageSource {
  /// Makes pages first..last ready; those behind the end are left out.
  std::function<Result<Rendered>(int first, int last)> render;
  /// Reads one of them, adding the page, its timings and the models to `part`. Called from several threads.
  std::function<Result<void>(const RenderedPage&, reader::Document& part)> read;
  /// Called when the pages of a call of `render` have been read; may be empty.
  std::function<void(const Rendered&)> release = {};
};

/// A source over the pages of an image file, which `read` opens by RenderedPage::image and in_file.
Result<PageSource> pagesOfImage(const std::filesystem::path& image,
                                std::function<Result<void>(const RenderedPage&, reader::Document&)> read);

/// Removes the files of rendered pages.
void removeRendered(const Rendered& rendered);

/// Reads the wanted pages (none named: all) into `document`, but those that are in it already; the first page in order that
/// fails is the error, and what was read until then is in the document all the same.
/// A few pages are made ready at once: a long document takes no more disk than a short one.
Result<void> readInOrder(const PageSource& source, const std::vector<PageRange>& wanted, reader::Document& document,
                         const ReadControl& control);

}  // namespace lectern::app
