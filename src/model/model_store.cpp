#include "model/model_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "model/optimize.h"

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

Result<std::unique_ptr<KeeperProcess>> KeeperProcess::start(const fs::path& program, const KeeperOptions& options) {
  int life[2], said[2];
  if (pipe2(life, O_CLOEXEC) != 0) return failErrno("pipe", errno);
  Fd life_read(life[0]), life_write(life[1]);
  if (pipe2(said, O_CLOEXEC) != 0) return failErrno("pipe", errno);
  Fd said_read(said[0]), said_write(said[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, life_read.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, said_write.get(), 1);
  const std::string store = options.store.string(), budget = std::to_string(options.budget.value >> 20);
  const char* arguments[] = {"lectern", "model", "keep", "--store", store.c_str(), "--budget", budget.c_str(),
                             "--with-stdin", nullptr};
  pid_t pid = 0;
  const int error = posix_spawn(&pid, program.c_str(), &actions, nullptr, const_cast<char**>(arguments), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return failErrno("start " + program.string(), error);
  said_write.close();
  std::unique_ptr<KeeperProcess> out(new KeeperProcess(pid, std::move(life_write)));
  char byte = 0;
  ssize_t n = 0;
  do {
    n = read(said_read.get(), &byte, 1);  // its first line comes when it listens
  } while (n < 0 && errno == EINTR);
  if (n != 1) return fail(Code::kUnavailable, "the keeper of the model store " + store + " did not start");
  return out;
}

KeeperProcess::~KeeperProcess() {
  life_.close();
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace lectern::model
