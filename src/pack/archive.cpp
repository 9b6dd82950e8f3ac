#include "pack/archive.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <zip.h>

#include "base/files.h"

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

Result<void> extractZip(const std::filesystem::path& file, const std::filesystem::path& folder) {
  int code = 0;
  zip_t* zip = zip_open(file.c_str(), ZIP_RDONLY, &code);
  if (zip == nullptr) return fail(Code::kNotFound, fmt::format("cannot open {} (libzip error {})", file.string(), code));
  const auto entries = static_cast<zip_uint64_t>(zip_get_num_entries(zip, 0));
  Result<void> result;
  for (zip_uint64_t i = 0; i < entries && result; ++i) {
    zip_stat_t stat;
    zip_file_t* in = zip_stat_index(zip, i, 0, &stat) == 0 ? zip_fopen_index(zip, i, 0) : nullptr;
    std::string bytes(in != nullptr ? stat.size : 0, '\0');
    const bool whole = in != nullptr && zip_fread(in, bytes.data(), bytes.size()) == static_cast<zip_int64_t>(bytes.size());
    if (in != nullptr) zip_fclose(in);
    if (!whole) {
      result = fail(Code::kCorrupt, fmt::format("{}: entry {} cannot be read", file.string(), i));
      break;
    }
    const auto path = folder / stat.name;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    result = writeFileAtomic(path, bytes);
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    zip_file_get_external_attributes(zip, i, 0, &system, &attributes);
    const auto mode = static_cast<std::filesystem::perms>((attributes >> 16) & 0777);
    std::filesystem::permissions(path, mode, error);
  }
  zip_close(zip);
  return result;
}

}  // namespace lectern::pack
