#pragma once
// How a function asks the keeper for its weights: packets over a socket in a folder that every sandbox sees. Request
// "share" with the descriptor of a file. Answer "ok SHA256" with a descriptor of the same bytes in memory, or
// "error CODE MESSAGE". The connection is the lease. It is written by untrusted code: the keeper looks at nothing but the
// file it is given, with the rights of whoever opened it.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace lectern::model::keeper {

constexpr size_t kMaxPacket = 4096;
constexpr size_t kMaxDescriptors = 4;
/// Smaller files are not worth a page of 2 MB; and what the kernel makes up (/proc, /sys) is smaller.
constexpr int64_t kSmallest = 64 * 1024;
/// Names the socket for functions; without it there is no keeper.
constexpr const char* kVariable = "LECTERN_KEEPER";

std::filesystem::path socketPath(const std::filesystem::path& folder);

/// A listening socket at the path, in the place of whatever is there.
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
