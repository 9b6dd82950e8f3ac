#pragma once
// How a function asks the keeper for a model: packets over a socket in the store's folder, which every sandbox sees that
// sees the store. Request "map NAME MACHINE" (MACHINE "-" for none). Answer "ok" with one descriptor for each file of the
// manifest, or "error CODE MESSAGE". The connection is the lease.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace lectern::model::keeper {

constexpr size_t kMaxPacket = 4096;
constexpr size_t kMaxDescriptors = 15;

std::filesystem::path socketPath(const std::filesystem::path& store);

/// A listening socket at the path; one that nobody listens to any more is replaced. kExists when a keeper runs.
Result<Fd> listenAt(const std::filesystem::path& path);
/// kNotFound when nobody listens.
Result<Fd> connectTo(const std::filesystem::path& path);

Result<void> send(int socket, std::string_view text, const std::vector<int>& descriptors = {});

struct Packet {
  std::string text;
  std::vector<Fd> descriptors;
};
/// Empty text: the other end is gone. Waits as the socket does.
Result<Packet> receive(int socket);

}  // namespace lectern::model::keeper
