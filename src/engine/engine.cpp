#include "engine/engine.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <future>
#include <thread>

#include "base/awake.h"
#include "base/check.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/log.h"
#include "engine/control/control.h"
#include "engine/invoke/async.h"
#include "engine/invoke/dispatcher.h"
#include "engine/invoke/folder_source.h"
#include "engine/invoke/front.h"
#include "engine/invoke/function_url.h"
#include "engine/invoke/identity.h"
#include "engine/invoke/observe.h"
#include "net/url.h"

namespace lectern::engine {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kCodePath = "/lectern/code/";

metering::Rules rulesOf(contract::Quotas quotas) {
  return metering::Rules::at(quotas == contract::Quotas::k2020 ? metering::Date{2020, 6, 1}
                                                               : metering::Date{2026, 1, 1});
}

contract::Limits limitsOf(const EngineOptions& options) {
  contract::Limits limits = contract::limitsFor(options.quotas);
  if (options.stream_rate.value > 0) limits.stream_rate = options.stream_rate;
  return limits;
}

DispatcherOptions dispatcherOptions(const EngineOptions& options) {
  DispatcherOptions out;
  out.place = options.place;
  out.limits = limitsOf(options);
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
  std::unique_ptr<FunctionUrls> urls;
  std::unique_ptr<Registry> registry;
  std::unique_ptr<Control> control;
  std::unique_ptr<AsyncInvoker> async;
  std::unique_ptr<FolderSources> sources;
  std::string endpoint, isolation;
  std::optional<KeepAwake> awake;
  std::thread thread;

  Result<void> open();
  Result<void> serve();
  void saveUses();
  bool extra(const std::shared_ptr<net::Exchange>& exchange);
  void runControl(const contract::OperationMatch& match, std::shared_ptr<net::Exchange> exchange);
  Result<json::object> requestOf(const FunctionSpec& spec);

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
  limits = limitsOf(options);
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
  spawner.first = options.functions_first;
  spawner.keeper = options.keeper;
  // The engine itself must not wait behind its functions. Without root it stays as it is.
  constexpr int kAheadOfAll = -20;
  if (options.functions_first) {
    setpriority(PRIO_PROCESS, 0, kAheadOfAll);
    awake.emplace();
  }
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
  RegistryOptions registry_options{state, !options.state_dir.empty(), options.place, limits};
  if (options.account_concurrency > 0) registry_options.limits.account_concurrency = options.account_concurrency;
  registry = std::make_unique<Registry>(registry_options, *dispatcher, loop.clock());
  dispatcher->onSnapshot(
      [this](const FunctionVersion& version, bool good) { registry->snapshotMade(version, good); });
  TRY_VOID(registry->load());
  saveUses();
  control = std::make_unique<Control>(loop, *registry);
  front = std::make_unique<Front>(
      loop, *dispatcher, front_options, [this](const contract::FunctionRef& ref) { return registry->resolve(ref); },
      [this](const contract::OperationMatch& match, std::shared_ptr<net::Exchange> exchange) {
        runControl(match, std::move(exchange));
      });
  AsyncOptions async_options;
  if (options.retry_delay.count() > 0) {
    async_options.retry_delay = options.retry_delay;
    async_options.first_backoff = std::min<Nanos>(async_options.first_backoff, options.retry_delay);
  }
  async_options.destinations = state / "destinations";
  async = std::make_unique<AsyncInvoker>(loop, *registry, *dispatcher, async_options);
  async->resume(registry->takeEvents());
  sources = std::make_unique<FolderSources>(loop, *registry, *async);
  sources->sync();
  front->setEvents([this](std::unique_ptr<Invocation> invocation, const contract::FunctionRef& ref) {
    return async->enqueue(std::move(invocation), ref);
  });
  urls = std::make_unique<FunctionUrls>(loop, *registry, *dispatcher, front->ids());
  front->setExtra([this](const std::shared_ptr<net::Exchange>& exchange) { return extra(exchange); });
  return serve();
}

void Engine::Impl::saveUses() {
  loop.after(Seconds(10), [this] {
    registry->saveUses();
    saveUses();
  });
}

Result<void> Engine::Impl::serve() {
  if (options.listen.empty()) return {};
  auto address = net::parseHostPort(options.listen);
  if (!address) return fail(Code::kInvalid, "--listen wants HOST:PORT, not \"" + options.listen + "\"");
  TRY(int port, front->listen(address->host, address->port));
  bool v6 = address->host.find(':') != std::string::npos;
  endpoint = fmt::format("http://{}:{}", v6 ? "[" + address->host + "]" : address->host, port);
  control->setCodeUrl(endpoint + std::string(kCodePath));
  return {};
}

void Engine::Impl::runControl(const contract::OperationMatch& match, std::shared_ptr<net::Exchange> exchange) {
  std::string query(net::splitTarget(exchange->request.target).query);
  if (exchange->request.too_large) {
    return respondError(*exchange,
                        contract::tooLarge(fmt::format("Request must be smaller than {} bytes for the {} operation",
                                                       limits.create_request.value, match.info->name)),
                        front->ids().uuid());
  }
  std::string body = std::move(exchange->request.body);
  bool sources_change = match.info->name.find("EventSourceMapping") != std::string_view::npos;
  control->handle(match, query, std::move(body), [this, exchange, sources_change](ApiAnswer answer) {
    if (sources_change && sources) sources->sync();
    std::string id = front->ids().uuid();
    if (!answer) return respondError(*exchange, answer.error(), id);
    net::Response response;
    response.status = answer->status;
    if (answer->body) {
      response.headers.add("Content-Type", "application/json");
      response.body = net::makeBody(toJson(*answer->body));
    }
    response.headers.add("x-amzn-RequestId", id);
    exchange->respond(std::move(response));
  });
}

/// What is not Lambda's: function URLs, the caller's identity, metrics, status, logs, and archives for clients that follow
/// Code.Location.
bool Engine::Impl::extra(const std::shared_ptr<net::Exchange>& exchange) {
  if (urls->handle(exchange)) return true;
  auto [path, query] = net::splitTarget(exchange->request.target);
  bool get = exchange->request.method == "GET";
  if (path == "/" && answerIdentity(*exchange, options.place, front->ids().uuid())) return true;
  size_t waiting = async ? async->waiting() : 0;
  if (get && path == "/metrics") {
    exchange->respond(net::Response(200, "text/plain; version=0.0.4", metricsOf(*registry, *dispatcher, waiting)));
    return true;
  }
  if (get && path == "/lectern/status") {
    exchange->respond(
        net::Response(200, "application/json", toJson(statusOf(*registry, *dispatcher, waiting, isolation))));
    return true;
  }
  if (get && path == "/lectern/logs") {
    exchange->respond(logsOf(*logs, query));
    return true;
  }
  if (!path.starts_with(kCodePath) || exchange->request.method != "GET") return false;
  path.remove_prefix(kCodePath.size());
  bool named = path.size() == 68 && path.ends_with(".zip") &&
               path.substr(0, 64).find_first_not_of("0123456789abcdef") == std::string_view::npos;
  auto bytes = named ? readFile(registry->codes().zipOf(std::string(path.substr(0, 64))), limits.unzipped)
                     : Result<std::string>(fail(Code::kNotFound, ""));
  if (!bytes) {
    exchange->respond(net::Response(404, "text/plain", "no such archive\n"));
  } else {
    exchange->respond(net::Response(200, "application/zip", std::move(*bytes)));
  }
  return true;
}

/// The settings as CreateFunction would carry them.
Result<json::object> Engine::Impl::requestOf(const FunctionSpec& spec) {
  if (!contract::isFunctionName(spec.name)) {
    return fail(Code::kInvalid, "function name \"" + spec.name + "\": up to 64 letters, digits, - and _");
  }
  json::object variables;
  for (auto& [key, value] : spec.environment) variables[key] = value;
  json::array mounts;
  for (auto& mount : spec.mounts) {
    std::string arn = fmt::format("arn:aws:elasticfilesystem:{}:{}:access-point/fsap-{}", options.place.region,
                                  options.place.account, sha256Hex(mount.host_dir.string()).substr(0, 17));
    mounts.push_back(json::object{{"Arn", arn}, {"LocalMountPath", mount.target}});
    onThread([&] { registry->fileSystems()[arn] = {mount.host_dir, mount.writable}; });
  }
  return json::object{{"FunctionName", spec.name},
                      {"Runtime", spec.runtime},
                      {"Handler", spec.handler},
                      {"Role", "arn:aws:iam::" + options.place.account + ":role/lectern"},
                      {"MemorySize", spec.memory_mb},
                      {"Timeout", spec.timeout_s},
                      {"EphemeralStorage", json::object{{"Size", spec.tmp_mb}}},
                      {"Environment", json::object{{"Variables", std::move(variables)}}},
                      {"SnapStart", json::object{{"ApplyOn", spec.snap_start ? "PublishedVersions" : "None"}}},
                      {"FileSystemConfigs", std::move(mounts)}};
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
    impl_->registry->saveUses();
    impl_->sources.reset();
    impl_->async.reset();  // what waits stays stored
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
  impl_->async.reset();
  impl_->control.reset();
  impl_->registry.reset();
  impl_->dispatcher.reset();
  impl_->logs.reset();
  impl_->host.reset();
}

Result<void> Engine::addFunction(const FunctionSpec& spec) {
  auto code = impl_->registry->codes().fromPath(spec.code);
  if (!code) return Failure(code.error().with(spec.name));
  std::vector<CodeRef> layers;
  for (auto& path : spec.layers) {
    auto layer = impl_->registry->codes().fromPath(path);
    if (!layer) return Failure(layer.error().with(spec.name + ", layer " + path.string()));
    layers.push_back(std::move(*layer));
  }
  TRY(json::object request, impl_->requestOf(spec));
  auto done = impl_->onThread([&] {
    return impl_->control->install(std::move(request), *code, layers, spec.reserved_concurrency, spec.provisioned);
  });
  if (done) return {};
  bool size = done.error().message.starts_with("Unzipped size");
  return fail(size ? Code::kTooLarge : Code::kInvalid, spec.name + ": " + done.error().message);
}

Result<void> Engine::watchFolder(const std::string& function, const fs::path& directory,
                                 const std::vector<std::string>& patterns) {
  std::error_code error;
  fs::path real = fs::canonical(directory, error);
  if (error) return failErrno("watch " + directory.string(), error.value());
  return impl_->onThread([&] { return impl_->sources->add({function, real, patterns}); });
}

Result<void> Engine::removeFunction(const std::string& name) {
  bool found = impl_->onThread([&] { return impl_->registry->find(name) && impl_->registry->remove(name); });
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
    auto resolved = impl->registry->resolve(*ref);
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
