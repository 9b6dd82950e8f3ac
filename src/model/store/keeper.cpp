#include "model/store/keeper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <tuple>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "model/store/keeper_protocol.h"
#include "model/store/weight_files.h"

namespace lectern::model {

namespace {
constexpr int64_t kHugePage = 2 << 20;
constexpr size_t kMaxClients = 4096, kMaxSources = 10'000;

int64_t pages(int64_t bytes) { return (bytes + kHugePage - 1) / kHugePage * kHugePage; }
int64_t nanos(const timespec& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; }

/// Whoever passes the descriptor may read the file, which a descriptor by itself does not say.
bool readable(int file) {
  const int flags = fcntl(file, F_GETFL);
  return flags >= 0 && (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_WRONLY;
}

/// A file as it was when its bytes were brought in. Whoever writes to it cannot choose the time of change.
using Source = std::tuple<dev_t, ino_t, int64_t, int64_t, int64_t>;
Source sourceOf(const struct stat& info) {
  return {info.st_dev, info.st_ino, info.st_size, nanos(info.st_mtim), nanos(info.st_ctim)};
}

struct Resident {
  Fd file;
  int64_t bytes = 0;
  int leases = 0;
  uint64_t used = 0;  // when it was last asked for, counted in requests
};

struct Client {
  Fd socket;
  std::string lease;     // sha256; empty: none yet
  bool waiting = false;  // for a load; asks nothing else meanwhile
};

struct Load {
  uint64_t client = 0;
  Fd file;
  Result<std::string> sha256;
};
}  // namespace

// Two threads: `server` talks to functions and never waits, `loader` brings models in, one after the other.
struct Keeper::Impl {
  KeeperOptions options;
  WeightFiles files;
  Fd lock, listener, wake;
  mutable std::mutex mutex;
  std::condition_variable work;
  bool ending = false;
  uint64_t requests = 0, clients_made = 0;
  int64_t files_read = 0;
  size_t most_clients = kMaxClients;
  std::map<std::string, Resident> resident;  // by sha256
  std::map<Source, std::string> sources;     // sha256 of files that are resident
  std::map<uint64_t, Client> clients;        // the server's own
  std::deque<Load> wanted, loaded;
  std::thread server, loader;

  Impl(const KeeperOptions& o, WeightFiles f) : options(o), files(std::move(f)) {}
  ~Impl();
  void serve();
  void loadAll();
  void accepted();
  void request(uint64_t id, Client& client);
  void answer(Client& client, const Result<std::string>& sha256);
  void dropClient(uint64_t id);
  void answerLoaded();
  Result<std::string> bringIn(int file);
  void remember(const struct stat& before, int file, int64_t begun, const std::string& sha256);
  Result<void> makeRoom(int64_t size);
  int64_t usedBytes() const;
  void notify() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(wake.get(), &one, sizeof one);
  }
};

Keeper::Impl::~Impl() {
  {
    const std::lock_guard lock(mutex);
    ending = true;
  }
  work.notify_all();
  notify();
  if (server.joinable()) server.join();
  if (loader.joinable()) loader.join();
  unlink(keeper::socketPath(options.folder).c_str());
}

int64_t Keeper::Impl::usedBytes() const {
  int64_t total = 0;
  for (const auto& [sha, r] : resident) total += r.bytes;
  return total;
}

// With the mutex held. Nothing leaves for what would not fit all the same: files that are asked for are anybody's.
Result<void> Keeper::Impl::makeRoom(int64_t size) {
  int64_t in_use = 0;
  for (const auto& [sha, r] : resident) in_use += r.leases > 0 ? r.bytes : 0;
  // Compared first as it is: rounding up the largest size that a file can have would overflow.
  if (size > options.budget.value || pages(size) > options.budget.value - in_use) {
    return fail(Code::kNoSpace,
                fmt::format("the keeper's budget of {} MB has no room for {} MB more: {} MB are in use; give it a larger "
                            "--model-budget", options.budget.value >> 20, size >> 20, in_use >> 20));
  }
  while (usedBytes() + pages(size) > options.budget.value) {
    auto oldest = resident.end();
    for (auto it = resident.begin(); it != resident.end(); ++it) {
      if (it->second.leases > 0) continue;
      if (oldest == resident.end() || it->second.used < oldest->second.used) oldest = it;
    }
    std::erase_if(sources, [&](const auto& source) { return source.second == oldest->first; });
    resident.erase(oldest);
  }
  return {};
}

// With the mutex held. `begun`: when reading the file began.
void Keeper::Impl::remember(const struct stat& before, int file, int64_t begun, const std::string& sha256) {
  struct stat after {};
  if (fstat(file, &after) != 0 || sourceOf(before) != sourceOf(after)) return;
  if (nanos(before.st_ctim) + options.settled.count() > begun) return;
  if (sources.size() >= kMaxSources) sources.clear();
  sources[sourceOf(before)] = sha256;
}

Result<std::string> Keeper::Impl::bringIn(int file) {
  struct stat info {};
  if (fstat(file, &info) != 0) return failErrno("weights", errno);
  const int64_t begun = RealClock().wall().epoch_millis * 1'000'000;
  bool twin = false;
  {
    const std::lock_guard lock(mutex);
    // Somebody who asked earlier may have had it loaded meanwhile.
    if (const auto known = sources.find(sourceOf(info)); known != sources.end()) return known->second;
    for (const auto& [sha, r] : resident) twin |= info.st_size > r.bytes - kHugePage && info.st_size <= r.bytes;
  }
  if (twin) {
    // The same bytes in another file, perhaps: then nothing has to leave for them.
    TRY(const auto digest, sha256HexOfFile(fmt::format("/proc/self/fd/{}", file)));
    const std::lock_guard lock(mutex);
    if (resident.contains(digest)) {
      remember(info, file, begun, digest);
      return digest;
    }
  }
  {
    const std::lock_guard lock(mutex);
    TRY_VOID(makeRoom(info.st_size));
  }
  TRY(auto loaded, files.load(file, info.st_size));
  const std::lock_guard lock(mutex);
  ++files_read;
  resident.try_emplace(loaded.sha256, Resident{std::move(loaded.file), pages(info.st_size), 0, ++requests});
  remember(info, file, begun, loaded.sha256);
  return loaded.sha256;
}

void Keeper::Impl::loadAll() {
  std::unique_lock lock(mutex);
  while (true) {
    // The next one may evict what the last one brought, so it waits until that has been handed out.
    work.wait(lock, [&] { return ending || (!wanted.empty() && loaded.empty()); });
    if (ending) return;
    Load load = std::move(wanted.front());
    wanted.pop_front();
    lock.unlock();
    load.sha256 = bringIn(load.file.get());
    load.file.close();
    lock.lock();
    loaded.push_back(std::move(load));
    notify();
  }
}

void Keeper::Impl::accepted() {
  Fd socket(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  const std::lock_guard lock(mutex);
  if (socket.valid() && clients.size() < most_clients) clients[++clients_made].socket = std::move(socket);
}

// With the mutex held.
void Keeper::Impl::answer(Client& client, const Result<std::string>& sha256) {
  if (!sha256) {
    const auto& error = sha256.error();
    (void)keeper::send(client.socket.get(), fmt::format("error {} {}", static_cast<int>(error.code), error.message));
    return;
  }
  Resident& r = resident.at(*sha256);
  r.used = ++requests;
  ++r.leases;
  client.lease = *sha256;
  (void)keeper::send(client.socket.get(), "ok " + *sha256, {r.file.get()});
}

void Keeper::Impl::dropClient(uint64_t id) {
  const auto found = clients.find(id);
  if (found == clients.end()) return;
  const std::lock_guard lock(mutex);
  if (const auto it = resident.find(found->second.lease); it != resident.end()) --it->second.leases;
  clients.erase(found);
}

void Keeper::Impl::request(uint64_t id, Client& client) {
  auto packet = keeper::receive(client.socket.get());
  if (!packet || packet->text != "share" || packet->descriptors.size() != 1 || !client.lease.empty()) {
    return dropClient(id);
  }
  Fd file = std::move(packet->descriptors[0]);
  struct stat info {};
  const bool good = readable(file.get()) && fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode) &&
                    info.st_size >= keeper::kSmallest;
  const std::lock_guard lock(mutex);
  if (!good) return answer(client, fail(Code::kInvalid, "only readable files of 64 KB and more are shared"));
  if (const auto known = sources.find(sourceOf(info)); known != sources.end()) return answer(client, known->second);
  client.waiting = true;
  wanted.push_back({id, std::move(file), {}});
  work.notify_all();
}

void Keeper::Impl::answerLoaded() {
  const std::lock_guard lock(mutex);
  for (auto& load : loaded) {
    const auto found = clients.find(load.client);
    if (found == clients.end()) continue;
    found->second.waiting = false;
    answer(found->second, load.sha256);
  }
  loaded.clear();
  work.notify_all();
}

void Keeper::Impl::serve() {
  while (true) {
    std::vector<pollfd> watched = {{wake.get(), POLLIN, 0}, {listener.get(), POLLIN, 0}};
    std::vector<uint64_t> ids;
    for (const auto& [id, client] : clients) {
      // One that waits is watched for its end alone.
      watched.push_back({client.socket.get(), static_cast<short>(client.waiting ? POLLRDHUP : POLLIN), 0});
      ids.push_back(id);
    }
    if (poll(watched.data(), watched.size(), -1) < 0) continue;
    if (watched[0].revents != 0) {
      uint64_t count = 0;
      [[maybe_unused]] const ssize_t n = read(wake.get(), &count, sizeof count);
      {
        const std::lock_guard lock(mutex);
        if (ending) return;
      }
      answerLoaded();
    }
    for (size_t i = 0; i < ids.size(); ++i) {
      const short events = watched[i + 2].revents;
      if (events == 0) continue;
      const auto found = clients.find(ids[i]);
      if (found->second.waiting || (events & POLLIN) == 0) {
        if (events & (POLLHUP | POLLRDHUP | POLLERR)) dropClient(ids[i]);
      } else {
        request(ids[i], found->second);
      }
    }
    if (watched[1].revents != 0) accepted();
  }
}

Keeper::Keeper(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Keeper::~Keeper() = default;

Bytes usualBudget() { return Bytes{sysconf(_SC_PHYS_PAGES) / 2 * sysconf(_SC_PAGESIZE)}; }

Result<std::unique_ptr<Keeper>> Keeper::start(const KeeperOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  if (error) return failErrno("make " + options.folder.string(), error.value());
  // Functions are another user, and come in by way of a mount.
  std::filesystem::permissions(options.folder, std::filesystem::perms(0755), error);
  KeeperOptions own = options;
  if (own.budget.value == 0) own.budget = usualBudget();
  if (own.budget.value < kHugePage) return fail(Code::kInvalid, "a budget below 2 MB holds no model");
  // Held for life: a socket that is left of a keeper that was killed tells nothing.
  Fd lock(open((own.folder / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) return failErrno("open " + (own.folder / ".lock").string(), errno);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(Code::kExists, "another keeper of weights serves at " + own.folder.string());
  }
  TRY(auto listener, keeper::listenAt(keeper::socketPath(own.folder)));
  auto impl = std::make_unique<Impl>(own, WeightFiles::create(own.budget));
  impl->lock = std::move(lock);
  // Each has a socket and, while it waits, a file: without descriptors left nobody could even be turned away.
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    impl->most_clients = std::min<size_t>(kMaxClients, descriptors.rlim_cur / 4);
  }
  impl->listener = std::move(listener);
  impl->wake = Fd(eventfd(0, EFD_CLOEXEC));
  if (!impl->wake.valid()) return failErrno("eventfd", errno);
  impl->server = std::thread([p = impl.get()] { p->serve(); });
  impl->loader = std::thread([p = impl.get()] { p->loadAll(); });
  return std::unique_ptr<Keeper>(new Keeper(std::move(impl)));
}

KeeperStatus Keeper::status() const {
  const std::lock_guard lock(impl_->mutex);
  KeeperStatus out;
  out.socket = keeper::socketPath(impl_->options.folder);
  out.budget = impl_->options.budget.value, out.used = impl_->usedBytes();
  out.huge_pages = impl_->files.hugePages();
  out.read = impl_->files_read, out.users = static_cast<int>(impl_->clients.size());
  std::vector<std::pair<uint64_t, KeeperStatus::File>> order;
  for (const auto& [sha, r] : impl_->resident) order.push_back({r.used, {sha, r.bytes, r.leases}});
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [used, file] : order) out.files.push_back(std::move(file));
  return out;
}

}  // namespace lectern::model
