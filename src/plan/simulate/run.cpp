#include "plan/simulate/run.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace lectern::plan {

namespace {
constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
constexpr int64_t kInitPhase = 10'000'000'000;  // Lambda's limit of an init on demand
constexpr double kVcpuMb = 1769;                // memory that gives one vCPU
int64_t nanosOf(double ms) { return static_cast<int64_t>(ms * 1e6); }
scheduling::AccountLimits seeded(scheduling::AccountLimits limits, uint64_t seed) {
  limits.seed = seed;
  return limits;
}
float drawn(const std::vector<float>& samples, Random& random) { return samples[random.below(samples.size())]; }
}  // namespace

Run::Run(const Trace& trace, const std::vector<Batch>& batches, const Simulation& simulation, uint64_t seed)
    : trace_(trace),
      batches_(batches),
      sim_(simulation),
      rules_(metering::Rules::at(simulation.platform.date)),
      random_(seed),
      scheduler_(seeded(simulation.platform.account, seed ^ 0x5ca1ab1e)),
      file_system_(FluidServer::fileSystem(simulation.file_system.client_mib_s, simulation.file_system.total_mib_s)) {
  scheduling::VersionConfig config;
  config.memory_mb = sim_.memory_mb;
  config.provisioned = sim_.provisioned;
  config.timeout = sim_.timeout;
  config.keep_alive = sim_.platform.keep_alive;
  config.queue_limit = sim_.queue_limit;
  config.queue_wait = sim_.queue_wait;
  for (uint32_t n = 0; n < trace.functions; ++n) {
    versions_.push_back(scheduler_.addVersion(scheduler_.addFunction(sim_.reserved), config, {}, actions_));
  }
  result_.latencies_ms.reserve(trace.arrivals.size());
  obey(0);
  // Provisioned instances are ready before the first request.
  while (!heap_.empty() || file_system_.flows() > 0) {
    const bool heap = !heap_.empty() && heap_.top().t_nanos <= file_system_.next();
    step(0, heap, !heap);
  }
}

int64_t Run::callTime(uint64_t call) const {
  return batches_.empty() ? trace_.arrivals[call].t_nanos : batches_[call].t_nanos;
}

RunResult Run::run() {
  const uint64_t calls = batches_.empty() ? trace_.arrivals.size() : batches_.size();
  uint64_t next_call = 0;
  for (;;) {
    const int64_t call = next_call < calls ? callTime(next_call) : kEnd;
    const int64_t event = heap_.empty() ? kEnd : heap_.top().t_nanos;
    const int64_t load = file_system_.flows() == 0 ? kEnd : file_system_.next();
    const int64_t now = std::min({call, event, load});
    if (scheduler_.mayBeDue({now})) {
      const SteadyTime timer = scheduler_.nextTimer();
      if (timer.nanos <= now && (now != kEnd || scheduler_.counts(versions_[0]).queued > 0)) {
        account(timer.nanos);
        scheduler_.advance(timer, actions_);
        obey(timer.nanos);
        continue;
      }
    }
    if (now == kEnd) break;
    account(now);
    if (event == now || load == now) {
      step(now, event == now, event != now);
      continue;
    }
    const uint64_t id = next_call++;
    ++result_.calls;
    const uint32_t function = trace_.arrivals[batches_.empty() ? id : batches_[id].first].function;
    scheduler_.invoke(versions_[function], id, {now}, actions_);
    obey(now);
  }
  result_.seconds = static_cast<double>(std::max<int64_t>(accounted_, 1)) / 1e9;
  return std::move(result_);
}

void Run::step(int64_t now, bool heap, bool file_system) {
  if (heap) {
    const Event event = heap_.top();
    heap_.pop();
    Instance& i = instances_[event.slot];
    if (event.kind == kReady) {
      scheduler_.ready(i.id, {now}, actions_);
    } else if (event.kind == kLoad) {
      load(event.slot, now);
    } else if (event.kind == kInitLimit) {
      initLimit(event.slot, now);
    } else if (event.kind - kFinished == i.calls) {
      finish(event.slot, now);  // an older completion is of a call that timed out
    }
  } else if (file_system) {
    loaded(file_system_.take(now), now);
  }
  obey(now);
}

void Run::load(uint32_t slot, int64_t now) {
  file_system_.add(now, sim_.start.model_mib, slot);
  ++result_.model_reads;
}

void Run::loaded(uint32_t slot, int64_t now) {
  Instance& i = instances_[slot];
  i.loaded = true;
  if (i.timed_out) {
    finish(slot, now);
  } else if (!i.in_init) {
    work(slot, now);
  } else {
    // The load is part of init.
    i.init_nanos = now - i.dispatched;
    i.in_init = false;
    scheduler_.ready(i.id, {now}, actions_);
  }
}

/// Init is stopped; the instance goes on inside its first call.
void Run::initLimit(uint32_t slot, int64_t now) {
  Instance& i = instances_[slot];
  if (!i.in_init || now != i.dispatched + kInitPhase) return;  // that init ended in time
  file_system_.remove(now, slot);
  i.in_init = false;
  i.again = true;
  i.init_nanos = 0;
  ++result_.init_restarts;
  scheduler_.ready(i.id, {now}, actions_);
}

void Run::account(int64_t now) {
  const double passed = static_cast<double>(now - accounted_) / 1e9;
  result_.instance_seconds += passed * scheduler_.liveInstances();
  result_.busy_seconds += passed * busy_;
  accounted_ = now;
}

void Run::obey(int64_t now) {
  for (size_t n = 0; n < actions_.size(); ++n) {
    const scheduling::Action action = actions_[n];
    switch (action.kind) {
      case scheduling::Action::Kind::kStart:
        started(action, now);
        break;
      case scheduling::Action::Kind::kDispatch:
        dispatched(action, now);
        break;
      case scheduling::Action::Kind::kThrottle:
        ++result_.throttles;
        break;
      case scheduling::Action::Kind::kTimeout:
        timedOut(scheduling::slotOf(action.instance), now);
        break;
      case scheduling::Action::Kind::kStop:
      case scheduling::Action::Kind::kFail:
      case scheduling::Action::Kind::kInitTimeout:
        break;
    }
  }
  actions_.clear();
}

void Run::timedOut(uint32_t slot, int64_t now) {
  ++result_.timeouts;
  Instance& i = instances_[slot];
  i.timed_out = true;
  result_.billed_ms += metering::roundUpMillis(sim_.timeout, rules_.step);
  // The reset takes no time of its own; a load under way goes on and ends it.
  if (i.loaded) heap_.push({now, slot, kFinished + ++i.calls});
}

void Run::started(const scheduling::Action& action, int64_t now) {
  const uint32_t slot = scheduling::slotOf(action.instance);
  if (slot >= instances_.size()) instances_.resize(slot + 1);
  Instance& i = instances_[slot];
  i = Instance{};
  i.id = action.instance;
  i.provisioned = action.provisioned;
  i.loaded = sim_.start.model_mib <= 0;
  if (sim_.service.instance_cv > 0) i.speed = static_cast<float>(random_.lognormal(1, sim_.service.instance_cv));
  ++result_.starts;
  const Start& start = sim_.start;
  const double preinit = start.preinit_samples.empty() ? random_.lognormal(start.preinit_ms, start.preinit_cv)
                                                       : drawn(start.preinit_samples, random_);
  const double init = start.init_ms > 0 ? random_.lognormal(start.init_ms, start.init_cv) : 0;
  const int64_t begun = now + nanosOf(std::max(0.0, preinit));
  i.init_nanos = nanosOf(init);
  i.dispatched = begun;  // when init began, until the first dispatch
  const bool load = !i.loaded && !start.load_in_handler;
  const bool limited = !i.provisioned;
  if (limited && i.init_nanos > kInitPhase) {
    i.in_init = true;
    heap_.push({begun + kInitPhase, slot, kInitLimit});
    return;
  }
  i.in_init = load;
  heap_.push({begun + i.init_nanos, slot, load ? kLoad : kReady});
  if (load && limited) heap_.push({begun + kInitPhase, slot, kInitLimit});
}

void Run::dispatched(const scheduling::Action& action, int64_t now) {
  const uint32_t slot = scheduling::slotOf(action.instance);
  Instance& i = instances_[slot];
  CHECK(i.id == action.instance);
  i.invocation = action.invocation;
  i.dispatched = now;
  i.timed_out = false;
  i.calls = (i.calls + 1) & 0xffffff;
  ++busy_;
  result_.peak_concurrency = std::max(result_.peak_concurrency, busy_);
  if (action.cold) ++result_.cold;
  double init_ms = 0;
  if (i.again) {
    i.again = false;
    init_ms = random_.lognormal(sim_.start.init_ms, sim_.start.init_cv) / std::min(1.0, sim_.memory_mb / kVcpuMb);
  }
  if (i.loaded) {
    work(slot, now, init_ms);
  } else {
    heap_.push({now + nanosOf(init_ms), slot, kLoad});
  }
}

double Run::serviceMillis(uint64_t invocation) {
  const Service& s = sim_.service;
  const uint32_t count = batches_.empty() ? 1 : batches_[invocation].count;
  const double further = s.per_item_ms * (count - 1);
  switch (s.kind) {
    case Service::Kind::kConstant:
      return s.mean_ms + further;
    case Service::Kind::kExponential:
      return random_.exponential(s.mean_ms + further);
    case Service::Kind::kLognormal:
      return random_.lognormal(s.mean_ms + further, s.cv);
    case Service::Kind::kSamples:
      return drawn(s.samples, random_) + further;
    case Service::Kind::kTrace:
      break;
  }
  double sum = 0;
  const uint64_t first = batches_.empty() ? invocation : batches_[invocation].first;
  for (uint64_t n = first; n < first + count; ++n) {
    const float known = trace_.arrivals[n].work_ms;
    sum += known >= 0 ? known : s.samples.empty() ? s.mean_ms : drawn(s.samples, random_);
  }
  return sum;
}

void Run::work(uint32_t slot, int64_t now, double more_ms) {
  Instance& i = instances_[slot];
  double ms = serviceMillis(i.invocation) * i.speed + more_ms;
  if (i.first) ms += sim_.start.first_call_ms;
  heap_.push({now + nanosOf(ms), slot, kFinished + i.calls});
}

void Run::finish(uint32_t slot, int64_t now) {
  Instance& i = instances_[slot];
  --busy_;
  if (!i.timed_out) {
    metering::Usage usage;
    usage.duration = Nanos(now - i.dispatched);
    usage.packaging = sim_.platform.packaging;
    if (i.first && i.init_nanos > 0) usage.init = Nanos(i.init_nanos);
    if (i.provisioned) usage.start = metering::Start::kProvisioned;
    result_.billed_ms += metering::billedMillis(rules_, usage);
    if (usage.init && metering::initBilled(rules_, usage.start, usage.packaging)) {
      result_.billed_init_ms += static_cast<double>(i.init_nanos) / 1e6;
    }
    answer(i.invocation, now);
  }
  i.first = false;
  scheduler_.finished(i.id, {now}, actions_);
}

void Run::answer(uint64_t invocation, int64_t now) {
  const double overhead =
      sim_.overhead_samples.empty() ? sim_.overhead_ms : drawn(sim_.overhead_samples, random_);
  const uint64_t first = batches_.empty() ? invocation : batches_[invocation].first;
  const uint64_t count = batches_.empty() ? 1 : batches_[invocation].count;
  for (uint64_t n = first; n < first + count; ++n) {
    const double ms = static_cast<double>(now - trace_.arrivals[n].t_nanos) / 1e6;
    result_.latencies_ms.push_back(static_cast<float>(ms + overhead));
  }
}

}  // namespace lectern::plan
