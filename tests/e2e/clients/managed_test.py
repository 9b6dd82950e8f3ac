"""Node and Python functions with the host's interpreters: echo, error, 1 MB, crash, timeout, context, import errors,
streaming."""
import json
import os
import sys
import tempfile

from served import Served, call

PYTHON = """
import os, time
count = 0
def handler(event, context):
    global count
    count += 1
    what = event.get('do') if isinstance(event, dict) else None
    if what == 'error': raise ValueError('as asked')
    if what == 'exit': os._exit(3)
    if what == 'sleep': time.sleep(60)
    if what == 'count': return count
    if what == 'context': return [context.function_name, context.get_remaining_time_in_millis() > 0, context.memory_limit_in_mb]
    print('python saw it')
    return event
"""
NODE = """
let count = 0;
export const handler = async (event, context) => {
  count += 1;
  const what = event && event.do;
  if (what === 'error') throw new RangeError('as asked');
  if (what === 'exit') process.exit(3);
  if (what === 'sleep') await new Promise((r) => setTimeout(r, 60000));
  if (what === 'count') return count;
  if (what === 'context') return [context.functionName, context.getRemainingTimeInMillis() > 0, context.memoryLimitInMB];
  console.log('node saw it');
  return event;
};
export const later = (event, context, callback) => { setTimeout(() => callback(null, { later: event }), 5); };
export const streamed = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType('text/plain');
  for (const word of ['one ', 'two ', 'three']) stream.write(word);
  stream.end();
});
"""


def language(served, name, error_type):
    assert call(served, name, {"a": [1, "ä"]}) == (None, '{"a": [1, "ä"]}'.encode()) or \
        json.loads(call(served, name, {"a": [1, "ä"]})[1]) == {"a": [1, "ä"]}
    failed, body = call(served, name, {"do": "error"})
    assert failed == "Unhandled" and json.loads(body)["errorType"] == error_type and json.loads(body)["errorMessage"] == "as asked"
    big = "x" * (1 << 20)
    assert json.loads(call(served, name, big)[1]) == big
    assert json.loads(call(served, name, {"do": "context"})[1]) == [name, True, "256"]
    failed, body = call(served, name, {"do": "exit"})
    assert failed and "Runtime exited with error: exit status 3" in json.loads(body)["errorMessage"], body
    failed, body = call(served, name, {"do": "sleep"})
    assert json.loads(body)["errorType"] == "Sandbox.Timedout" and "Task timed out after 8.00 seconds" in body.decode()
    assert json.loads(call(served, name, {"do": "count"})[1]) == 1
    missing, body = call(served, name + "-missing", {})
    assert missing and json.loads(body)["errorType"] == "Runtime.ImportModuleError", body


def main():
    have = {"python": os.access("/usr/bin/python3", os.X_OK), "node": os.access("/usr/bin/node", os.X_OK)}
    if not any(have.values()):
        print("SKIPPED: neither /usr/bin/python3 nor /usr/bin/node")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="lectern-managed-") as folder:
        os.chmod(folder, 0o755)
        open(os.path.join(folder, "app.py"), "w").write(PYTHON)
        open(os.path.join(folder, "index.mjs"), "w").write(NODE)
        entries = {"python": ("python3.12", "app.handler"), "python-missing": ("python3.12", "nothing.handler"),
                   "node": ("nodejs20.x", "index.handler"), "node-missing": ("nodejs20.x", "nothing.handler"),
                   "later": ("nodejs20.x", "index.later"), "streamed": ("nodejs20.x", "index.streamed")}
        config = "service: managed\nprovider: {name: aws, memorySize: 256, timeout: 8}\nfunctions:\n"
        for name, (runtime, handler) in entries.items():
            config += "  %s:\n    name: %s\n    runtime: %s\n    handler: %s\n    package: {artifact: %s}\n" % (
                name.replace("-", ""), name, runtime, handler, folder)
        with Served(config=config) as served:
            if have["python"]:
                language(served, "python", "ValueError")
                print("ok python")
            if have["node"]:
                language(served, "node", "RangeError")
                assert json.loads(call(served, "later", 1)[1]) == {"later": 1}
                assert call(served, "streamed", 1)[1] == b"one two three"
                frames = call(served, "streamed", 1, "2021-11-15/functions/%s/response-streaming-invocations")[1]
                assert b"three" in frames and b"InvokeComplete" in frames
                print("ok node")


main()
