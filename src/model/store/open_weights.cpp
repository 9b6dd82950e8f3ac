// A function's side of the keeper.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/hash.h"
#include "base/log.h"
#include "model/store/keeper_protocol.h"
#include "model/store/weights.h"

namespace lectern::model {

namespace {
struct Shared {
  Fd lease, memory;
  std::string sha256;
};

Result<Shared> askKeeper(const char* socket, int file) {
  Shared out;
  TRY(out.lease, keeper::connectTo(socket));
  TRY_VOID(keeper::send(out.lease.get(), "share", {file}));
  TRY(auto packet, keeper::receive(out.lease.get()));
  if (packet.text.starts_with("ok ") && packet.descriptors.size() == 1) {
    out.memory = std::move(packet.descriptors[0]);
    out.sha256 = packet.text.substr(3);
    return out;
  }
  const size_t space = packet.text.starts_with("error ") ? packet.text.find(' ', 6) : std::string::npos;
  if (space == std::string::npos) return fail(Code::kUnavailable, "the keeper of weights hung up");
  return fail(Code::kUnavailable, packet.text.substr(space + 1));
}
}  // namespace

bool WeightRegion::sharing() {
  const char* socket = getenv(keeper::kVariable);
  return socket != nullptr && *socket != '\0';
}

Result<WeightRegion> WeightRegion::open(const std::filesystem::path& path, int64_t expected_size) {
  if (!sharing()) return load(path, expected_size);
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!file.valid() || fstat(file.get(), &info) != 0) return failErrno("open " + path.string(), errno);
  // What is too small to share, or to be the model, load() deals with.
  if (!S_ISREG(info.st_mode) || info.st_size < std::max(expected_size, keeper::kSmallest)) return load(path, expected_size);
  auto shared = askKeeper(getenv(keeper::kVariable), file.get());
  if (!shared) {
    logWarn(fmt::format("{} is a copy of this process's own: {}", path.filename().string(), shared.error().message));
    return load(path, expected_size);
  }
  TRY(auto region, map(shared->memory.get()));
  region.lease_ = std::move(shared->lease);
  region.sha256_ = std::move(shared->sha256);
  return region;
}

std::string WeightRegion::sha256() const { return sha256_.empty() ? sha256Hex(bytes()) : sha256_; }

}  // namespace lectern::model
