#include <cxxabi.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <typeinfo>
#include <vector>

#include "sdk/http.h"
#include "sdk/lectern.h"
#include "sdk/template.h"

namespace lectern {
namespace {

using sdk::HttpConnection;
using sdk::HttpResponse;

std::vector<std::function<void()>>& beforeHooks() {
  static std::vector<std::function<void()>> hooks;
  return hooks;
}

std::vector<std::function<void()>>& afterHooks() {
  static std::vector<std::function<void()>> hooks;
  return hooks;
}

bool template_process = false;

std::string apiAddress() {
  const char* address = getenv("AWS_LAMBDA_RUNTIME_API");
  if (!address) {
    fputs("AWS_LAMBDA_RUNTIME_API is not set: a function is started by an engine, such as `lectern invoke`\n", stderr);
    exit(1);
  }
  return address;
}

[[noreturn]] void lost(const char* doing) {
  fprintf(stderr, "the Runtime API cannot be reached (%s)\n", doing);
  _exit(1);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\', out += c;
    } else if (byte < 0x20) {
      char escape[8];
      snprintf(escape, sizeof escape, "\\u%04x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string errorBody(std::string_view type, std::string_view message) {
  return "{\"errorMessage\":" + quoted(message) + ",\"errorType\":" + quoted(type) + ",\"stackTrace\":[]}";
}

struct Failure {
  std::string type, message;
};

/// What the exception that is being handled says.
Failure currentFailure() {
  try {
    throw;
  } catch (const FunctionError& e) {
    return {e.type(), e.what()};
  } catch (const std::exception& e) {
    int status = 0;
    std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(typeid(e).name(), nullptr, nullptr, &status),
                                                free);
    return {status == 0 ? name.get() : typeid(e).name(), e.what()};
  } catch (...) {
    return {"UnknownException", "an exception that is no std::exception"};
  }
}

std::string base64(std::string_view in) {
  static const char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < in.size(); i += 3) {
    unsigned group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < in.size() ? static_cast<unsigned char>(in[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) out += i + k > in.size() ? '=' : kDigits[group >> (18 - 6 * k) & 63];
  }
  return out;
}

std::string head(std::string_view method, std::string_view path, const std::string& host, std::string_view more = {}) {
  std::string text;
  text.reserve(256);
  return text.append(method)
             .append(" /2018-06-01/runtime/")
             .append(path)
             .append(" HTTP/1.1\r\nHost: ")
             .append(host)
             .append("\r\n")
             .append(more) += "\r\n";
}

std::string postHead(std::string_view path, const std::string& host, size_t length, std::string_view error_type = {}) {
  std::string more = "Content-Type: application/json\r\nContent-Length: " + std::to_string(length) + "\r\n";
  if (!error_type.empty()) {
    // Header values must not carry line breaks, whatever the type is called.
    std::string clean(error_type);
    for (char& c : clean) c = static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    more += "Lambda-Runtime-Function-Error-Type: " + clean + "\r\n";
  }
  return head("POST", path, host, more);
}

void post(HttpConnection& api, std::string_view path, std::string_view body, std::string_view error_type) {
  HttpResponse response;
  if (!api.send({postHead(path, api.address(), body.size(), error_type), body}) || !api.receive(response))
    lost("POST");
}

/// Sets _X_AMZN_TRACE_ID. setenv() would keep the text of every invocation for ever.
void setTraceId(std::string_view id) {
  static char variable[4096] = "_X_AMZN_TRACE_ID=";
  static const size_t name = strlen(variable);
  size_t size = std::min(id.size(), sizeof variable - name - 1);
  memcpy(variable + name, id.data(), size);
  variable[name + size] = 0;
  putenv(variable);
}

Context contextOf(const HttpResponse& response) {
  Context c;
  c.request_id = response.header("lambda-runtime-aws-request-id");
  c.invoked_function_arn = response.header("lambda-runtime-invoked-function-arn");
  c.trace_id = response.header("lambda-runtime-trace-id");
  c.client_context = response.header("lambda-runtime-client-context");
  c.cognito_identity = response.header("lambda-runtime-cognito-identity");
  c.tenant_id = response.header("lambda-runtime-aws-tenant-id");
  c.deadline_epoch_millis = strtoll(std::string(response.header("lambda-runtime-deadline-ms")).c_str(), nullptr, 10);
  if (!c.trace_id.empty()) setTraceId(c.trace_id);
  return c;
}

/// One streamed answer: a chunked request whose trailers tell of an error that comes late.
class HttpResponseStream final : public ResponseStream {
 public:
  HttpResponseStream(HttpConnection& api, std::string id) : api_(api), id_(std::move(id)) {}
  void setContentType(std::string_view type) override { type_ = type; }
  void write(std::string_view bytes) override {
    if (bytes.empty()) return;
    start();
    char size[24];
    snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    if (!api_.send({size, bytes, "\r\n"})) lost("streaming");
  }
  bool started() const { return started_; }
  /// Ends the answer; with an error when there is one.
  void finish(const Failure* failure) {
    start();
    std::string end = "0\r\n";
    if (failure) {
      std::string type = failure->type;
      for (char& c : type) c = static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
      end += "Lambda-Runtime-Function-Error-Type: " + type + "\r\n";
      end += "Lambda-Runtime-Function-Error-Body: " + base64(errorBody(failure->type, failure->message)) + "\r\n";
    }
    HttpResponse response;
    if (!api_.send({end, "\r\n"}) || !api_.receive(response)) lost("streaming");
  }

 private:
  void start() {
    if (started_) return;
    started_ = true;
    std::string more = "Content-Type: " + type_ +
                       "\r\nLambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n"
                       "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n";
    if (!api_.send({head("POST", "invocation/" + id_ + "/response", api_.address(), more)})) lost("streaming");
  }
  HttpConnection& api_;
  std::string id_, type_ = "application/octet-stream";
  bool started_ = false;
};

/// Init is over. With snapshots this parks the process and goes on in a copy of it.
void passSnapshot() {
  const char* type = getenv("AWS_LAMBDA_INITIALIZATION_TYPE");
  if (!type || strcmp(type, "snap-start") != 0) return;
  bool fork_here = sdk::startedAsTemplate();
  template_process = true;
  try {
    for (auto hook = beforeHooks().rbegin(); hook != beforeHooks().rend(); ++hook) (*hook)();
  } catch (...) {
    Failure f = currentFailure();
    failInit(f.type, f.message);
  }
  {
    HttpConnection api(apiAddress());
    if (!api.send({head("GET", "restore/next", api.address())})) lost("GET restore/next");
    if (fork_here) {
      if (std::string why = sdk::whyNotForkable(); !why.empty()) {
        sdk::refuseTemplate(why);
        for (;;) pause();  // the engine ends this process and starts instances the ordinary way
      }
      sdk::serveForks();
    } else if (HttpResponse response; !api.receive(response)) {
      lost("GET restore/next");
    }
  }
  template_process = false;
  try {
    for (const auto& hook : afterHooks()) hook();
  } catch (...) {
    Failure f = currentFailure();
    HttpConnection api(apiAddress());
    post(api, "restore/error", errorBody(f.type, f.message), f.type);
    exit(1);
  }
}

/// Runs the handler; the request that carries its answer, without sending it.
std::pair<std::string, std::string> answer(const Handler& handler, std::string event, const Context& context,
                                           const std::string& host) {
  std::string path = "invocation/" + context.request_id;
  try {
    std::string body = handler(std::move(event), context);
    std::string request = postHead(path + "/response", host, body.size());
    return {std::move(request), std::move(body)};
  } catch (...) {
    Failure f = currentFailure();
    std::string body = errorBody(f.type, f.message);
    std::string request = postHead(path + "/error", host, body.size(), f.type);
    return {std::move(request), std::move(body)};
  }
}

}  // namespace

int64_t Context::remainingMillis() const {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  int64_t left = deadline_epoch_millis - (now.tv_sec * 1000 + now.tv_nsec / 1'000'000);
  return left > 0 ? left : 0;
}

void onBeforeSnapshot(std::function<void()> hook) { beforeHooks().push_back(std::move(hook)); }
void onAfterRestore(std::function<void()> hook) { afterHooks().push_back(std::move(hook)); }
bool isTemplate() { return template_process || sdk::startedAsTemplate(); }

void failInit(std::string_view type, std::string_view message) {
  if (sdk::startedAsTemplate()) {
    // Nobody serves a template's Runtime API; an ordinary start will fail in the same way and tell its caller.
    sdk::refuseTemplate("its init failed: " + std::string(message));
    fprintf(stderr, "%s\n", errorBody(type, message).c_str());
    exit(1);
  }
  HttpConnection api(apiAddress());
  post(api, "init/error", errorBody(type, message), type);
  exit(1);
}

void run(const Handler& handler) {
  passSnapshot();
  HttpConnection api(apiAddress());
  const std::string next = head("GET", "invocation/next", api.address());
  if (!api.send({next})) lost("GET next");
  for (;;) {
    HttpResponse event;
    if (!api.receive(event)) lost("GET next");
    if (event.status != 200) lost("GET next was refused");
    Context context = contextOf(event);
    auto [request, body] = answer(handler, std::move(event.body), context, api.address());
    // The answer and the wait for the next event leave in one packet: one system call and one wake-up of the engine
    // less.
    HttpResponse accepted;
    if (!api.send({request, body, next})) lost("POST response");
    if (!api.receive(accepted)) lost("POST response");
    if (accepted.status >= 500) lost("the engine failed");
    if (!accepted.keep_alive && !api.send({next})) lost("GET next");
  }
}

void runStreaming(const StreamingHandler& handler) {
  passSnapshot();
  HttpConnection api(apiAddress());
  for (;;) {
    HttpResponse event;
    if (!api.send({head("GET", "invocation/next", api.address())}) || !api.receive(event)) lost("GET next");
    if (event.status != 200) lost("GET next was refused");
    Context context = contextOf(event);
    HttpResponseStream stream(api, context.request_id);
    try {
      handler(std::move(event.body), stream, context);
      stream.finish(nullptr);
    } catch (...) {
      Failure f = currentFailure();
      if (stream.started()) {
        stream.finish(&f);
      } else {
        post(api, "invocation/" + context.request_id + "/error", errorBody(f.type, f.message), f.type);
      }
    }
  }
}

}  // namespace lectern
