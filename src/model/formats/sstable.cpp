#include "model/formats/sstable.h"

#include <algorithm>
#include <cstring>

#include "model/formats/crc32c.h"
#include "model/formats/wire.h"

namespace lectern::model::formats {

namespace {
constexpr uint64_t kMagic = 0xdb4775248b80fb57ULL;
constexpr size_t kFooter = 48;
constexpr size_t kTrailer = 5;  // compression kind and checksum after each block
constexpr size_t kBlockSize = 256 * 1024;
constexpr int kRestartInterval = 16;
constexpr size_t kMaxTotal = size_t{256} << 20;  // keys may share prefixes, so a small file could name much

struct Handle {
  uint64_t offset = 0, size = 0;
};

Result<Handle> takeHandle(std::string_view& bytes) {
  Handle handle;
  TRY(handle.offset, takeVarint(bytes));
  TRY(handle.size, takeVarint(bytes));
  return handle;
}

Result<std::string_view> block(std::string_view file, Handle handle) {
  if (handle.offset > file.size() || handle.size + kTrailer > file.size() - handle.offset || handle.size > file.size()) {
    return fail(Code::kCorrupt, "a table block lies outside the file");
  }
  const auto content = file.substr(handle.offset, handle.size);
  if (file[handle.offset + handle.size] != 0) {
    return fail(Code::kInvalid, "the table is compressed; TensorFlow writes checkpoints uncompressed");
  }
  uint32_t stored = 0;
  std::memcpy(&stored, file.data() + handle.offset + handle.size + 1, 4);
  if (stored != maskedCrc(crc32c(file.substr(handle.offset, handle.size + 1)))) {
    return fail(Code::kCorrupt, "a table block has a wrong checksum");
  }
  return content;
}

Result<void> readBlock(std::string_view content, TableEntries& out, size_t& total) {
  if (content.size() < 4) return fail(Code::kCorrupt, "a table block is too short");
  uint32_t restarts = 0;
  std::memcpy(&restarts, content.data() + content.size() - 4, 4);
  if (restarts > (content.size() - 4) / 4) return fail(Code::kCorrupt, "a table block is damaged");
  std::string_view rest = content.substr(0, content.size() - 4 - size_t{restarts} * 4);
  std::string key;
  while (!rest.empty()) {
    TRY(const uint64_t shared, takeVarint(rest));
    TRY(const uint64_t fresh, takeVarint(rest));
    TRY(const uint64_t value, takeVarint(rest));
    if (shared > key.size() || fresh > rest.size() || value > rest.size() - fresh) {
      return fail(Code::kCorrupt, "a table entry is damaged");
    }
    key.resize(shared);
    key.append(rest.substr(0, fresh));
    total += key.size() + value;
    if (total > kMaxTotal) return fail(Code::kTooLarge, "the table holds more than 256 MB");
    out.emplace_back(key, std::string(rest.substr(fresh, value)));
    rest.remove_prefix(fresh + value);
  }
  return {};
}

// One block: entries with shared prefixes left out, restart points, their count.
class BlockBuilder {
 public:
  void add(std::string_view key, std::string_view value) {
    size_t shared = 0;
    if (count_ % kRestartInterval == 0) {
      restarts_.push_back(static_cast<uint32_t>(out_.size()));
    } else {
      while (shared < std::min(key.size(), last_.size()) && key[shared] == last_[shared]) ++shared;
    }
    putVarint(out_, shared);
    putVarint(out_, key.size() - shared);
    putVarint(out_, value.size());
    out_.append(key.substr(shared));
    out_.append(value);
    last_ = key;
    ++count_;
  }
  size_t size() const { return out_.size(); }
  bool empty() const { return count_ == 0; }
  const std::string& lastKey() const { return last_; }

  /// Appends the block with its trailer to `file` and starts the next one.
  Handle finish(std::string& file) {
    if (restarts_.empty()) restarts_.push_back(0);
    for (const uint32_t at : restarts_) out_.append(reinterpret_cast<const char*>(&at), 4);
    const auto n = static_cast<uint32_t>(restarts_.size());
    out_.append(reinterpret_cast<const char*>(&n), 4);
    const Handle handle{file.size(), out_.size()};
    out_.push_back(0);
    const uint32_t crc = maskedCrc(crc32c(out_));
    out_.append(reinterpret_cast<const char*>(&crc), 4);
    file += out_;
    *this = BlockBuilder();
    return handle;
  }

 private:
  std::string out_, last_;
  std::vector<uint32_t> restarts_;
  int count_ = 0;
};

std::string encoded(Handle handle) {
  std::string out;
  putVarint(out, handle.offset);
  putVarint(out, handle.size);
  return out;
}
}  // namespace

Result<TableEntries> readTable(std::string_view file) {
  if (file.size() < kFooter) return fail(Code::kCorrupt, "the file is too short for a checkpoint index");
  uint64_t magic = 0;
  std::memcpy(&magic, file.data() + file.size() - 8, 8);
  if (magic != kMagic) return fail(Code::kCorrupt, "this is no checkpoint index: its last bytes are wrong");
  std::string_view footer = file.substr(file.size() - kFooter, kFooter - 8);
  TRY_VOID(takeHandle(footer).map([](Handle) {}));
  TRY(const Handle index, takeHandle(footer));
  TRY(const auto index_block, block(file, index));
  TableEntries handles, out;
  size_t total = 0;
  TRY_VOID(readBlock(index_block, handles, total));
  for (const auto& [key, value] : handles) {
    std::string_view bytes = value;
    TRY(const Handle handle, takeHandle(bytes));
    TRY(const auto content, block(file, handle));
    TRY_VOID(readBlock(content, out, total));
  }
  const auto unordered = [](const auto& a, const auto& b) { return a.first >= b.first; };
  if (std::adjacent_find(out.begin(), out.end(), unordered) != out.end()) {
    return fail(Code::kCorrupt, "the table's keys are out of order");
  }
  return out;
}

std::string writeTable(const TableEntries& entries) {
  std::string file;
  BlockBuilder data, index;
  for (const auto& [key, value] : entries) {
    data.add(key, value);
    if (data.size() < kBlockSize && &key != &entries.back().first) continue;
    const std::string last = data.lastKey();
    index.add(last, encoded(data.finish(file)));
  }
  const Handle meta = BlockBuilder().finish(file);
  const Handle index_handle = index.finish(file);
  std::string footer = encoded(meta) + encoded(index_handle);
  footer.resize(kFooter - 8, '\0');
  footer.append(reinterpret_cast<const char*>(&kMagic), 8);
  return file + footer;
}

}  // namespace lectern::model::formats
