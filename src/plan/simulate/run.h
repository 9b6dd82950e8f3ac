#pragma once
// One run of a simulation: the event loop around policy/scheduling.

#include <cstdint>
#include <vector>

#include "plan/simulate/event_heap.h"
#include "plan/simulate/fluid_server.h"
#include "plan/simulate/simulator.h"

namespace lectern::plan {

struct RunResult {
  int64_t calls = 0, cold = 0, throttles = 0, timeouts = 0, starts = 0, init_restarts = 0, model_reads = 0;
  int64_t billed_ms = 0;
  double billed_init_ms = 0;
  int peak_concurrency = 0;
  double instance_seconds = 0, busy_seconds = 0, seconds = 0;
  std::vector<float> latencies_ms;
};

class Run {
 public:
  /// `batches` empty: every arrival is a call.
  Run(const Trace& trace, const std::vector<Batch>& batches, const Simulation& simulation, uint64_t seed);
  RunResult run();

 private:
  struct Instance {
    scheduling::InstanceId id = scheduling::InstanceId::kNone;
    int64_t dispatched = 0;
    int64_t init_nanos = 0;  // of this instance, billed with its first call
    uint64_t invocation = 0;
    uint32_t calls = 0;      // tells completions of different calls apart
    float speed = 1;
    bool first = true;       // has not served yet
    bool loaded = true;      // the model is in memory
    bool in_init = false;    // before its first call
    bool again = false;      // init passed its limit: the next call does it again
    bool timed_out = false;
    bool provisioned = false;
  };
  enum EventKind : uint32_t { kReady, kLoad, kInitLimit, kFinished };  // kFinished + the instance's count of calls

  void step(int64_t now, bool heap, bool file_system);
  void account(int64_t now);
  void obey(int64_t now);
  void timedOut(uint32_t slot, int64_t now);
  void started(const scheduling::Action& action, int64_t now);
  void dispatched(const scheduling::Action& action, int64_t now);
  void load(uint32_t slot, int64_t now);
  void loaded(uint32_t slot, int64_t now);
  void initLimit(uint32_t slot, int64_t now);
  void work(uint32_t slot, int64_t now, double more_ms = 0);
  void finish(uint32_t slot, int64_t now);
  void answer(uint64_t invocation, int64_t now);
  double serviceMillis(uint64_t invocation);
  int64_t callTime(uint64_t call) const;

  const Trace& trace_;
  const std::vector<Batch>& batches_;
  const Simulation& sim_;
  metering::Rules rules_;
  Random random_;
  scheduling::Scheduler scheduler_;
  scheduling::Actions actions_;
  std::vector<scheduling::VersionId> versions_;
  std::vector<Instance> instances_;
  EventHeap heap_;
  FluidServer file_system_;
  int64_t accounted_ = 0;
  int busy_ = 0;
  RunResult result_;
};

}  // namespace lectern::plan
