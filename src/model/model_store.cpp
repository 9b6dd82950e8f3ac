#include "model/model_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.h"
#include "model/optimize.h"
#include "model/store/keeper_protocol.h"

extern char** environ;

namespace lectern::model {

namespace fs = std::filesystem;

Result<Manifest> prepareForMachine(const fs::path& store, const std::string& name) {
  const std::string machine = machineKind();
  TRY(const auto manifest, readManifest(store, name));
  if (auto have = readManifest(store, name, machine)) return *have;
  if (manifest.files[0].name.ends_with(".ort")) return manifest;  // made for some machine by whoever added it
  const fs::path folder = store / name;
  const Fd lock(open((folder / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock.valid()) return failErrno("prepare " + name, errno);
  while (flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return failErrno("prepare " + name, errno);
  }
  if (auto have = readManifest(store, name, machine)) return *have;
  const fs::path model = folder / manifest.files[0].name;
  const bool large = manifest.bytes() >= int64_t{1} << 30;
  const fs::path part = folder / fmt::format(".{}.part", getpid());
  std::error_code error;
  fs::create_directories(part, error);
  if (error) return failErrno("create " + part.string(), error.value());
  auto made = [&]() -> Result<Manifest> {
    const fs::path out = part / (machine + (large ? ".onnx" : ".ort"));
    TRY_VOID(optimizeModel(model, out).map([](const auto&) {}));
    return addForm(store, name, machine, out);
  }();
  fs::remove_all(part, error);
  return made;
}

fs::path keeperFolder() { return cacheDir() / "keeper"; }

Result<std::unique_ptr<KeeperProcess>> KeeperProcess::use(const fs::path& program, const KeeperOptions& options) {
  const auto connect = [&] { return keeper::connectTo(keeper::socketPath(options.folder)); };
  if (auto running = connect()) return std::unique_ptr<KeeperProcess>(new KeeperProcess(std::move(*running)));
  int said[2];
  if (pipe2(said, O_CLOEXEC) != 0) return failErrno("pipe", errno);
  Fd said_read(said[0]), said_write(said[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, said_write.get(), 1);
  // It may outlive this program, whose output somebody may be reading to the end.
  std::error_code ignored;
  fs::create_directories(options.folder, ignored);
  const std::string log = (options.folder / "log").string();
  posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);  // a Ctrl-C for this program is not for the other engines
  const std::string folder = options.folder.string(), budget = std::to_string(options.budget.value >> 20);
  const char* arguments[] = {"lectern", "model", "keep", "--folder", folder.c_str(), "--budget", budget.c_str(),
                             "--while-used", nullptr};
  pid_t pid = 0;
  const int error = posix_spawn(&pid, program.c_str(), &actions, &attributes, const_cast<char**>(arguments), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return failErrno("start " + program.string(), error);
  said_write.close();
  char byte = 0;
  while (read(said_read.get(), &byte, 1) < 0 && errno == EINTR) {  // its first line comes when it serves
  }
  // When another engine was faster this connects to that one's keeper, which may need a moment.
  constexpr int kTries = 100, kMillisBetween = 50;
  auto started = connect();
  for (int i = 0; i < kTries && !started; ++i) {
    poll(nullptr, 0, kMillisBetween);
    started = connect();
  }
  if (!started) return fail(Code::kUnavailable, "the keeper of weights did not start, see " + log);
  return std::unique_ptr<KeeperProcess>(new KeeperProcess(std::move(*started)));
}

}  // namespace lectern::model
