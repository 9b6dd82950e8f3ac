#include "model/store/keeper_protocol.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lectern::model::keeper {

namespace fs = std::filesystem;

namespace {
/// An address that names `path` even when it is longer than a socket's address may be: through its open folder.
struct Address {
  sockaddr_un address{};
  Fd folder;

  static Result<Address> of(const fs::path& path) {
    Address out;
    out.address.sun_family = AF_UNIX;
    std::string text = path.string();
    if (text.size() >= sizeof out.address.sun_path) {
      out.folder = Fd(open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      if (!out.folder.valid()) return failErrno("open " + path.parent_path().string(), errno);
      text = fmt::format("/proc/self/fd/{}/{}", out.folder.get(), path.filename().string());
    }
    std::memcpy(out.address.sun_path, text.c_str(), text.size() + 1);
    return out;
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

Fd newSocket() { return Fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)); }
}  // namespace

fs::path socketPath(const fs::path& folder) { return folder / "keeper"; }

Result<Fd> connectTo(const fs::path& path) {
  TRY(const auto address, Address::of(path));
  Fd fd = newSocket();
  if (!fd.valid()) return failErrno("socket", errno);
  // A keeper that is busy bringing in gigabytes answers late; one that hangs must not hang its functions.
  const timeval soon{2, 0}, late{120, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &late, sizeof late);
  if (connect(fd.get(), address.get(), sizeof address.address) != 0) {
    return fail(Code::kNotFound, "no keeper runs at " + path.string());
  }
  return fd;
}

Result<Fd> listenAt(const fs::path& path) {
  unlink(path.c_str());
  TRY(const auto address, Address::of(path));
  Fd fd = newSocket();
  if (!fd.valid()) return failErrno("socket", errno);
  if (bind(fd.get(), address.get(), sizeof address.address) != 0) return failErrno("bind " + path.string(), errno);
  // Functions run as a user of their own.
  if (chmod(path.c_str(), 0666) != 0 || listen(fd.get(), 128) != 0) return failErrno("listen " + path.string(), errno);
  return fd;
}

Result<void> send(int socket, std::string_view text, const std::vector<int>& descriptors) {
  iovec part{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part, message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size() * sizeof(int));
  }
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return failErrno("send to the keeper", errno);
  return {};
}

Result<Packet> receive(int socket) {
  Packet packet;
  packet.text.resize(kMaxPacket);
  iovec part{packet.text.data(), packet.text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part, message.msg_iovlen = 1;
  message.msg_control = control, message.msg_controllen = sizeof control;
  ssize_t got = 0;
  do {
    got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return failErrno("receive from the keeper", errno);
  packet.text.resize(static_cast<size_t>(got));
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof fd);
      packet.descriptors.emplace_back(fd);
    }
  }
  return packet;
}

}  // namespace lectern::model::keeper
