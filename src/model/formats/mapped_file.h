#pragma once
// A whole file, mapped for reading.

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace lectern::model::formats {

class MappedFile {
 public:
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept : data_(other.data_), size_(other.size_) { other.data_ = nullptr; }
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();
  std::string_view bytes() const { return {data_, size_}; }

 private:
  MappedFile(const char* data, size_t size) : data_(data), size_(size) {}
  const char* data_;
  size_t size_;
};

/// Writes a file from pieces beside the target and renames it at the end; an unfinished one is removed.
class PieceWriter {
 public:
  static Result<PieceWriter> create(const std::filesystem::path& path);
  PieceWriter(PieceWriter&& other) noexcept;
  PieceWriter& operator=(PieceWriter&&) = delete;
  ~PieceWriter();
  Result<void> write(std::string_view piece);
  int64_t written() const { return written_; }
  Result<void> commit();

 private:
  PieceWriter(std::filesystem::path path, std::filesystem::path temporary, int fd)
      : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}
  std::filesystem::path path_, temporary_;
  int fd_;
  int64_t written_ = 0;
};

}  // namespace lectern::model::formats
