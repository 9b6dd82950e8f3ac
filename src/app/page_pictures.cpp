#include "app/page_pictures.h"

#include "app/backend.h"
#include "app/pdf_program.h"
#include "base/files.h"
#include "reader/searchable/picture.h"

namespace lectern::app {

namespace {

namespace fs = std::filesystem;

Result<std::string> pictureOf(const fs::path& file, const reader::Page& page, int seconds) {
  TRY(const bool pdf, isPdf(file));
  if (!pdf) return reader::uprightPicture(file, page.number, page.rotation);
  TRY(const auto folder, TempDir::create("lectern-overlay-"));
  TRY(const auto rendered, renderWithProgram(file, folder.path(), page.number, page.number, seconds));
  if (rendered.rendered.empty()) return fail(Code::kNotFound, "no such page");
  return reader::uprightPicture(rendered.rendered[0].image, 1, page.rotation);
}

}  // namespace

reader::PagePicture picturesOf(const fs::path& file, int seconds) {
  return [file, seconds](const reader::Page& page) { return pictureOf(file, page, seconds).value_or(std::string()); };
}

}  // namespace lectern::app
