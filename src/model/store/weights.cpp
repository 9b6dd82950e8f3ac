#include "model/store/weights.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "model/store/space.h"

namespace lectern::model {
namespace {

constexpr int64_t kHugePage = 2 << 20;

/// Walks the fields of one protocol buffer message. After a fault ok() is false and there are no more fields.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}
  bool next() {
    if (rest_.empty() || !ok_) return false;
    uint64_t key = varint();
    field = static_cast<int>(key >> 3);
    bytes = {};
    switch (key & 7) {
      case 0:
        number = varint();
        break;
      case 1:
        skip(8);
        break;
      case 5:
        skip(4);
        break;
      case 2: {
        uint64_t size = varint();
        if (size > rest_.size()) return ok_ = false;
        bytes = rest_.substr(0, size);
        rest_.remove_prefix(size);
        break;
      }
      default:
        ok_ = false;
    }
    return ok_;
  }
  bool ok() const { return ok_; }
  int field = 0;
  uint64_t number = 0;
  std::string_view bytes;

  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }

 private:
  void skip(size_t n) {
    ok_ = n <= rest_.size();
    rest_.remove_prefix(std::min(n, rest_.size()));
  }
  std::string_view rest_;
  bool ok_ = true;
};

/// One TensorProto; true in `external` when its bytes are elsewhere.
bool parseTensor(std::string_view bytes, ExternalTensor& tensor, bool& external) {
  Fields f(bytes);
  external = false;
  while (f.next()) {
    if (f.field == 1 && f.bytes.empty()) tensor.shape.push_back(static_cast<int64_t>(f.number));
    if (f.field == 1 && !f.bytes.empty()) {
      Fields packed(f.bytes);
      for (std::string_view rest = f.bytes; !rest.empty() && packed.ok();) {
        Fields one(rest);
        tensor.shape.push_back(static_cast<int64_t>(one.varint()));
        if (!one.ok()) return false;
        size_t used = 1;
        while (used < rest.size() && static_cast<unsigned char>(rest[used - 1]) >= 0x80) ++used;
        rest.remove_prefix(used);
      }
    }
    if (f.field == 2) tensor.data_type = static_cast<int>(f.number);
    if (f.field == 8) tensor.name = f.bytes;
    if (f.field == 14) external = f.number == 1;
    if (f.field != 13) continue;
    Fields entry(f.bytes);
    std::string key, value;
    while (entry.next()) (entry.field == 1 ? key : value) = entry.bytes;
    if (key == "location") tensor.location = value;
    if (key == "offset") tensor.offset = strtoll(value.c_str(), nullptr, 10);
    if (key == "length") tensor.length = strtoll(value.c_str(), nullptr, 10);
  }
  return f.ok();
}

int64_t elementSize(int data_type) {
  switch (data_type) {
    case 1:
    case 6:
    case 12:
      return 4;  // float32, int32, uint32
    case 2:
    case 3:
    case 9:
      return 1;  // uint8, int8, bool
    case 4:
    case 5:
    case 10:
    case 16:
      return 2;  // uint16, int16, float16, bfloat16
    case 7:
    case 11:
    case 13:
      return 8;  // int64, float64, uint64
    default:
      return 0;
  }
}

Result<void> checkTensor(const ExternalTensor& t) {
  int64_t elements = elementSize(t.data_type);
  for (int64_t d : t.shape) {
    if (d < 0 || (d > 0 && elements > (int64_t{1} << 46) / d)) elements = -1;
    if (elements < 0) break;
    elements *= d;
  }
  if (elements <= 0 || t.offset < 0 || t.length != elements) {
    return fail(Code::kCorrupt, "the model's tensor " + t.name + " does not fit its data");
  }
  if (t.location.empty() || t.location.find('/') != std::string::npos || t.location.starts_with("..")) {
    return fail(Code::kCorrupt, "the model's tensor " + t.name + " is in a file outside of its folder");
  }
  return {};
}

void putVarint(std::string& out, uint64_t v) {
  for (; v >= 0x80; v >>= 7) out += static_cast<char>(v | 0x80);
  out += static_cast<char>(v);
}

void putNumber(std::string& out, int field, uint64_t v) {
  putVarint(out, static_cast<uint64_t>(field) << 3);
  putVarint(out, v);
}

void putBytes(std::string& out, int field, std::string_view bytes) {
  putVarint(out, static_cast<uint64_t>(field) << 3 | 2);
  putVarint(out, bytes.size());
  out += bytes;
}

std::string valueInfo(const std::string& name, int64_t n) {
  std::string one, dim, shape, tensor, type, info;
  putNumber(one, 1, 1), putNumber(dim, 1, static_cast<uint64_t>(n));
  putBytes(shape, 1, one), putBytes(shape, 1, dim);
  putNumber(tensor, 1, 1), putBytes(tensor, 2, shape);
  putBytes(type, 1, tensor);
  putBytes(info, 1, name), putBytes(info, 2, type);
  return info;
}

std::string keyValue(std::string_view key, const std::string& value) {
  std::string entry;
  putBytes(entry, 1, key), putBytes(entry, 2, value);
  return entry;
}

/// With the weights in `data_file`, or inside when `weights` has them.
std::string chainModel(int64_t n, int64_t layers, const std::string& data_file, std::string_view weights = {}) {
  std::string graph;
  int64_t bytes = n * n * 4;
  for (int64_t i = 0; i < layers; ++i) {
    std::string node;
    putBytes(node, 1, i == 0 ? "x" : "h" + std::to_string(i - 1));
    putBytes(node, 1, "w" + std::to_string(i));
    putBytes(node, 2, i + 1 == layers ? "y" : "h" + std::to_string(i));
    putBytes(node, 4, "MatMul");
    putBytes(graph, 1, node);
  }
  putBytes(graph, 2, "chain");
  for (int64_t i = 0; i < layers; ++i) {
    std::string tensor;
    putNumber(tensor, 1, static_cast<uint64_t>(n)), putNumber(tensor, 1, static_cast<uint64_t>(n));
    putNumber(tensor, 2, 1);
    putBytes(tensor, 8, "w" + std::to_string(i));
    if (weights.empty()) {
      putBytes(tensor, 13, keyValue("location", data_file));
      putBytes(tensor, 13, keyValue("offset", std::to_string(i * bytes)));
      putBytes(tensor, 13, keyValue("length", std::to_string(bytes)));
      putNumber(tensor, 14, 1);
    } else {
      putBytes(tensor, 9, weights.substr(static_cast<size_t>(i * bytes), static_cast<size_t>(bytes)));
    }
    putBytes(graph, 5, tensor);
  }
  putBytes(graph, 11, valueInfo("x", n)), putBytes(graph, 12, valueInfo("y", n));
  std::string opset, model;
  putBytes(opset, 1, ""), putNumber(opset, 2, 13);
  putNumber(model, 1, 8), putBytes(model, 7, graph), putBytes(model, 8, opset);
  return model;
}

}  // namespace

WeightRegion::WeightRegion(WeightRegion&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(other.size_), mapped_(other.mapped_),
      lease_(std::move(other.lease_)), sha256_(std::move(other.sha256_)) {}

WeightRegion::~WeightRegion() {
  if (data_) munmap(data_, static_cast<size_t>(mapped_));
}

Result<WeightRegion> WeightRegion::load(const std::filesystem::path& path, int64_t expected_size) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!file.valid() || fstat(file.get(), &info) != 0) return failErrno("open " + path.string(), errno);
  if (info.st_size == 0 || (expected_size > 0 && info.st_size < expected_size)) {
    return fail(Code::kCorrupt, path.string() + " has " + std::to_string(info.st_size) + " bytes, the model needs " +
                                    std::to_string(expected_size) + ": it is cut off, fetch it again");
  }
  WeightRegion region;
  region.size_ = info.st_size;
  region.mapped_ = (info.st_size + kHugePage - 1) / kHugePage * kHugePage + kHugePage;
  // Private and never written again, so forks share it; shared memory gets 2 MB pages only where shmem_enabled allows.
  void* base = mmap(nullptr, static_cast<size_t>(region.mapped_), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return failErrno("memory for " + path.filename().string(), errno);
  region.data_ = static_cast<std::byte*>(base);
  madvise(base, static_cast<size_t>(region.mapped_), MADV_HUGEPAGE);
  for (int64_t done = 0; done < region.size_;) {
    ssize_t n = pread(file.get(), region.data_ + done,
                      static_cast<size_t>(std::min<int64_t>(region.size_ - done, 64 << 20)), done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failErrno("read " + path.string(), errno);
    if (n == 0) return fail(Code::kCorrupt, path.string() + " shrank while it was read");
    done += n;
  }
  mprotect(base, static_cast<size_t>(region.mapped_), PROT_READ);
  posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);  // else memory holds the file twice
  return region;
}

Result<WeightRegion> WeightRegion::map(int descriptor) {
  struct stat info {};
  if (fstat(descriptor, &info) != 0) return failErrno("weights", errno);
  if (!S_ISREG(info.st_mode) || info.st_size <= 0) return fail(Code::kCorrupt, "the shared weights are empty");
  WeightRegion region;
  region.size_ = info.st_size;
  region.mapped_ = (info.st_size + kHugePage - 1) / kHugePage * kHugePage;
  // 2 MB pages need an address that is a multiple of them: reserve more, map inside, give the ends back.
  const auto reserved = static_cast<size_t>(region.mapped_ + kHugePage);
  void* raw = mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) return failErrno("address space for weights", errno);
  auto* base = static_cast<std::byte*>(raw);
  auto* aligned = reinterpret_cast<std::byte*>((reinterpret_cast<uintptr_t>(base) + kHugePage - 1) / kHugePage * kHugePage);
  std::byte* end = aligned + region.mapped_;
  if (mmap(aligned, static_cast<size_t>(region.mapped_), PROT_READ, MAP_SHARED | MAP_FIXED, descriptor, 0) == MAP_FAILED) {
    const int error = errno;
    munmap(raw, reserved);
    return failErrno("map weights", error);
  }
  if (aligned > base) munmap(base, static_cast<size_t>(aligned - base));
  if (base + reserved > end) munmap(end, static_cast<size_t>(base + reserved - end));
  madvise(aligned, static_cast<size_t>(region.mapped_), MADV_HUGEPAGE);
  region.data_ = aligned;
  return region;
}

Result<std::vector<ExternalTensor>> externalTensors(std::string_view model) {
  std::vector<ExternalTensor> tensors;
  Fields top(model);
  while (top.next()) {
    if (top.field != 7 || top.bytes.empty()) continue;
    Fields graph(top.bytes);
    while (graph.next()) {
      if (graph.field != 5) continue;
      ExternalTensor tensor;
      bool external = false;
      if (!parseTensor(graph.bytes, tensor, external)) return fail(Code::kCorrupt, "the model has a broken tensor");
      if (!external) continue;
      TRY_VOID(checkTensor(tensor));
      tensors.push_back(std::move(tensor));
    }
    if (!graph.ok()) return fail(Code::kCorrupt, "the model's graph is broken");
  }
  if (!top.ok()) return fail(Code::kCorrupt, "this is no ONNX model");
  return tensors;
}

Result<int64_t> writeRandomModel(const std::filesystem::path& onnx, int64_t megabytes) {
  const int64_t n = megabytes < 600 ? 2048 : 4096, layer = n * n * 4;
  const int64_t layers = std::max<int64_t>(1, megabytes * 1'000'000 / layer);
  std::filesystem::path data = onnx;
  data.replace_extension(".bin");
  struct stat info {};
  if (stat(data.c_str(), &info) == 0 && info.st_size == layers * layer && std::filesystem::exists(onnx)) return n;
  std::error_code ec;
  std::filesystem::create_directories(onnx.parent_path(), ec);
  TRY_VOID(checkSpace(onnx.parent_path(), layers * layer));
  Fd file(open(data.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.valid()) return failErrno("create " + data.string(), errno);
  std::vector<float> row(static_cast<size_t>(n) * 256);
  uint32_t state = 12345;
  for (int64_t written = 0; written < layers * layer;) {
    for (float& w : row) {
      state ^= state << 13, state ^= state >> 17, state ^= state << 5;
      // Uniform with variance 1/n, so that values neither grow nor vanish along the chain.
      w = (static_cast<float>(state) / 4294967296.0f - 0.5f) * (n == 2048 ? 0.0765f : 0.0541f);
    }
    ssize_t put = write(file.get(), row.data(), row.size() * sizeof(float));
    if (put < 0) {
      const int error = errno;
      unlink(data.c_str());  // half of it is of no use and fills the disk
      return failErrno("write " + data.string(), error);
    }
    written += put;
  }
  TRY_VOID(writeFileAtomic(onnx, chainModel(n, layers, data.filename().string())));
  return n;
}

Result<int64_t> writeRandomModelAlone(const std::filesystem::path& onnx, int64_t megabytes) {
  std::filesystem::path data = onnx;
  data.replace_extension(".bin");
  TRY(const int64_t n, writeRandomModel(onnx, megabytes));
  TRY(const std::string weights, readFile(data, gibibytes(2)));
  TRY_VOID(writeFileAtomic(onnx, chainModel(n, static_cast<int64_t>(weights.size()) / (n * n * 4), "", weights)));
  unlink(data.c_str());
  return n;
}

}  // namespace lectern::model
