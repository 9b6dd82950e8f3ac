#include "model/store/keeper.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "model/store/keeper_protocol.h"
#include "model/store/weight_files.h"

namespace lectern::model {

namespace {
constexpr int64_t kHugePage = 2 << 20;
constexpr size_t kMaxClients = 4096;

int64_t pages(int64_t bytes) { return (bytes + kHugePage - 1) / kHugePage * kHugePage; }

struct Resident {
  Fd file;
  int64_t bytes = 0;
  int leases = 0;
  uint64_t used = 0;  // when it was last asked for, counted in requests
};

struct Client {
  Fd socket;
  std::vector<std::string> leases;  // sha256
  bool waiting = false;             // for a load; asks nothing else meanwhile
};

struct Load {
  uint64_t client = 0;
  Manifest manifest;
  Result<void> result;
};
}  // namespace

// Two threads: `server` talks to functions and never waits, `loader` brings models in, one after the other.
struct Keeper::Impl {
  KeeperOptions options;
  WeightFiles files;
  Fd listener, wake;
  mutable std::mutex mutex;
  std::condition_variable work;
  bool ending = false;
  uint64_t requests = 0, clients_made = 0;
  std::map<std::string, Resident> resident;  // by sha256
  std::map<uint64_t, Client> clients;        // the server's own
  std::deque<Load> wanted, loaded;
  std::thread server, loader;

  Impl(const KeeperOptions& o, WeightFiles f) : options(o), files(std::move(f)) {}
  ~Impl();
  void serve();
  void loadAll();
  void accepted();
  void request(uint64_t id, Client& client);
  void answer(Client& client, const Manifest& manifest, const Result<void>& result);
  void dropClient(uint64_t id);
  void answerLoaded();
  Result<void> bringIn(const Manifest& manifest);
  Result<void> makeRoom(int64_t bytes, const Manifest& manifest);
  int64_t usedBytes() const;
  bool allResident(const Manifest& manifest) const;
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
  unlink(keeper::socketPath(options.store).c_str());
}

int64_t Keeper::Impl::usedBytes() const {
  int64_t total = 0;
  for (const auto& [sha, r] : resident) total += r.bytes;
  return total;
}

bool Keeper::Impl::allResident(const Manifest& manifest) const {
  return std::all_of(manifest.files.begin(), manifest.files.end(), [&](const auto& f) { return resident.contains(f.sha256); });
}

// With the mutex held.
Result<void> Keeper::Impl::makeRoom(int64_t bytes, const Manifest& manifest) {
  const auto own = [&](const std::string& sha) {
    return std::any_of(manifest.files.begin(), manifest.files.end(), [&](const auto& f) { return f.sha256 == sha; });
  };
  while (usedBytes() + bytes > options.budget.value) {
    auto oldest = resident.end();
    for (auto it = resident.begin(); it != resident.end(); ++it) {
      if (it->second.leases > 0 || own(it->first)) continue;
      if (oldest == resident.end() || it->second.used < oldest->second.used) oldest = it;
    }
    if (oldest == resident.end()) {
      return fail(Code::kNoSpace,
                  fmt::format("the model store's budget of {} MB has no room for {} ({} MB): {} MB are in use; give the "
                              "keeper a larger --budget", options.budget.value >> 20, manifest.name,
                              manifest.bytes() >> 20, usedBytes() >> 20));
    }
    resident.erase(oldest);
  }
  return {};
}

Result<void> Keeper::Impl::bringIn(const Manifest& manifest) {
  for (const auto& file : manifest.files) {
    {
      const std::lock_guard lock(mutex);
      if (resident.contains(file.sha256)) continue;
      TRY_VOID(makeRoom(pages(file.size), manifest));
    }
    TRY(auto memory, files.load(options.store / manifest.name / file.name, file));
    const std::lock_guard lock(mutex);
    resident.emplace(file.sha256, Resident{std::move(memory), pages(file.size), 0, ++requests});
  }
  return {};
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
    load.result = bringIn(load.manifest);
    lock.lock();
    loaded.push_back(std::move(load));
    notify();
  }
}

void Keeper::Impl::accepted() {
  Fd socket(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (socket.valid() && clients.size() < kMaxClients) clients[++clients_made].socket = std::move(socket);
}

// With the mutex held.
void Keeper::Impl::answer(Client& client, const Manifest& manifest, const Result<void>& result) {
  if (!result) {
    const auto& error = result.error();
    (void)keeper::send(client.socket.get(), fmt::format("error {} {}", static_cast<int>(error.code), error.message));
    return;
  }
  std::vector<int> descriptors;
  for (const auto& file : manifest.files) {
    Resident& r = resident.at(file.sha256);
    descriptors.push_back(r.file.get());
    r.used = ++requests;
    ++r.leases;
    client.leases.push_back(file.sha256);
  }
  (void)keeper::send(client.socket.get(), "ok", descriptors);
}

void Keeper::Impl::dropClient(uint64_t id) {
  const auto found = clients.find(id);
  if (found == clients.end()) return;
  const std::lock_guard lock(mutex);
  for (const auto& sha : found->second.leases) {
    if (const auto it = resident.find(sha); it != resident.end()) --it->second.leases;
  }
  clients.erase(found);
}

void Keeper::Impl::request(uint64_t id, Client& client) {
  auto packet = keeper::receive(client.socket.get());
  if (!packet || packet->text.empty()) return dropClient(id);
  const std::string& text = packet->text;
  const size_t space = text.rfind(' ');
  if (!text.starts_with("map ") || space < 5) return dropClient(id);
  const std::string name = text.substr(4, space - 4), machine = text.substr(space + 1);
  // What a function may ask for is decided by the manifest that the keeper reads, not by what the function sends.
  auto manifest = readManifest(options.store, name, machine == "-" ? "" : machine);
  const std::lock_guard lock(mutex);
  if (!manifest) return answer(client, {}, Failure(manifest.error()));
  if (client.leases.size() > 64) return answer(client, {}, fail(Code::kTooLarge, "one connection maps too many models"));
  if (allResident(*manifest)) return answer(client, *manifest, {});
  client.waiting = true;
  wanted.push_back({id, std::move(*manifest), {}});
  work.notify_all();
}

void Keeper::Impl::answerLoaded() {
  const std::lock_guard lock(mutex);
  for (auto& load : loaded) {
    const auto found = clients.find(load.client);
    if (found == clients.end()) continue;
    found->second.waiting = false;
    answer(found->second, load.manifest, load.result);
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

Result<std::unique_ptr<Keeper>> Keeper::start(const KeeperOptions& options) {
  std::error_code error;
  if (!std::filesystem::is_directory(options.store, error)) {
    return fail(Code::kNotFound, "there is no model store at " + options.store.string() + "; add a model first");
  }
  if (options.budget.value < kHugePage) return fail(Code::kInvalid, "a budget below 2 MB holds no model");
  TRY(auto listener, keeper::listenAt(keeper::socketPath(options.store)));
  auto impl = std::make_unique<Impl>(options, WeightFiles::create(options.budget));
  impl->listener = std::move(listener);
  impl->wake = Fd(eventfd(0, EFD_CLOEXEC));
  if (!impl->wake.valid()) return failErrno("eventfd", errno);
  impl->server = std::thread([p = impl.get()] { p->serve(); });
  impl->loader = std::thread([p = impl.get()] { p->loadAll(); });
  return std::unique_ptr<Keeper>(new Keeper(std::move(impl)));
}

KeeperStatus Keeper::status() const {
  const std::lock_guard lock(impl_->mutex);
  KeeperStatus out{impl_->options.budget.value, impl_->usedBytes(), impl_->files.hugePages(), {}};
  std::vector<std::pair<uint64_t, KeeperStatus::File>> order;
  for (const auto& [sha, r] : impl_->resident) order.push_back({r.used, {sha, r.bytes, r.leases}});
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [used, file] : order) out.files.push_back(std::move(file));
  return out;
}

}  // namespace lectern::model
