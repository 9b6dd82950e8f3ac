#include "app/shared_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "app/page_loop.h"
#include "app/pages.h"
#include "base/files.h"
#include "base/text.h"
#include "reader/image/decode.h"
#include "reader/output/json.h"

namespace lectern::app {

namespace fs = std::filesystem;

namespace {

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
    // The file keeps its own name inside, so that messages name what the user gave; events are JSON and take only text.
    const fs::path copy = folder.path() / printable(file.path.filename().string(), '_');
    if (auto copied = copyFile(file.path, copy); !copied) {
      return fail(copied.error().code, "cannot hand it to the function: " + copied.error().message +
                                           "; TMPDIR names another folder for pages under way");
    }
    const auto read = [&](const RenderedPage& page, reader::Document& part) {
      return readOne(page, folder.path(), part);
    };
    if (!pdf) {
      TRY(const auto source, pagesOfImage(copy, read));
      return readInOrder(source, pages_, document, control);
    }
    const auto render = [&](int first, int last) { return renderPages(copy, folder.path(), first, last); };
    return readInOrder({render, read, removeRendered}, pages_, document, control);
  }

 private:
  std::string inside(const fs::path& path) const {
    return (shared_.there / path.lexically_relative(shared_.here)).string();
  }

  Result<Rendered> renderPages(const fs::path& pdf, const fs::path& folder, int first, int last) {
    TRY(const auto payload,
        call_("pdf", {{"pdf", inside(pdf)}, {"out", inside(folder)}, {"first", first}, {"last", last}}));
    TRY(auto rendered, renderedFromJson(payload));
    // The function names files by its own paths; whatever it says, they are in this document's folder.
    for (auto& page : rendered.rendered) {
      for (std::string* made : {&page.image, &page.text}) {
        if (!made->empty()) *made = (folder / fs::path(*made).filename()).string();
      }
    }
    return rendered;
  }

  Result<void> readOne(const RenderedPage& from, const fs::path& folder, reader::Document& part) {
    const fs::path output = folder / fmt::format("page-{}.json", from.number);
    json::object event{{"image", inside(from.image)},
                       {"page", from.in_file},
                       {"number", from.number},
                       {"output", inside(output)}};
    if (!from.text.empty()) event["text"] = inside(from.text);
    TRY(const std::string payload, call_("ocr", event));
    TRY(const auto answer, parseJson(payload));
    std::error_code ec;
    // A file, not a link to somewhere else: the folder is the function's to write.
    if (!fs::is_regular_file(fs::symlink_status(output, ec)))
      return fail(Code::kInternal, "the ocr function answered without writing the page");
    TRY(const std::string text, readFile(output, mebibytes(256)));
    TRY(const auto value, parseJson(text));
    TRY(auto page, reader::pageFromJson(value));
    if (from.dpi > 0) page.dpi = from.dpi;
    if (answer.is_object()) addMeasurements(answer.get_object(), part);
    part.pages.push_back(std::move(page));
    fs::remove(output, ec);
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
