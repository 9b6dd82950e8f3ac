#include <optional>
#include <vector>

#include "base/log.h"
#include "engine/instance/host.h"
#include "engine/snapshot/templates.h"

namespace lectern::engine {

namespace {

class SandboxEnvironment final : public Environment {
 public:
  SandboxEnvironment(std::unique_ptr<sandbox::Sandbox> box, bool keeps) : box_(std::move(box)), keeps_(keeps) {}
  Fd takeApiListener() override { return box_->takeApiListener(); }
  Fd takeOutput() override { return box_->takeOutput(); }
  void onExit(std::function<void(const sandbox::ExitInfo&)> callback) override { box_->onExit(std::move(callback)); }
  void freeze() override { box_->freeze(); }
  void thaw() override { box_->thaw(); }
  void kill() override { box_->kill(); }
  void setCpuQuota(double cores) override { box_->setCpuQuota(cores); }
  Bytes memoryPeak() const override { return box_->memoryPeak(); }
  int pid() const override { return box_->pid(); }
  bool keeps() const override { return keeps_; }
  void startProcess(int slot, std::vector<std::string> env, std::vector<std::string> command,
                    std::function<void(Result<Fd>)> done) override {
    box_->startProcess(slot, std::move(env), std::move(command), std::move(done));
  }
  void signalProcess(int slot, int number) override { box_->signalProcess(slot, number); }
  void onProcess(std::function<void(int, const sandbox::ExitInfo&)> callback) override {
    box_->onProcess(std::move(callback));
  }
  void clear() override { box_->clear(); }
  void onCleared(std::function<void()> callback) override { box_->onCleared(std::move(callback)); }

 private:
  std::unique_ptr<sandbox::Sandbox> box_;
  bool keeps_;
};

class SandboxHost final : public InstanceHost {
 public:
  SandboxHost(net::Loop& loop, std::unique_ptr<sandbox::Spawner> spawner, const sandbox::SpawnerOptions& options)
      : loop_(loop), options_(options) {
    use(std::move(spawner));
  }
  ~SandboxHost() override {
    *here_ = false;
    if (spawner_->alive()) loop_.unwatch(watched_);
    if (templates_) loop_.unwatch(templates_->eventFd());
  }

  void prepareBoot(sandbox::SandboxSpec spec) override {
    boot_ = spec;
    spawner_->prepareBoot(std::move(spec));
  }

  void restore(const std::string& key, sandbox::SandboxSpec spec, RestoreCallback done) override {
    if (!spawner_->alive()) {
      return later([this, key, spec = std::move(spec), done = std::move(done)] {
        if (auto there = revive(); !there) return done(Failure(there.error()));
        restore(key, spec, done);
      });
    }
    if (!templates_) return InstanceHost::restore(key, std::move(spec), std::move(done));
    bool keep = spec.keep = spec.keep && keeps();
    templates_->start(key, std::move(spec), [keep, done = std::move(done)](auto started) {
      if (!started) return done(Failure(started.error()));
      // A copy's process comes from its template, so its sandbox cannot start it anew: it ends with the process.
      bool restored = started->kind == snapshot::StartKind::kRestored;
      done(StartedEnvironment{std::make_unique<SandboxEnvironment>(std::move(started->sandbox), keep && !restored),
                              restored, std::move(started->why_ordinary)});
    });
  }

  void makeSnapshot(const SnapshotWish& wish, sandbox::SandboxSpec spec, SnapshotCallback done) override {
    if (!templates_) return InstanceHost::makeSnapshot(wish, std::move(spec), std::move(done));
    templates_->prepare(wish.key, std::move(spec), wish.uses,
                        [this, key = wish.key, done = std::move(done)](Result<void> result) {
                          done({std::move(result), templates_->initTook(key), templates_->log(key)});
                        },
                        wish.init_limit);
  }
  void dropSnapshot(const std::string& key) override {
    if (templates_) templates_->drop(key);
  }

  void spawn(sandbox::SandboxSpec spec, Callback done) override {
    if (!spawner_->alive()) {
      return later([this, spec = std::move(spec), done = std::move(done)] {
        if (auto there = revive(); !there) return done(Failure(there.error()));
        spawn(spec, done);
      });
    }
    bool keep = spec.keep = spec.keep && keeps();
    spawner_->spawn(std::move(spec), [keep, done = std::move(done)](Result<std::unique_ptr<sandbox::Sandbox>> box) {
      if (!box) return done(Failure(box.error()));
      done(std::make_unique<SandboxEnvironment>(std::move(*box), keep));
    });
  }
  bool keeps() const override { return spawner_->capabilities().isolation != sandbox::Isolation::kNone; }
  std::string description() const override {
    auto& capabilities = spawner_->capabilities();
    return capabilities.message.empty() ? "isolation: full" : capabilities.message;
  }

 private:
  void use(std::unique_ptr<sandbox::Spawner> spawner) {
    spawner_ = std::move(spawner);
    watched_ = spawner_->eventFd();
    loop_.watchReadable(watched_, [this] {
      spawner_->onReadable();
      if (!spawner_->alive()) loop_.unwatch(watched_);
    });
    if (boot_) spawner_->prepareBoot(*boot_);
    if (!spawner_->capabilities().templates) return;
    templates_ = std::make_unique<snapshot::Templates>(*spawner_, loop_.clock());
    loop_.watchReadable(templates_->eventFd(), [this] { templates_->onReadable(); });
  }

  void later(std::function<void()> work) {
    loop_.defer([here = here_, work = std::move(work)] {
      if (*here) work();
    });
  }

  /// Starts another spawner in the place of one that has died: functions go on, and snapshots are gone.
  Result<void> revive() {
    if (spawner_->alive()) return {};
    TRY(auto spawner, sandbox::Spawner::start(options_));
    logWarn("another spawner was started in the place of the one that ended");
    // Sandboxes and requests of the dead one may still refer to it.
    if (templates_) loop_.unwatch(templates_->eventFd());
    dead_.push_back({std::move(spawner_), std::move(templates_)});
    use(std::move(spawner));
    return {};
  }

  struct Dead {
    std::unique_ptr<sandbox::Spawner> spawner;
    std::unique_ptr<snapshot::Templates> templates;
  };
  net::Loop& loop_;
  sandbox::SpawnerOptions options_;
  std::optional<sandbox::SandboxSpec> boot_;
  std::vector<Dead> dead_;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  std::unique_ptr<sandbox::Spawner> spawner_;
  std::unique_ptr<snapshot::Templates> templates_;
  int watched_ = -1;
};

}  // namespace

Result<std::unique_ptr<InstanceHost>> makeSandboxHost(net::Loop& loop, const sandbox::SpawnerOptions& options) {
  TRY(auto spawner, sandbox::Spawner::start(options));
  return std::make_unique<SandboxHost>(loop, std::move(spawner), options);
}

}  // namespace lectern::engine
