#include "engine/control/managed_runtime.h"

#include <unistd.h>

namespace lectern::engine {

namespace {

constexpr const char* kPython = R"PY(
import http.client, importlib, json, os, sys, time, traceback
api = os.environ['AWS_LAMBDA_RUNTIME_API']
root = os.environ['LAMBDA_TASK_ROOT']
sys.path[0:0] = [root, '/opt/python']
base = '/2018-06-01/runtime/'
link = http.client.HTTPConnection(api)
def call(method, path, body=None, headers={}):
    link.request(method, base + path, body, headers)
    answer = link.getresponse()
    return answer.headers, answer.read()
def trouble(error, request_id=''):
    frames = traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])
    return {'errorMessage': str(error), 'errorType': type(error).__name__, 'requestId': request_id, 'stackTrace': frames}
def post_error(path, body, kind):
    call('POST', path, json.dumps(body).encode(),
         {'Content-Type': 'application/json', 'Lambda-Runtime-Function-Error-Type': kind})
name = os.environ['_HANDLER']
def give_up(kind, text):
    print('[ERROR] %s: %s' % (kind, text), flush=True)
    post_error('init/error', {'errorMessage': text, 'errorType': kind, 'requestId': '', 'stackTrace': []}, kind)
    sys.exit(1)
if '.' not in name:
    give_up('Runtime.MalformedHandlerName', "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % name)
module, function = name.rsplit('.', 1)
try:
    handler = getattr(importlib.import_module(module.replace('/', '.')), function)
except ImportError as error:
    give_up('Runtime.ImportModuleError', "Unable to import module '%s': %s" % (module, error))
except AttributeError:
    give_up('Runtime.HandlerNotFound', "Handler '%s' missing on module '%s'" % (function, module))
except SyntaxError as error:
    give_up('Runtime.UserCodeSyntaxError', "Syntax error in module '%s': %s" % (module, error))
except BaseException as error:
    traceback.print_exc()
    post_error('init/error', trouble(error), 'Runtime.Unknown')
    sys.exit(1)
class Bag:
    def __init__(self, values): self.__dict__.update(values or {})
class Context:
    def __init__(self, headers):
        self.aws_request_id = headers['Lambda-Runtime-Aws-Request-Id']
        self.invoked_function_arn = headers['Lambda-Runtime-Invoked-Function-Arn']
        self._deadline = int(headers['Lambda-Runtime-Deadline-Ms'])
        self.function_name = os.environ['AWS_LAMBDA_FUNCTION_NAME']
        self.function_version = os.environ['AWS_LAMBDA_FUNCTION_VERSION']
        self.memory_limit_in_mb = os.environ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
        self.log_group_name = os.environ.get('AWS_LAMBDA_LOG_GROUP_NAME')
        self.log_stream_name = os.environ.get('AWS_LAMBDA_LOG_STREAM_NAME')
        given = headers.get('Lambda-Runtime-Client-Context')
        self.client_context = Bag(json.loads(given)) if given else None
        who = json.loads(headers.get('Lambda-Runtime-Cognito-Identity') or '{}')
        self.identity = Bag({'cognito_identity_id': who.get('cognitoIdentityId'),
                             'cognito_identity_pool_id': who.get('cognitoIdentityPoolId')})
    def get_remaining_time_in_millis(self): return max(0, self._deadline - int(time.time() * 1000))
    def log(self, text): print(text, end='', flush=True)
while True:
    headers, event = call('GET', 'invocation/next')
    context = Context(headers)
    os.environ['_X_AMZN_TRACE_ID'] = headers.get('Lambda-Runtime-Trace-Id') or ''
    path = 'invocation/' + context.aws_request_id
    try:
        result = handler(json.loads(event), context)
        body = result if isinstance(result, bytes) else json.dumps(result, ensure_ascii=False).encode()
    except Exception as error:
        body = trouble(error, context.aws_request_id)
        print('[ERROR] %s: %s\n%s' % (body['errorType'], body['errorMessage'], ''.join(body['stackTrace'])), flush=True)
        post_error(path + '/error', body, 'Runtime.' + body['errorType'])
        continue
    sys.stdout.flush()
    call('POST', path + '/response', body, {'Content-Type': 'application/json'})
)PY";

constexpr const char* kNode = R"JS(
import http from 'node:http';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
const env = process.env;
if (env.LECTERN_BOOT_FD) {
  // Started ahead of need: everything is loaded and used once, then the function's variables arrive.
  const fd = Number(env.LECTERN_BOOT_FD), bytes = Buffer.alloc(160 * 1024);
  delete env.LECTERN_BOOT_FD;
  const server = http.createServer((request, answer) => request.resume().on('end', () => answer.end('{}')));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const warm = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (const method of ['GET', 'POST', 'GET', 'POST']) {
    await new Promise((resolve, reject) => {
      const headers = method === 'POST' ? { 'Content-Type': 'application/json', 'Content-Length': 2 } : {};
      const port = server.address().port;
      const request = http.request({ hostname: '127.0.0.1', port, agent: warm, method, path: '/', headers });
      request.on('error', reject);
      request.on('response', (answer) => answer.resume().on('end', resolve));
      request.end(method === 'POST' ? '{}' : undefined);
    });
  }
  warm.destroy();
  server.close();
  const size = fs.readSync(fd, bytes);
  if (size === 0) process.exit(0);
  fs.closeSync(fd);
  for (const text of bytes.toString('utf8', 0, size).split('\0')) {
    const equals = text.indexOf('=');
    if (equals > 0) env[text.slice(0, equals)] = text.slice(equals + 1);
  }
  process.chdir('/var/task');
}
const root = env.LAMBDA_TASK_ROOT;
const [hostname, port] = env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
function open(method, target, headers = {}) {
  return http.request({ hostname, port, agent, method, path: '/2018-06-01/runtime/' + target, headers });
}
function call(method, target, body = '', headers = {}) {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body);
    const request = open(method, target, method === 'GET' ? headers : { ...headers, 'Content-Length': bytes.length });
    request.on('error', reject);
    request.on('response', (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve([answer.headers, Buffer.concat(parts).toString()]));
    });
    request.end(bytes);
  });
}
const trouble = (error) => error instanceof Error
  ? { errorType: error.name, errorMessage: error.message, trace: (error.stack || '').split('\n') }
  : { errorType: typeof error, errorMessage: String(error), trace: [] };
const report = (target, body) => call('POST', target, JSON.stringify(body),
  { 'Content-Type': 'application/json', 'Lambda-Runtime-Function-Error-Type': body.errorType });
const kStream = Symbol('stream');
globalThis.awslambda = {
  streamifyResponse: (handler) => { handler[kStream] = true; return handler; },
  HttpResponseStream: { from(stream, prelude) {
    stream.setContentType('application/vnd.awslambda.http-integration-response');
    stream.write(JSON.stringify(prelude));
    stream.write(Buffer.alloc(8));
    return stream;
  } },
};
async function load() {
  const name = env._HANDLER, file = path.basename(name), dot = file.indexOf('.');
  if (dot < 0) throw Object.assign(new Error('Bad handler'), { name: 'Runtime.MalformedHandlerName' });
  const stem = path.join(root, path.dirname(name), file.slice(0, dot));
  const found = ['.js', '.mjs', '.cjs'].map((end) => stem + end).find((file) => fs.existsSync(file));
  if (!found) {
    throw Object.assign(new Error(`Error: Cannot find module '${file.slice(0, dot)}'`), { name: 'Runtime.ImportModuleError' });
  }
  let value = await import(pathToFileURL(found));
  const names = file.slice(dot + 1).split('.');
  const pick = (from) => names.reduce((at, key) => (at == null ? undefined : at[key]), from);
  const handler = pick(value) ?? pick(value.default);
  if (typeof handler !== 'function') {
    throw Object.assign(new Error(`${name} is undefined or not exported`), { name: 'Runtime.HandlerNotFound' });
  }
  return handler;
}
function contextOf(headers, done) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const given = headers['lambda-runtime-client-context'];
  return {
    awsRequestId: headers['lambda-runtime-aws-request-id'], invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    functionName: env.AWS_LAMBDA_FUNCTION_NAME, functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE, logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME, clientContext: given ? JSON.parse(given) : undefined,
    callbackWaitsForEmptyEventLoop: true, getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    done, succeed: (value) => done(null, value), fail: (error) => done(error ?? new Error('null')),
  };
}
function runPlain(handler, event, headers) {
  return new Promise((resolve, reject) => {
    const done = (error, value) => (error ? reject(error) : resolve(value));
    const result = handler(event, contextOf(headers, done), done);
    if (result && typeof result.then === 'function') result.then(resolve, reject);
    else if (result !== undefined && handler.length < 3) resolve(result);
    else if (handler.length < 2 && result === undefined) resolve(null);
  });
}
async function runStream(handler, event, headers, target) {
  let type = 'application/octet-stream', request = null, failed = null;
  const { PassThrough } = await import('node:stream');
  const stream = new PassThrough();
  const begin = () => {
    request ??= open('POST', target, { 'Content-Type': type, 'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Transfer-Encoding': 'chunked', Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body' });
    return request;
  };
  stream.setContentType = (value) => { type = value; };
  const answered = new Promise((resolve, reject) => {
    stream.on('data', (part) => { if (!begin().write(part)) { stream.pause(); request.once('drain', () => stream.resume()); } });
    stream.on('end', () => {
      begin().on('error', reject);
      request.on('response', (answer) => { answer.resume(); answer.on('end', resolve); });
      if (failed) request.addTrailers({ 'Lambda-Runtime-Function-Error-Type': failed.errorType,
        'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(failed)).toString('base64') });
      request.end();
    });
  });
  try { await handler(event, stream, contextOf(headers, () => {})); } catch (error) { failed = trouble(error); stream.end(); }
  if (!stream.writableEnded) stream.end();
  await answered;
}
let handler;
try { handler = await load(); } catch (error) {
  console.error(error.stack);
  await report('init/error', trouble(error));
  process.exit(1);
}
for (;;) {
  const [headers, event] = await call('GET', 'invocation/next');
  env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] ?? '';
  const target = 'invocation/' + headers['lambda-runtime-aws-request-id'];
  try {
    if (handler[kStream]) { await runStream(handler, JSON.parse(event), headers, target + '/response'); continue; }
    const value = await runPlain(handler, JSON.parse(event), headers);
    const body = JSON.stringify(value === undefined ? null : value);
    await call('POST', target + '/response', body, { 'Content-Type': 'application/json' });
  } catch (error) {
    console.error(error);
    await report(target + '/error', trouble(error));
  }
}
)JS";

std::string interpreter(std::initializer_list<const char*> candidates) {
  for (const char* path : candidates) {
    if (access(path, X_OK) == 0) return path;
  }
  return "";
}

}  // namespace

std::vector<std::string> managedCommand(const std::string& runtime) {
  if (runtime.starts_with("python")) {
    std::string python = interpreter({"/usr/bin/python3", "/usr/local/bin/python3"});
    if (!python.empty()) return {python, "-u", "-c", kPython};
  }
  if (runtime.starts_with("nodejs")) {
    std::string node = interpreter({"/usr/bin/node", "/usr/local/bin/node"});
    if (!node.empty()) return {node, "--input-type=module", "-e", kNode};
  }
  return {};
}

}  // namespace lectern::engine
