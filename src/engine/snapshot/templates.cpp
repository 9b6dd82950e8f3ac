#include "engine/snapshot/templates.h"

#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"
#include "base/log.h"

namespace lectern::snapshot {

using sandbox::ExitInfo;
using sandbox::Sandbox;
using sandbox::SandboxSpec;

struct Templates::Template {
  std::string key, id, reason, log;
  State state = State::kPending;
  std::unique_ptr<Sandbox> sandbox;
  std::unique_ptr<ApiPeer> api;
  Fd output;
  int watched_api = -1;
  SteadyTime begun, last_use, give_up_at;
  Nanos init_took{0};
  std::shared_ptr<int> forks = std::make_shared<int>(0);  // one more owner for each live fork
  bool unused() const { return forks.use_count() == 1; }
};

Templates::Templates(sandbox::Spawner& spawner, const Clock& clock, TemplatesOptions options)
    : spawner_(spawner), clock_(clock), options_(options) {
  epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  timer_ = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  CHECK(epoll_.valid() && timer_.valid());
  if (options_.budget.value == 0) options_.budget = Bytes{sysconf(_SC_PHYS_PAGES) / 2 * sysconf(_SC_PAGESIZE)};
  watch(timer_.get(), nullptr, false);
}

Templates::~Templates() = default;

void Templates::watch(int fd, Template* t, bool api) {
  epoll_event event{};
  event.events = EPOLLIN;
  // The lowest bit tells the two descriptors of a template apart.
  event.data.u64 = reinterpret_cast<uint64_t>(t) | (api ? 1 : 0);
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

void Templates::onReadable() {
  epoll_event events[32];
  int n = epoll_wait(epoll_.get(), events, 32, 0);
  for (int i = 0; i < n; ++i) {
    auto* t = reinterpret_cast<Template*>(events[i].data.u64 & ~uint64_t{1});
    if (!t) {
      uint64_t ticks;
      (void)!read(timer_.get(), &ticks, sizeof ticks);
      checkLimits();
      continue;
    }
    auto same = [t](const auto& entry) { return entry.second.get() == t; };
    if (std::none_of(templates_.begin(), templates_.end(), same)) continue;
    if (events[i].data.u64 & 1) {
      onApi(*t);
    } else {
      onLog(*t);
    }
  }
}

void Templates::onLog(Template& t) {
  char buffer[65536];
  ssize_t n;
  while ((n = read(t.output.get(), buffer, sizeof buffer)) > 0) {
    size_t room = options_.log_limit - std::min(options_.log_limit, t.log.size());
    t.log.append(buffer, std::min(room, static_cast<size_t>(n)));
  }
  if (n == 0) {
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, t.output.get(), nullptr);
    t.output.close();
  }
}

/// A template of our SDK asks for restore/next and parks. What another runtime does here says that it cannot be
/// forked.
void Templates::onApi(Template& t) {
  auto request = t.api->take();
  if (t.api->waitFd() != t.watched_api) {
    t.watched_api = t.api->waitFd();
    watch(t.watched_api, &t, true);
  }
  if (!request) return;
  if (request->path.ends_with("/restore/next")) return;  // answered never: each fork leaves this connection behind
  std::string why = request->path.ends_with("/init/error") ? "its init failed: " + request->body.substr(0, 500)
                                                           : "its runtime does not ask for restore/next";
  settle(t, fail(Code::kUnavailable, why));
}

State Templates::state(const std::string& key) const {
  auto found = templates_.find(key);
  if (found != templates_.end()) return found->second->state;
  bool queued = std::any_of(queue_.begin(), queue_.end(), [&](const Waiting& w) { return w.key == key; });
  return queued ? State::kPending : State::kNone;
}

std::string Templates::reason(const std::string& key) const {
  auto found = templates_.find(key);
  return found == templates_.end() ? std::string() : found->second->reason;
}

std::string Templates::log(const std::string& key) const {
  auto found = templates_.find(key);
  return found == templates_.end() ? std::string() : found->second->log;
}

Bytes Templates::memory(const std::string& key) const {
  auto found = templates_.find(key);
  return found == templates_.end() || !found->second->sandbox ? Bytes{0} : found->second->sandbox->memoryCurrent();
}

Nanos Templates::initTook(const std::string& key) const {
  auto found = templates_.find(key);
  return found == templates_.end() ? Nanos(0) : found->second->init_took;
}

int Templates::alive() const {
  auto lives = [](const auto& entry) { return entry.second->sandbox != nullptr; };
  return static_cast<int>(std::count_if(templates_.begin(), templates_.end(), lives));
}

void Templates::prepare(const std::string& key, SandboxSpec spec, int64_t uses,
                        std::function<void(Result<void>)> done, Nanos init_limit) {
  if (auto found = templates_.find(key); found != templates_.end() && found->second->state != State::kPending) {
    if (done) {
      bool good = found->second->state == State::kActive;
      done(good ? Result<void>() : fail(Code::kUnavailable, found->second->reason));
    }
    return;
  }
  if (done) told_[key].push_back(std::move(done));
  if (state(key) == State::kPending) return;
  auto place = std::find_if(queue_.begin(), queue_.end(), [&](const Waiting& w) { return w.uses < uses; });
  queue_.insert(place, {key, std::move(spec), uses, init_limit.count() > 0 ? init_limit : options_.init_limit});
  buildNext();
}

void Templates::buildNext() {
  while (building_ < options_.built_at_once && !queue_.empty()) {
    Waiting next = std::move(queue_.front());
    queue_.pop_front();
    build(std::move(next));
  }
}

void Templates::makeRoom() {
  auto full = [this] {
    int64_t used = 0;
    for (auto& [key, t] : templates_) used += t->sandbox ? t->sandbox->memoryCurrent().value : 0;
    return alive() >= options_.most || used >= options_.budget.value;
  };
  while (full()) {
    Template* oldest = nullptr;
    for (auto& [key, t] : templates_) {
      if (t->state == State::kActive && t->unused() && (!oldest || t->last_use < oldest->last_use)) oldest = t.get();
    }
    if (!oldest) return;  // all have instances: the limit gives way, not the instances
    logInfo("snapshot: the template of " + oldest->key + " leaves, it was used least recently");
    drop(std::string(oldest->key));
  }
}

void Templates::build(Waiting waiting) {
  makeRoom();
  auto made = std::make_unique<Template>();
  Template* t = made.get();
  t->key = waiting.key;
  t->id = fmt::format("template-{}", ++serial_);
  t->begun = t->last_use = clock_.now();
  t->give_up_at = clock_.now() + waiting.init_limit;
  templates_[waiting.key] = std::move(made);
  ++building_;
  itimerspec tick{{1, 0}, {1, 0}};
  timerfd_settime(timer_.get(), 0, &tick, nullptr);
  SandboxSpec spec = std::move(waiting.spec);
  spec.id = t->id, spec.cpu_share = 0, spec.keep = false;
  auto find = [this, key = waiting.key, id = t->id, alive = std::weak_ptr(alive_)]() -> Template* {
    if (alive.expired()) return nullptr;
    auto found = templates_.find(key);
    return found != templates_.end() && found->second->id == id ? found->second.get() : nullptr;
  };
  auto on_started = [this, find](Result<std::unique_ptr<Sandbox>> started) {
    Template* mine = find();
    if (!mine) return;
    if (!started) return settle(*mine, Failure(started.error()));
    mine->sandbox = std::move(*started);
    mine->output = mine->sandbox->takeOutput();
    watch(mine->output.get(), mine, false);
    mine->api = std::make_unique<ApiPeer>(mine->sandbox->takeApiListener());
    mine->watched_api = mine->api->waitFd();
    watch(mine->watched_api, mine, true);
    mine->sandbox->onExit([this, find](const ExitInfo& info) {
      Template* ended = find();
      if (!ended) return;
      onLog(*ended);
      std::string how = info.out_of_memory ? "was killed for its memory"
                        : info.signal      ? fmt::format("ended by signal {}", info.signal)
                                           : fmt::format("ended with status {}", info.exit_status);
      if (ended->state == State::kActive) {
        // It was good, so another one will be: the next start has it made.
        logWarn(fmt::format("snapshot: {}: the template {}", ended->key, how));
        return drop(std::string(ended->key));
      }
      settle(*ended, fail(Code::kUnavailable, "the template " + how));
    });
  };
  spawner_.spawnTemplate(std::move(spec), on_started, [this, find](Result<void> ready) {
    if (Template* mine = find()) settle(*mine, std::move(ready));
  });
}

/// The template is ready, has failed, or has died after having been ready.
void Templates::settle(Template& t, Result<void> result) {
  if (t.state == State::kFailed) return;
  bool was_pending = t.state == State::kPending;
  t.state = result ? State::kActive : State::kFailed;
  if (!result) {
    t.reason = result.error().message;
    logWarn(fmt::format("snapshot: {}: {}; instances start the ordinary way", t.key, t.reason));
    // The sandbox may be the one whose callback is running: it goes at the next tick.
    t.give_up_at = clock_.now();
    if (t.sandbox) t.sandbox->kill();
  }
  if (!was_pending) return;
  onLog(t);
  t.init_took = clock_.now() - t.begun;
  --building_;
  auto told = std::move(told_[t.key]);
  told_.erase(t.key);
  for (auto& done : told) done(result);
  buildNext();
}

void Templates::checkLimits() {
  for (auto& [key, t] : templates_) {
    if (t->state == State::kPending && clock_.now() > t->give_up_at) {
      settle(*t, fail(Code::kTimeout, "its init took longer than snapshots allow"));
    }
    if (t->state == State::kFailed && t->sandbox && clock_.now() > t->give_up_at) {
      t->api.reset(), t->output.close(), t->sandbox.reset();
    }
  }
}

void Templates::drop(const std::string& key) {
  std::erase_if(queue_, [&](const Waiting& w) { return w.key == key; });
  told_.erase(key);
  auto found = templates_.find(key);
  if (found == templates_.end()) return;
  if (found->second->state == State::kPending) --building_;
  templates_.erase(found);
}

void Templates::start(const std::string& key, SandboxSpec spec, StartCallback done) {
  auto found = templates_.find(key);
  if (found != templates_.end() && found->second->state == State::kActive) {
    return fork(*found->second, std::move(spec), std::move(done));
  }
  Started started;
  if (found != templates_.end() && found->second->state == State::kFailed) {
    started.why_ordinary = found->second->reason;
  } else {
    started.why_ordinary = "the template is not ready yet";
    prepare(key, spec, 0, nullptr);
  }
  spawner_.spawn(std::move(spec), [done = std::move(done), why = started.why_ordinary](auto result) mutable {
    if (!result) return done(Failure(result.error()));
    done(Started{std::move(*result), StartKind::kOrdinary, std::move(why)});
  });
}

void Templates::fork(Template& t, SandboxSpec spec, StartCallback done) {
  t.last_use = clock_.now();
  auto again = [this, spec, done](const std::string& why) mutable {
    spawner_.spawn(std::move(spec), [done = std::move(done), why](auto result) {
      if (!result) return done(Failure(result.error()));
      done(Started{std::move(*result), StartKind::kOrdinary, why});
    });
  };
  spawner_.forkTemplate(t.id, std::move(spec),
                        [alive = std::weak_ptr(alive_), use = t.forks, again = std::move(again),
                         done = std::move(done)](Result<std::unique_ptr<Sandbox>> result) mutable {
                          if (!result && !alive.expired()) return again(result.error().message);
                          if (!result) return done(Failure(result.error()));
                          (*result)->keep(use);
                          done(Started{std::move(*result), StartKind::kRestored, {}});
                        });
}

}  // namespace lectern::snapshot
