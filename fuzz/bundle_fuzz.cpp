// Zip archives: whatever they hold, nothing is written outside the folder and not more than the limit.

#include <zip.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/files.h"
#include "engine/control/bundle.h"

namespace fs = std::filesystem;

namespace {

std::string archiveOf(const std::vector<std::pair<std::string, std::string>>& files) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* out = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_source_keep(out);
  zip_t* archive = zip_open_from_source(out, ZIP_TRUNCATE, &error);
  for (auto& [name, content] : files) {
    zip_source_t* source = zip_source_buffer(archive, content.data(), content.size(), 0);
    zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
  }
  CHECK(zip_close(archive) == 0);
  zip_stat_t stat;
  zip_source_stat(out, &stat);
  std::string bytes(stat.size, '\0');
  zip_source_open(out);
  zip_source_read(out, bytes.data(), bytes.size());
  zip_source_close(out);
  zip_source_free(out);
  return bytes;
}

}  // namespace

std::vector<std::string> fuzzSeeds() {
  return {archiveOf({{"bootstrap", "#!/bin/sh\n"}, {"lib/a.so", std::string(300, 'x')}}),
          archiveOf({{"a", "1"}, {"b/c/d", "2"}, {"e", std::string(5000, 'e')}}), archiveOf({{"x..y", "3"}})};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto folder = *lectern::TempDir::create("lectern-fuzz-");
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  fs::path inside = folder.path() / "in" / "out";
  auto unpacked = lectern::engine::unpackZip(bytes, inside, lectern::kibibytes(64));
  size_t beside = 0;
  for (auto it = fs::directory_iterator(folder.path()); it != fs::directory_iterator(); ++it) ++beside;
  CHECK(beside <= 1);
  if (unpacked) {
    auto measured = lectern::engine::measureDirectory(inside);
    CHECK(measured && measured->value <= 64 * 1024);
  } else {
    CHECK(!fs::exists(inside));
  }
  fs::remove_all(folder.path() / "in");
  return 0;
}
