#include "engine/instance/host.h"

namespace lectern::engine {

namespace {

class SandboxEnvironment final : public Environment {
 public:
  explicit SandboxEnvironment(std::unique_ptr<sandbox::Sandbox> box) : box_(std::move(box)) {}
  Fd takeApiListener() override { return box_->takeApiListener(); }
  Fd takeOutput() override { return box_->takeOutput(); }
  void onExit(std::function<void(const sandbox::ExitInfo&)> callback) override { box_->onExit(std::move(callback)); }
  void freeze() override { box_->freeze(); }
  void thaw() override { box_->thaw(); }
  void kill() override { box_->kill(); }
  void setCpuQuota(double cores) override { box_->setCpuQuota(cores); }
  Bytes memoryPeak() const override { return box_->memoryPeak(); }
  int pid() const override { return box_->pid(); }

 private:
  std::unique_ptr<sandbox::Sandbox> box_;
};

class SandboxHost final : public InstanceHost {
 public:
  SandboxHost(net::Loop& loop, std::unique_ptr<sandbox::Spawner> spawner) : loop_(loop), spawner_(std::move(spawner)) {
    watched_ = spawner_->eventFd();
    loop_.watchReadable(watched_, [this] {
      spawner_->onReadable();
      if (!spawner_->alive()) loop_.unwatch(watched_);
    });
  }
  ~SandboxHost() override {
    if (spawner_->alive()) loop_.unwatch(watched_);
  }

  void spawn(sandbox::SandboxSpec spec, Callback done) override {
    spawner_->spawn(std::move(spec), [done = std::move(done)](Result<std::unique_ptr<sandbox::Sandbox>> box) {
      if (!box) return done(Failure(box.error()));
      done(std::make_unique<SandboxEnvironment>(std::move(*box)));
    });
  }
  std::string description() const override {
    auto& capabilities = spawner_->capabilities();
    return capabilities.message.empty() ? "isolation: full" : capabilities.message;
  }

 private:
  net::Loop& loop_;
  std::unique_ptr<sandbox::Spawner> spawner_;
  int watched_ = -1;
};

}  // namespace

Result<std::unique_ptr<InstanceHost>> makeSandboxHost(net::Loop& loop, const sandbox::SpawnerOptions& options) {
  TRY(auto spawner, sandbox::Spawner::start(options));
  return std::make_unique<SandboxHost>(loop, std::move(spawner));
}

}  // namespace lectern::engine
