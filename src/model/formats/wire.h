#pragma once
// The wire form of Protocol Buffers, read over spans and written without schema. A reader of our own because models
// exceed the library's 2 GB, because nothing is copied, and because fields nobody knows are kept byte for byte.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lectern::model::formats {

struct Field {
  uint32_t number = 0;
  int wire = 0;            // 0 varint, 1 fixed64, 2 bytes, 5 fixed32
  uint64_t value = 0;      // varint and fixed
  std::string_view bytes;  // of wire type 2
  std::string_view raw;    // the whole field with its tag
};

/// Goes through the fields of one message.
class FieldReader {
 public:
  explicit FieldReader(std::string_view message) : rest_(message) {}
  /// False at the end; kCorrupt for what is no message.
  Result<bool> next(Field& field);

 private:
  std::string_view rest_;
};

/// Takes a varint off the front; kCorrupt when it is cut short or longer than ten bytes.
Result<uint64_t> takeVarint(std::string_view& bytes);

/// Calls visit(field) for each field; stops at its first error. The visitor returns Result<void>.
template <typename Visit>
Result<void> eachField(std::string_view message, Visit&& visit) {
  FieldReader reader(message);
  Field field;
  while (true) {
    TRY(const bool more, reader.next(field));
    if (!more) return {};
    TRY_VOID(visit(field));
  }
}

void putVarint(std::string& out, uint64_t value);
void putInt(std::string& out, uint32_t number, uint64_t value);
void putBytes(std::string& out, uint32_t number, std::string_view bytes);
void putFixed32(std::string& out, uint32_t number, uint32_t value);
/// Tag and length of a bytes field whose content follows by other means.
void putHead(std::string& out, uint32_t number, uint64_t length);

}  // namespace lectern::model::formats
