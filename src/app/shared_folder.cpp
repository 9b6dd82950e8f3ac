#include "app/shared_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "app/pages.h"
#include "base/files.h"
#include "reader/image/decode.h"
#include "reader/output/json.h"

namespace lectern::app {

namespace fs = std::filesystem;

namespace {

constexpr int kPdfBatch = 8;  // pages rendered at once: bounds the disk that a long PDF takes

/// Copies the bytes of a file; a copy that fails leaves nothing behind.
Result<void> copyFile(const fs::path& from, const fs::path& to) {
  Fd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source.valid()) return failErrno("open " + from.string(), errno);
  Fd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!target.valid()) return failErrno("write " + to.string(), errno);
  char buffer[1 << 16];
  while (true) {
    const ssize_t n = ::read(source.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) return {};
    // A short write on a full disk is told by the next one.
    ssize_t written = 0;
    while (n > 0 && written < n) {
      const ssize_t w = ::write(target.get(), buffer + written, static_cast<size_t>(n - written));
      if (w < 0 && errno != EINTR) break;
      if (w > 0) written += w;
    }
    if (n > 0 && written == n) continue;
    const int error = errno;
    ::unlink(to.c_str());
    return failErrno((n < 0 ? "read " + from.string() : "write " + to.string()), error);
  }
}

/// A folder of one document below the shared one, open to the function's user.
class Handover {
 public:
  static Result<Handover> create(const fs::path& shared) {
    std::string name = (shared / "doc-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) return failErrno("create a folder for the function", errno);
    fs::permissions(name, fs::perms::all);
    return Handover(name);
  }
  explicit Handover(fs::path path) : path_(std::move(path)) {}
  Handover(Handover&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  ~Handover() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

class Reading {
 public:
  Reading(const SharedFolder& shared, const std::vector<PageRange>& pages, const CallFunction& call)
      : shared_(shared), pages_(pages), call_(call) {}

  Result<void> readPages(const InputFile& file, reader::Document& document, const ReadControl& control) {
    TRY(const auto folder, Handover::create(shared_.here));
    TRY(const bool pdf, isPdf(file.path));
    // The file keeps its own name inside, so that messages name what the user gave.
    const fs::path copy = folder.path() / file.path.filename();
    if (auto copied = copyFile(file.path, copy); !copied) {
      return fail(copied.error().code, "cannot hand it to the function: " + copied.error().message +
                                           "; TMPDIR names another folder for pages under way");
    }
    if (pdf) return readPdf(copy, folder.path(), document, control);
    TRY(auto source, reader::ImageFile::open(copy));
    for (int n = 1; n <= source->pages(); ++n) {
      if (!wantsPage(pages_, n)) continue;
      if (control.stop) return fail(Code::kCancelled, "stopped");
      TRY_VOID(readOne({{"image", inside(copy)}, {"page", n}, {"number", n}}, folder.path(), 0, document));
      control.pageRead(document, source->pages());
    }
    return {};
  }

 private:
  std::string inside(const fs::path& path) const {
    return (shared_.there / path.lexically_relative(shared_.here)).string();
  }

  Result<void> readOne(json::object event, const fs::path& folder, int dpi, reader::Document& document) {
    const fs::path output = folder / fmt::format("page-{}.json", document.pages.size() + 1);
    event["output"] = inside(output);
    TRY(const std::string payload, call_("ocr", event));
    TRY(const auto answer, parseJson(payload));
    std::error_code ec;
    // A file, not a link to somewhere else: the folder is the function's to write.
    if (!fs::is_regular_file(fs::symlink_status(output, ec)))
      return fail(Code::kInternal, "the ocr function answered without writing the page");
    TRY(const std::string text, readFile(output, mebibytes(256)));
    TRY(const auto value, parseJson(text));
    TRY(auto page, reader::pageFromJson(value));
    if (dpi > 0) page.dpi = dpi;
    if (answer.is_object()) addMeasurements(answer.get_object(), document);
    document.pages.push_back(std::move(page));
    std::error_code ignored;
    fs::remove(output, ignored);
    return {};
  }

  Result<void> readPdf(const fs::path& copy, const fs::path& folder, reader::Document& document,
                       const ReadControl& control) {
    int pages = INT_MAX;
    for (int first = 1; first <= pages; first += kPdfBatch) {
      if (nothingFrom(pages_, first)) break;
      if (!wantsAny(pages_, first, first + kPdfBatch - 1)) continue;
      if (control.stop) return fail(Code::kCancelled, "stopped");
      TRY(const auto payload,
          call_("pdf",
                {{"pdf", inside(copy)}, {"out", inside(folder)}, {"first", first}, {"last", first + kPdfBatch - 1}}));
      TRY(const auto rendered, renderedFromJson(payload));
      pages = rendered.pages;
      for (const auto& r : rendered.rendered) {
        json::object event{{"image", r.image}, {"page", 1}, {"number", r.number}};
        if (!r.text.empty()) event["text"] = r.text;
        if (wantsPage(pages_, r.number)) {
          if (control.stop) return fail(Code::kCancelled, "stopped");
          TRY_VOID(readOne(std::move(event), folder, r.dpi, document));
          control.pageRead(document, pages);
        }
        std::error_code ignored;
        for (const std::string& made : {r.image, r.text}) {
          if (!made.empty()) fs::remove(folder / fs::path(made).filename(), ignored);
        }
      }
    }
    return {};
  }

  const SharedFolder& shared_;
  const std::vector<PageRange>& pages_;
  const CallFunction& call_;
};

}  // namespace

Result<void> readOverFolder(const SharedFolder& shared, const std::vector<PageRange>& pages, const CallFunction& call,
                            const InputFile& file, reader::Document& document, const ReadControl& control) {
  return Reading(shared, pages, call).readPages(file, document, control);
}

}  // namespace lectern::app
