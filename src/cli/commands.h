#pragma once
// One function a subcommand: adds it to the command line and sets its callback, which leaves the exit status in
// `status`. Exit statuses: 0 done; 1 something could not be done (named on standard error); 2 wrong usage.

#include <CLI/CLI.hpp>

namespace lectern::cli {

void addSimulate(CLI::App& app, int& status);
void addPlan(CLI::App& app, int& status);
void addProfile(CLI::App& app, int& status);
void addExperiment(CLI::App& app, int& status);
void addDoctor(CLI::App& app, int& status);
void addBench(CLI::App& app, int& status);
void addModel(CLI::App& app, int& status);
/// `lectern model optimize` and `quantize`, below addModel's command.
void addModelTune(CLI::App& model, int& status);
/// `lectern model add`, `list` and `keep`.
void addModelStore(CLI::App& model, int& status);
void addDeploy(CLI::App& app, int& status);
void addPack(CLI::App& app, int& status);
void addRead(CLI::App& app, int& status);
void addQuery(CLI::App& app, int& status);
void addPrice(CLI::App& app, int& status);
void addServe(CLI::App& app, int& status);
void addInvoke(CLI::App& app, int& status);
void addLogs(CLI::App& app, int& status);
void addTop(CLI::App& app, int& status);

}  // namespace lectern::cli
