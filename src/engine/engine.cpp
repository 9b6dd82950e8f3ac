#include "engine/engine.h"

#include <fmt/core.h>

#include <future>
#include <thread>

#include "base/check.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/log.h"
#include "engine/control/bundle.h"
#include "engine/invoke/dispatcher.h"
#include "engine/invoke/front.h"
#include "net/url.h"

namespace lectern::engine {

namespace fs = std::filesystem;

namespace {

struct Function {
  scheduling::FunctionId id{};
  VersionPtr latest;
};

metering::Rules rulesOf(contract::Quotas quotas) {
  return metering::Rules::at(quotas == contract::Quotas::k2020 ? metering::Date{2020, 6, 1}
                                                               : metering::Date{2026, 1, 1});
}

DispatcherOptions dispatcherOptions(const EngineOptions& options) {
  DispatcherOptions out;
  out.place = options.place;
  out.limits = contract::limitsFor(options.quotas);
  out.rules = rulesOf(options.quotas);
  out.account.concurrency =
      options.account_concurrency > 0 ? options.account_concurrency : out.limits.account_concurrency;
  bool of2020 = options.quotas == contract::Quotas::k2020;
  out.account.burst = of2020 ? scheduling::Burst::of2020() : scheduling::Burst::today();
  out.keep_alive = options.idle.count() > 0 ? scheduling::KeepAlive::fixed(options.idle)
                   : of2020                 ? scheduling::KeepAlive::lambda2020()
                                            : scheduling::KeepAlive::fixed(std::chrono::minutes(10));
  return out;
}

}  // namespace

struct Engine::Impl {
  EngineOptions options;
  contract::Limits limits;
  std::optional<TempDir> temporary;
  fs::path state;
  net::Loop loop;
  std::unique_ptr<InstanceHost> host;
  std::unique_ptr<LogStore> logs;
  std::unique_ptr<Dispatcher> dispatcher;
  std::unique_ptr<Front> front;
  std::map<std::string, Function, std::less<>> functions;
  std::string endpoint, isolation;
  std::thread thread;

  Result<void> open();
  Result<void> serve();
  Result<fs::path> unpacked(const fs::path& bundle, Bytes limit, Bytes& size) const;
  Result<FunctionVersion> prepare(const FunctionSpec& spec) const;
  contract::ApiResult<Resolved> resolve(const contract::FunctionRef& ref) const;
  void install(FunctionVersion version, std::optional<int> reserved, int provisioned);

  /// Runs `work` on the engine's thread and waits for it.
  template <typename F>
  auto onThread(F work) -> decltype(work()) {
    std::promise<decltype(work())> promise;
    auto future = promise.get_future();
    loop.post([&] {
      if constexpr (std::is_void_v<decltype(work())>) {
        work();
        promise.set_value();
      } else {
        promise.set_value(work());
      }
    });
    return future.get();
  }
};

Result<void> Engine::Impl::open() {
  limits = contract::limitsFor(options.quotas);
  if (options.state_dir.empty()) {
    TRY(auto dir, TempDir::create("lectern-engine-"));
    temporary.emplace(std::move(dir));
    state = temporary->path();
  } else {
    std::error_code error;
    fs::create_directories(options.state_dir, error);
    if (error) return failErrno("make " + options.state_dir.string(), error.value());
    state = fs::canonical(options.state_dir, error);
  }
  sandbox::SpawnerOptions spawner;
  spawner.allow_none = options.allow_none || !options.sandbox;
  spawner.force_none = !options.sandbox;
  auto started = makeSandboxHost(loop, spawner);
  if (started) {
    host = std::move(*started);
  } else if (!options.sandbox || options.allow_none) {
    host = makePlainHost(loop);
  } else {
    return Failure(started.error());
  }
  isolation = host->description();
  logs = std::make_unique<LogStore>(loop, state / "logs");
  dispatcher = std::make_unique<Dispatcher>(loop, *host, *logs, dispatcherOptions(options));
  FrontOptions front_options{options.place, limits, std::nullopt};
  if (options.require_signature) {
    front_options.require = net::Credentials{options.access_key, options.secret_key, ""};
  }
  front = std::make_unique<Front>(
      loop, *dispatcher, front_options, [this](const contract::FunctionRef& ref) { return resolve(ref); }, nullptr);
  return serve();
}

Result<void> Engine::Impl::serve() {
  if (options.listen.empty()) return {};
  auto address = net::parseHostPort(options.listen);
  if (!address) return fail(Code::kInvalid, "--listen wants HOST:PORT, not \"" + options.listen + "\"");
  TRY(int port, front->listen(address->host, address->port));
  bool v6 = address->host.find(':') != std::string::npos;
  endpoint = fmt::format("http://{}:{}", v6 ? "[" + address->host + "]" : address->host, port);
  return {};
}

contract::ApiResult<Resolved> Engine::Impl::resolve(const contract::FunctionRef& ref) const {
  auto it = functions.find(ref.name);
  std::string arn = contract::functionArn(options.place, ref.name, ref.qualifier);
  if (it == functions.end() || (!ref.qualifier.empty() && ref.qualifier != "$LATEST")) {
    return contract::ApiFailure(contract::functionNotFound(arn));
  }
  return Resolved{it->second.latest, std::move(arn)};
}

/// A directory as it is, or a zip file's content in the code folder; adds to `size` and holds the sum below the limit.
Result<fs::path> Engine::Impl::unpacked(const fs::path& bundle, Bytes limit, Bytes& size) const {
  std::error_code error;
  fs::path path = fs::canonical(bundle, error);
  if (error) return failErrno(bundle.string(), error.value());
  Bytes own;
  if (fs::is_directory(path)) {
    TRY(own, measureDirectory(path));
  } else {
    TRY(std::string bytes, readFile(path, gibibytes(2)));
    fs::path target = state / "code" / sha256Hex(bytes);
    if (fs::exists(target)) {
      TRY(own, measureDirectory(target));
    } else {
      fs::path part = state / "code" / ("part-" + randomHex(8));
      TRY(own, unpackZip(bytes, part, limit));
      fs::rename(part, target, error);
      if (error) return failErrno("rename " + part.string(), error.value());
    }
    path = target;
  }
  size += own;
  if (size < limit) return path;
  return fail(Code::kTooLarge, fmt::format("Unzipped size must be smaller than {} bytes", limit.value));
}

Result<FunctionVersion> Engine::Impl::prepare(const FunctionSpec& spec) const {
  if (!contract::isFunctionName(spec.name)) {
    return fail(Code::kInvalid, "function name \"" + spec.name + "\": up to 64 letters, digits, - and _");
  }
  auto within = [&](int value, int low, int high, std::string_view what) -> Result<void> {
    if (value >= low && value <= high) return {};
    return fail(Code::kInvalid, fmt::format("{}: {} is {}, allowed are {} to {}", spec.name, what, value, low, high));
  };
  TRY_VOID(within(spec.memory_mb, limits.min_memory_mb, limits.max_memory_mb, "memorySize"));
  TRY_VOID(within(spec.timeout_s, 1, limits.max_timeout_s, "timeout"));
  TRY_VOID(within(spec.tmp_mb, limits.min_tmp_mb, limits.max_tmp_mb, "ephemeralStorageSize"));
  TRY_VOID(within(int(spec.layers.size()), 0, limits.max_layers, "number of layers"));
  FunctionVersion version;
  Bytes size;
  auto code = unpacked(spec.code, limits.unzipped, size);
  if (!code) return Failure(code.error().with(spec.name));
  version.code_dir = *code;
  for (auto& layer : spec.layers) {
    auto dir = unpacked(layer, limits.unzipped, size);
    if (!dir) return Failure(dir.error().with(spec.name + ", layer " + layer.string()));
    version.layer_dirs.push_back(*dir);
  }
  for (auto& mount : spec.mounts) version.mounts.push_back({mount.host_dir, mount.target, mount.writable});
  version.name = spec.name;
  version.runtime = spec.runtime;
  version.handler = spec.handler;
  version.memory_mb = spec.memory_mb;
  version.timeout_s = spec.timeout_s;
  version.tmp_mb = spec.tmp_mb;
  version.environment = spec.environment;
  version.packaging =
      spec.runtime.starts_with("provided") ? metering::Packaging::kOsOnlyZip : metering::Packaging::kManagedZip;
  return version;
}

void Engine::Impl::install(FunctionVersion version, std::optional<int> reserved, int provisioned) {
  auto it = functions.find(version.name);
  if (it == functions.end()) {
    it = functions.emplace(version.name, Function{dispatcher->addFunction(reserved), nullptr}).first;
  } else {
    dispatcher->setReserved(it->second.id, reserved);
  }
  VersionPtr old = it->second.latest;
  it->second.latest = dispatcher->addVersion(it->second.id, std::move(version), provisioned);
  if (old) dispatcher->retireVersion(old->id);
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Engine>> Engine::start(const EngineOptions& options) {
  net::tuneAllocator();
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  TRY_VOID(impl->open());
  impl->thread = std::thread([raw = impl.get()] { raw->loop.run(); });
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Engine::~Engine() {
  if (!impl_->thread.joinable()) return;
  impl_->loop.post([this] {
    impl_->front->stopListening();
    impl_->dispatcher->shutDown();
    // What was deferred by the above goes first, while the loop still runs.
    impl_->loop.after(Nanos(0), [this] {
      impl_->front->closeAll();
      impl_->logs->flushAll();
      impl_->loop.stop();
    });
  });
  impl_->thread.join();
  impl_->front.reset();
  impl_->dispatcher.reset();
  impl_->logs.reset();
  impl_->host.reset();
}

Result<void> Engine::addFunction(const FunctionSpec& spec) {
  TRY(FunctionVersion version, impl_->prepare(spec));
  impl_->onThread([&] { impl_->install(std::move(version), spec.reserved_concurrency, spec.provisioned); });
  return {};
}

Result<void> Engine::removeFunction(const std::string& name) {
  bool found = impl_->onThread([&] {
    auto it = impl_->functions.find(name);
    if (it == impl_->functions.end()) return false;
    impl_->dispatcher->retireVersion(it->second.latest->id);
    impl_->functions.erase(it);
    return true;
  });
  return found ? Result<void>{} : fail(Code::kNotFound, "no function " + name);
}

void Engine::invokeAsync(InvokeArguments arguments, Callback done) {
  impl_->loop.post([impl = impl_.get(), arguments = std::move(arguments), done = std::move(done)]() mutable {
    auto invocation = std::make_unique<Invocation>();
    invocation->request_id = impl->front->ids().uuid();
    InvokeResult result;
    result.request_id = invocation->request_id;
    auto refuse = [&](const contract::ApiError& error) {
      result.status = error.status;
      result.payload = error.body();
      done(std::move(result));
    };
    auto ref = contract::parseFunctionRef(impl->options.place, arguments.function, "");
    if (!ref) return refuse(ref.error());
    auto resolved = impl->resolve(*ref);
    if (!resolved) return refuse(resolved.error());
    invocation->version = std::move(resolved->version);
    invocation->invoked_arn = std::move(resolved->arn);
    invocation->payload = net::makeBody(std::move(arguments.payload));
    invocation->trace_id = impl->front->ids().trace(impl->loop.clock().wall().epoch_millis / 1000);
    invocation->want_log = arguments.want_log;
    invocation->done = [result = std::move(result), done = std::move(done)](Outcome outcome) mutable {
      if (outcome.refused) {
        result.status = outcome.refused->status;
        result.payload = outcome.refused->body();
      } else {
        if (outcome.payload) result.payload = *outcome.payload;
        if (outcome.function_error) result.function_error = "Unhandled";
        result.log = std::move(outcome.log);
        result.executed_version = std::move(outcome.executed_version);
      }
      done(std::move(result));
    };
    impl->dispatcher->invoke(std::move(invocation));
  });
}

InvokeResult Engine::invoke(InvokeArguments arguments) {
  CHECK(std::this_thread::get_id() != impl_->thread.get_id());
  std::promise<InvokeResult> promise;
  auto future = promise.get_future();
  invokeAsync(std::move(arguments), [&](InvokeResult result) { promise.set_value(std::move(result)); });
  return future.get();
}

std::string Engine::endpoint() const { return impl_->endpoint; }
std::string Engine::isolation() const { return impl_->isolation; }
fs::path Engine::stateDir() const { return impl_->state; }

}  // namespace lectern::engine
