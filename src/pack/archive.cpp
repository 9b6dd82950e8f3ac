#include "pack/archive.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <zip.h>

namespace lectern::pack {


Result<void> writeZip(const std::filesystem::path& file, const Entries& entries) {
  int code = 0;
  zip_t* zip = zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (zip == nullptr) return fail(Code::kDenied, fmt::format("cannot write {} (libzip error {})", file.string(), code));
  for (const auto& [name, entry] : entries) {
    zip_source_t* source = zip_source_buffer(zip, entry.bytes.data(), entry.bytes.size(), 0);
    const zip_int64_t at = source != nullptr ? zip_file_add(zip, name.c_str(), source, ZIP_FL_ENC_UTF_8) : -1;
    if (at < 0) {
      const std::string text = zip_strerror(zip);
      if (source != nullptr) zip_source_free(source);
      zip_discard(zip);
      return fail(Code::kInternal, fmt::format("{}: {}", name, text));
    }
    const auto index = static_cast<zip_uint64_t>(at);
    zip_set_file_compression(zip, index, ZIP_CM_DEFLATE, 9);
    zip_file_set_dostime(zip, index, 0, (0 << 9) | (1 << 5) | 1, 0);
    const zip_uint32_t mode = S_IFREG | (entry.executable ? 0755U : 0644U);
    zip_file_set_external_attributes(zip, index, 0, ZIP_OPSYS_UNIX, mode << 16);
  }
  if (zip_close(zip) == 0) return {};
  const std::string text = zip_strerror(zip);
  zip_discard(zip);
  return fail(Code::kNoSpace, fmt::format("write {}: {}", file.string(), text));
}

}  // namespace lectern::pack
