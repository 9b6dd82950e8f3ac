#include "model/formats/wire.h"

#include <cstring>

namespace lectern::model::formats {

Result<uint64_t> takeVarint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int i = 0; i < 10; ++i) {
    if (static_cast<size_t>(i) >= bytes.size()) return fail(Code::kCorrupt, "a number is cut short");
    const auto byte = static_cast<unsigned char>(bytes[i]);
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      return value;
    }
  }
  return fail(Code::kCorrupt, "a number is longer than ten bytes");
}

Result<bool> FieldReader::next(Field& field) {
  if (rest_.empty()) return false;
  const std::string_view start = rest_;
  TRY(const uint64_t tag, takeVarint(rest_));
  field.number = static_cast<uint32_t>(tag >> 3);
  field.wire = static_cast<int>(tag & 7);
  field.value = 0;
  field.bytes = {};
  if (field.number == 0 || tag >> 32 != 0) return fail(Code::kCorrupt, "bad field number");
  if (field.wire == 0) {
    TRY(field.value, takeVarint(rest_));
  } else if (field.wire == 2) {
    TRY(const uint64_t length, takeVarint(rest_));
    if (length > rest_.size()) return fail(Code::kCorrupt, "a field is longer than the file");
    field.bytes = rest_.substr(0, length);
    rest_.remove_prefix(length);
  } else if (field.wire == 1 || field.wire == 5) {
    const size_t width = field.wire == 1 ? 8 : 4;
    if (rest_.size() < width) return fail(Code::kCorrupt, "a number is cut short");
    std::memcpy(&field.value, rest_.data(), width);
    rest_.remove_prefix(width);
  } else {
    return fail(Code::kCorrupt, "unknown wire type");
  }
  field.raw = start.substr(0, start.size() - rest_.size());
  return true;
}

void putVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void putInt(std::string& out, uint32_t number, uint64_t value) {
  putVarint(out, static_cast<uint64_t>(number) << 3);
  putVarint(out, value);
}

void putHead(std::string& out, uint32_t number, uint64_t length) {
  putVarint(out, static_cast<uint64_t>(number) << 3 | 2);
  putVarint(out, length);
}

void putBytes(std::string& out, uint32_t number, std::string_view bytes) {
  putHead(out, number, bytes.size());
  out.append(bytes);
}

void putFixed32(std::string& out, uint32_t number, uint32_t value) {
  putVarint(out, static_cast<uint64_t>(number) << 3 | 5);
  out.append(reinterpret_cast<const char*>(&value), 4);
}

}  // namespace lectern::model::formats
