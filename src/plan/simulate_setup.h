#pragma once
// Options of the command line into a workload and a simulation; shared by simulate and plan.

#include "plan/simulate.h"
#include "plan/simulate/simulator.h"

namespace lectern::plan {

Result<Trace> workloadOf(const SimulateOptions& options);
Result<Simulation> simulationOf(const SimulateOptions& options, const Trace& trace);

}  // namespace lectern::plan
