#pragma once
// Snapshots: one template process for each function version runs the function's init once and is then forked, each
// fork in a fresh sandbox of its own. To the caller a fork is a Sandbox like any other.
//
//   templates.start("resize:3", spec, [](Result<Templates::Started> started) { ... started->sandbox, started->kind ...
//   });
//
// Without a ready template the instance starts the ordinary way, and the template is made in the background for the
// next one. A fork's first request at its Runtime API is GET invocation/next, as if it had just been restored.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "base/result.h"
#include "engine/sandbox/sandbox.h"
#include "engine/snapshot/api_peer.h"

namespace lectern::snapshot {

enum class StartKind { kOrdinary, kRestored };

enum class State { kNone, kPending, kActive, kFailed };

struct TemplatesOptions {
  int most = 16;                    // templates alive at once; the least recently used idle one leaves
  Bytes budget{0};                  // of their memory together (0: half of the machine's), weights included; the same rule
  int built_at_once = 1;            // inits that run at the same time, so that requests are not starved
  Nanos init_limit = Seconds(130);  // a template that has not finished its init by then is given up
  size_t log_limit = 256 * 1024;    // what is kept of a template's output
};

class Templates {
 public:
  struct Started {
    std::unique_ptr<sandbox::Sandbox> sandbox;
    StartKind kind = StartKind::kOrdinary;
    std::string why_ordinary;  // for the log: "the template is not ready yet", "it has 3 threads, ..."
  };
  using StartCallback = std::function<void(Result<Started>)>;

  Templates(sandbox::Spawner& spawner, const Clock& clock, TemplatesOptions options = {});
  ~Templates();
  Templates(const Templates&) = delete;

  /// Watch it beside the spawner's; then call onReadable().
  int eventFd() const { return epoll_.get(); }
  void onReadable();

  /// An instance of the function version `key`. Like Spawner::spawn, the callback never runs inside start().
  void start(const std::string& key, sandbox::SandboxSpec spec, StartCallback done);
  /// Makes the template ahead of need: on publish, or after a restart of the engine. Those with the most `uses` come
  /// first. `done` is told when it is ready or why not; `init_limit` 0: that of the options.
  void prepare(const std::string& key, sandbox::SandboxSpec spec, int64_t uses,
               std::function<void(Result<void>)> done, Nanos init_limit = Nanos(0));
  /// Ends the template (and forgets why it failed). Instances made from it end with it.
  void drop(const std::string& key);

  State state(const std::string& key) const;
  /// Why the template failed; empty otherwise.
  std::string reason(const std::string& key) const;
  /// What the template's init printed.
  std::string log(const std::string& key) const;
  /// How long its init took, until it could be forked.
  Nanos initTook(const std::string& key) const;
  int alive() const;
  /// What the template itself uses, weights included.
  Bytes memory(const std::string& key) const;

 private:
  struct Template;
  struct Waiting {
    std::string key;
    sandbox::SandboxSpec spec;
    int64_t uses;
    Nanos init_limit;
  };

  void build(Waiting waiting);
  void buildNext();
  void settle(Template& t, Result<void> result);
  void onLog(Template& t);
  void onApi(Template& t);
  void makeRoom();
  void watch(int fd, Template* t, bool api);
  void checkLimits();
  void fork(Template& t, sandbox::SandboxSpec spec, StartCallback done);

  sandbox::Spawner& spawner_;
  const Clock& clock_;
  TemplatesOptions options_;
  Fd epoll_, timer_;
  int building_ = 0;
  int64_t serial_ = 0;
  std::map<std::string, std::unique_ptr<Template>> templates_;
  std::map<std::string, std::vector<std::function<void(Result<void>)>>> told_;
  std::deque<Waiting> queue_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // callbacks of the spawner may come after the end
};

}  // namespace lectern::snapshot
