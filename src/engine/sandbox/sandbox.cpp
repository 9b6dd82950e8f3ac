#include "engine/sandbox/sandbox.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "spawner/protocol.h"

namespace lectern::sandbox {
namespace {

std::string readAll(const Fd& fd) {
  char buffer[1024];
  ssize_t n = fd.valid() ? pread(fd.get(), buffer, sizeof buffer, 0) : 0;
  return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : std::string();
}

int64_t readNumber(const Fd& fd) { return strtoll(readAll(fd).c_str(), nullptr, 10); }

}  // namespace

Sandbox::~Sandbox() {
  if (owner_ == nullptr) return;
  std::erase(owner_->late_, this);
  if (!ended_) kill();
  owner_->live_.erase(id_);
  owner_->templates_.erase(id_);
}

void Sandbox::onExit(std::function<void(const ExitInfo&)> callback) {
  on_exit_ = std::move(callback);
  if (!unheard_ || owner_ == nullptr) return;
  owner_->late_.push_back(this);
  owner_->send(spawner::Writer(static_cast<uint32_t>(spawner::Request::kPing)).bytes());
}

void Sandbox::writeControl(const Fd& fd, const std::string& text) const {
  // A failure means that the sandbox has just ended, which onExit tells.
  if (fd.valid()) (void)!pwrite(fd.get(), text.data(), text.size(), 0);
}

void Sandbox::freeze() {
  if (frozen_ || ended_) return;
  frozen_ = true;
  if (freeze_.valid()) return writeControl(freeze_, version2_freeze_ ? "1" : "FROZEN");
  spawner::Writer w(static_cast<uint32_t>(spawner::Request::kFreeze));
  w.string(id_);
  owner_->send(w.bytes());
}

void Sandbox::thaw() {
  if (!frozen_ || ended_) return;
  frozen_ = false;
  if (freeze_.valid()) return writeControl(freeze_, version2_freeze_ ? "0" : "THAWED");
  spawner::Writer w(static_cast<uint32_t>(spawner::Request::kThaw));
  w.string(id_);
  owner_->send(w.bytes());
}

void Sandbox::kill() {
  if (ended_ || owner_ == nullptr) return;
  spawner::Writer w(static_cast<uint32_t>(spawner::Request::kKill));
  w.string(id_);
  owner_->send(w.bytes());
}

void Sandbox::setCpuQuota(double cores) {
  // The kernel accounts per tick (4 ms at 250 Hz): a quota below one tick is overrun and then blocks for several
  // periods, so the period grows as the share shrinks. 1000 us is the kernel's smallest quota.
  int64_t period = 100'000, quota = -1;
  if (cores > 0) {
    period = std::clamp<int64_t>(std::llround(4'000 / std::min(cores, 1.0)), 20'000, 100'000);
    quota = std::max<int64_t>(1'000, std::llround(cores * static_cast<double>(period)));
  }
  if (version2_) {
    return writeControl(cpu_quota_, (quota < 0 ? "max" : std::to_string(quota)) + " " + std::to_string(period));
  }
  if (quota < 0) return writeControl(cpu_quota_, "-1");
  writeControl(cpu_period_, std::to_string(period));
  writeControl(cpu_quota_, std::to_string(quota));
}

Bytes Sandbox::memoryPeak() const { return {readNumber(memory_peak_)}; }
Bytes Sandbox::memoryCurrent() const { return {readNumber(memory_current_)}; }
void Sandbox::resetMemoryPeak() { writeControl(memory_peak_, "0"); }

Nanos Sandbox::cpuTime() const {
  if (!version2_) return Nanos(readNumber(cpu_usage_));
  std::string stat = readAll(cpu_usage_);
  size_t at = stat.find("usage_usec ");
  return Nanos(at == std::string::npos ? 0 : 1000 * strtoll(stat.c_str() + at + 11, nullptr, 10));
}

}  // namespace lectern::sandbox
