#include "engine/instance/environment.h"

#include <signal.h>

#include <algorithm>

namespace lectern::engine {

sandbox::SandboxSpec sandboxSpecOf(const FunctionVersion& version, const contract::Limits& limits) {
  sandbox::SandboxSpec spec;
  spec.task_dir = version.code_dir;
  spec.layers = version.layer_dirs;
  spec.mounts = version.mounts;
  spec.memory_limit = mebibytes(version.memory_mb);
  spec.cpu_share = contract::cpuShare(limits, version.memory_mb);
  spec.visible_cores = contract::visibleCores(version.memory_mb);
  spec.tmp_size = mebibytes(version.tmp_mb);
  spec.max_pids = limits.max_processes;
  spec.max_fds = limits.max_fds;
  spec.command = version.command;
  spec.boots = canBootAhead(version);
  return spec;
}

bool canBootAhead(const FunctionVersion& version) {
  // Only the Node runtime knows how to wait; Node reads variables of its own when it starts.
  if (!version.runtime.starts_with("nodejs") || version.command.empty()) return false;
  return std::none_of(version.environment.begin(), version.environment.end(), [](const auto& variable) {
    return variable.first.starts_with("NODE_") || variable.first == "LD_LIBRARY_PATH" || variable.first == "LANG";
  });
}

sandbox::SandboxSpec bootSpecOf(const FunctionVersion& version, const contract::Limits& limits) {
  sandbox::SandboxSpec spec;
  spec.command = version.command;
  spec.max_fds = limits.max_fds, spec.max_pids = limits.max_processes;
  spec.env = {"PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin", "LANG=en_US.UTF-8", "TZ=:UTC",
              "LAMBDA_TASK_ROOT=/var/task"};
  return spec;
}

std::string snapshotKey(const FunctionVersion& version) {
  // A replaced $LATEST is another version to the scheduler, and its snapshot must be another one as well.
  return version.name + ":" + version.version + "#" + std::to_string(uint64_t(version.id));
}

std::vector<std::string> environmentOf(const FunctionVersion& version, const contract::Place& place,
                                       const std::string& log_stream, const std::string& init_type) {
  std::string group = version.log_group.empty() ? contract::logGroup(version.name) : version.log_group;
  std::vector<std::string> env = {
      "AWS_ACCESS_KEY_ID=ASIALECTERNLOCAL0000",
      "AWS_SECRET_ACCESS_KEY=lectern-local",
      "AWS_SESSION_TOKEN=lectern-local",
      "AWS_REGION=" + place.region,
      "AWS_DEFAULT_REGION=" + place.region,
      "AWS_LAMBDA_FUNCTION_NAME=" + version.name,
      "AWS_LAMBDA_FUNCTION_VERSION=" + version.version,
      "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + std::to_string(version.memory_mb),
      "AWS_LAMBDA_INITIALIZATION_TYPE=" + init_type,
      "AWS_LAMBDA_LOG_GROUP_NAME=" + group,
      "AWS_LAMBDA_LOG_STREAM_NAME=" + log_stream,
      "AWS_XRAY_CONTEXT_MISSING=LOG_ERROR",
      "AWS_XRAY_DAEMON_ADDRESS=169.254.100.1:2000",
      "_AWS_XRAY_DAEMON_ADDRESS=169.254.100.1",
      "_AWS_XRAY_DAEMON_PORT=2000",
      "LAMBDA_TASK_ROOT=/var/task",
      "LAMBDA_RUNTIME_DIR=/var/runtime",
      "_HANDLER=" + version.handler,
      "TZ=:UTC",
      "LANG=en_US.UTF-8",
      "PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
      "LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
  };
  if (!version.runtime.starts_with("provided")) env.push_back("AWS_EXECUTION_ENV=AWS_Lambda_" + version.runtime);
  if (version.json_logs) env.push_back("AWS_LAMBDA_LOG_FORMAT=JSON");
  for (auto& [name, value] : version.environment) {
    if (name == "LD_LIBRARY_PATH" || name == "PATH" || name == "TZ" || name == "LANG") {
      // The customer's value replaces the platform's.
      std::erase_if(env, [&](const std::string& item) { return item.starts_with(name + "="); });
    }
    env.push_back(name + "=" + value);
  }
  return env;
}

std::vector<std::string> extensionVariables(std::vector<std::string> variables) {
  std::erase_if(variables, [](const std::string& variable) {
    if (variable.starts_with('_')) return true;
    for (const char* name : {"AWS_XRAY_CONTEXT_MISSING=", "AWS_XRAY_DAEMON_ADDRESS=", "AWS_EXECUTION_ENV=",
                             "AWS_LAMBDA_LOG_GROUP_NAME=", "AWS_LAMBDA_LOG_STREAM_NAME=", "LAMBDA_TASK_ROOT=",
                             "LAMBDA_RUNTIME_DIR="}) {
      if (variable.starts_with(name)) return true;
    }
    return false;
  });
  return variables;
}

std::string signalName(int number) {
  switch (number) {
    case SIGKILL:
      return "killed";
    case SIGSEGV:
      return "segmentation fault";
    case SIGABRT:
      return "aborted";
    case SIGBUS:
      return "bus error";
    case SIGFPE:
      return "floating point exception";
    case SIGILL:
      return "illegal instruction";
    case SIGTERM:
      return "terminated";
    case SIGINT:
      return "interrupt";
    case SIGHUP:
      return "hangup";
    case SIGQUIT:
      return "quit";
    case SIGTRAP:
      return "trace/breakpoint trap";
    case SIGPIPE:
      return "broken pipe";
    case SIGALRM:
      return "alarm clock";
    case SIGSYS:
      return "bad system call";
    default:
      return "signal " + std::to_string(number);
  }
}

}  // namespace lectern::engine
