#include "model/store/weights.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "model/formats/wire.h"

namespace lectern::model {
namespace {

using formats::eachField;
using formats::Field;

constexpr int64_t kHugePage = 2 << 20;

/// One TensorProto; true when its bytes are elsewhere.
Result<bool> parseTensor(std::string_view bytes, ExternalTensor& tensor) {
  bool external = false;
  TRY_VOID(eachField(bytes, [&](const Field& f) -> Result<void> {
    if (f.number == 1 && f.wire == 0) tensor.shape.push_back(static_cast<int64_t>(f.value));
    if (f.number == 1 && f.wire == 2) {
      for (std::string_view rest = f.bytes; !rest.empty();) {
        TRY(const uint64_t dimension, formats::takeVarint(rest));
        tensor.shape.push_back(static_cast<int64_t>(dimension));
      }
    }
    if (f.number == 2) tensor.data_type = static_cast<int>(f.value);
    if (f.number == 8) tensor.name = f.bytes;
    if (f.number == 14) external = f.value == 1;
    if (f.number != 13) return {};
    std::string key, value;
    TRY_VOID(eachField(f.bytes, [&](const Field& entry) -> Result<void> {
      (entry.number == 1 ? key : value) = entry.bytes;
      return {};
    }));
    if (key == "location") tensor.location = value;
    if (key == "offset") tensor.offset = strtoll(value.c_str(), nullptr, 10);
    if (key == "length") tensor.length = strtoll(value.c_str(), nullptr, 10);
    return {};
  }));
  return external;
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
  const auto one = [&](const Field& of_graph) -> Result<void> {
    if (of_graph.number != 5) return {};
    ExternalTensor tensor;
    const auto external = parseTensor(of_graph.bytes, tensor);
    if (!external) return fail(Code::kCorrupt, "the model has a broken tensor: " + external.error().message);
    if (!*external) return {};
    TRY_VOID(checkTensor(tensor));
    tensors.push_back(std::move(tensor));
    return {};
  };
  const auto read = eachField(model, [&](const Field& of_model) -> Result<void> {
    if (of_model.number != 7 || of_model.bytes.empty()) return {};
    return eachField(of_model.bytes, one);
  });
  if (!read) return fail(read.error().code, "this is no sound ONNX model: " + read.error().message);
  return tensors;
}

}  // namespace lectern::model
