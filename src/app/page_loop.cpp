#include "app/page_loop.h"

#include <algorithm>
#include <climits>
#include <optional>
#include <set>
#include <thread>

#include "reader/image/decode.h"

namespace lectern::app {

namespace {

constexpr int kBatch = 8;  // pages made ready at once

bool wantsAny(const std::vector<PageRange>& ranges, int first, int last) {
  if (ranges.empty()) return true;
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const PageRange& r) { return r.first <= last && r.last >= first; });
}

class Batch {
 public:
  Batch(const PageSource& source, std::vector<RenderedPage> pages, const ReadControl& control)
      : source_(source), control_(control), pages_(std::move(pages)), parts_(pages_.size()), errors_(pages_.size()) {}

  /// `of`: pages of the whole document, for the progress.
  Result<void> read(reader::Document& document, int of) {
    read_ = static_cast<int>(document.pages.size());
    std::vector<std::thread> others;
    const size_t workers = std::min(pages_.size(), control_.slots.count());
    for (size_t w = 1; w < workers; ++w) others.emplace_back([this, of] { work(of); });
    work(of);
    for (auto& t : others) t.join();
    Result<void> result;
    for (size_t i = 0; i < pages_.size(); ++i) {
      if (errors_[i] && result) result = Failure(std::move(*errors_[i]));
      if (parts_[i].pages.empty() && result) result = fail(Code::kCancelled, "stopped");
      std::move(parts_[i].pages.begin(), parts_[i].pages.end(), std::back_inserter(document.pages));
      std::move(parts_[i].timings.begin(), parts_[i].timings.end(), std::back_inserter(document.timings));
      if (document.models.empty()) document.models = std::move(parts_[i].models);
    }
    return result;
  }

 private:
  void work(int of) {
    for (size_t i = next_++; i < pages_.size() && !failed_ && !control_.stop; i = next_++) {
      const Slots::Use use(control_.slots);
      if (auto read = source_.read(pages_[i], parts_[i]); !read) {
        errors_[i] = read.error();
        failed_ = true;
      } else if (control_.on_page) {
        control_.on_page(++read_, of);
      }
    }
  }

  const PageSource& source_;
  const ReadControl& control_;
  const std::vector<RenderedPage> pages_;
  std::vector<reader::Document> parts_;
  std::vector<std::optional<Error>> errors_;
  std::atomic<size_t> next_{0};
  std::atomic<int> read_{0};
  std::atomic<bool> failed_{false};
};

}  // namespace

Result<PageSource> pagesOfImage(const std::filesystem::path& image,
                                std::function<Result<void>(const RenderedPage&, reader::Document&)> read) {
  TRY(const auto file, reader::ImageFile::open(image));
  const int pages = file->pages();
  auto render = [image, pages](int first, int last) -> Result<Rendered> {
    Rendered out{pages, {}};
    for (int n = first; n <= std::min(last, pages); ++n) {
      out.rendered.push_back({.number = n, .image = image.string(), .in_file = n});
    }
    return out;
  };
  return PageSource{std::move(render), std::move(read)};
}

void removeRendered(const Rendered& rendered) {
  std::error_code ignored;
  for (const auto& page : rendered.rendered) {
    std::filesystem::remove(page.image, ignored);
    if (!page.text.empty()) std::filesystem::remove(page.text, ignored);
  }
}

namespace {
Result<void> readMissing(const PageSource& source, const std::vector<PageRange>& wanted, reader::Document& document,
                         const ReadControl& control) {
  std::set<int> there;
  for (const auto& page : document.pages) there.insert(page.number);
  const auto missing = [&](int number) { return wantsAny(wanted, number, number) && !there.contains(number); };
  int pages = INT_MAX;
  for (int first = 1; first <= pages && wantsAny(wanted, first, INT_MAX); first += kBatch) {
    bool any = false;
    for (int n = first; n < first + kBatch; ++n) any = any || missing(n);
    if (!any) continue;
    if (control.stop) return fail(Code::kCancelled, "stopped");
    std::optional<Slots::Use> use(control.slots);
    TRY(const Rendered rendered, source.render(first, first + kBatch - 1));
    use.reset();
    pages = rendered.pages;
    std::vector<RenderedPage> batch;
    std::copy_if(rendered.rendered.begin(), rendered.rendered.end(), std::back_inserter(batch),
                 [&](const RenderedPage& p) { return missing(p.number); });
    auto read = Batch(source, std::move(batch), control).read(document, pages);
    if (source.release) source.release(rendered);
    if (!read) return read;
  }
  return {};
}
}  // namespace

Result<void> readInOrder(const PageSource& source, const std::vector<PageRange>& wanted, reader::Document& document,
                         const ReadControl& control) {
  auto read = readMissing(source, wanted, document, control);
  std::sort(document.pages.begin(), document.pages.end(),
            [](const reader::Page& a, const reader::Page& b) { return a.number < b.number; });
  return read;
}

}  // namespace lectern::app
