"""Streamed responses of a function in Python's standard library: pace, memory, limits, cut ones, URLs; a caller that is slow."""
import json
import os
import socket
import sys
import tempfile
import time
import urllib.error
import urllib.request

try:
    import botocore.eventstream
except ImportError:
    print("SKIPPED: botocore is not installed")
    sys.exit(77)

from served import PATIENCE, Served, api, wait_for

# A runtime by hand: what it does is what the engine must stand.
BOOTSTRAP = r'''#!/usr/bin/python3
import base64, json, os, socket
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
base = "/2018-06-01/runtime/invocation/"
def ask(link, text, body=()):
    link.sendall(text.encode())
    for part in body:
        link.sendall(b"%x\r\n%s\r\n" % (len(part), part))
def head(link):
    data = b""
    while b"\r\n\r\n" not in data: data += link.recv(65536)
    head, rest = data.split(b"\r\n\r\n", 1)
    fields = dict(l.split(": ", 1) for l in head.decode().split("\r\n")[1:])
    fields = {k.lower(): v for k, v in fields.items()}
    while len(rest) < int(fields.get("content-length", 0)): rest += link.recv(65536)
    return head.split()[1], fields, rest
last = None
while True:
    link = socket.create_connection((host, int(port)))
    ask(link, "GET %snext HTTP/1.1\r\nHost: x\r\n\r\n" % base)
    status, fields, body = head(link)
    event = json.loads(body)
    if "rawPath" in event: event = json.loads(event.get("body") or "{}")
    kind, mib, mode = event.get("type", "application/octet-stream"), event.get("mib", 0), event.get("mode", "streaming")
    ask(link, "POST %s%s/response HTTP/1.1\r\nHost: x\r\nLambda-Runtime-Function-Response-Mode: %s\r\nContent-Type: %s\r\n"
        "Transfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"
        % (base, fields["lambda-runtime-aws-request-id"], mode, kind))
    if event.get("last"): ask(link, "", [json.dumps(last).encode()])
    ask(link, "", [base64.b64decode(p) for p in event.get("parts", [])])
    try:
        ask(link, "", (b"x" * 65536 for _ in range(mib * 16)))
    except OSError:  # nobody reads the rest
        link.close()
        continue
    if event.get("cut"):
        link.close()
        continue
    if event.get("error"):
        text = base64.b64encode(json.dumps({"errorMessage": "late", "errorType": "Function.Late"}).encode()).decode()
        link.sendall(b"0\r\nLambda-Runtime-Function-Error-Type: Function.Late\r\nLambda-Runtime-Function-Error-Body: %s\r\n\r\n" % text.encode())
    else:
        link.sendall(b"0\r\n\r\n")
    status, fields, body = head(link)
    last = [int(status), json.loads(body)]
    link.close()
'''
MIB = 1 << 20


def opened(request):
    """One instance takes all, so that it can tell what it was told; until it has asked for more, callers are throttled."""
    def once():
        try:
            return urllib.request.urlopen(request, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            if error.code != 429:
                raise
            return None
    return wait_for("an instance that is free", once)


def stream(served, event, slowly=None):
    """The bytes of the pieces and the members of InvokeComplete."""
    request = urllib.request.Request(served.url + "/2021-11-15/functions/f/response-streaming-invocations", json.dumps(event).encode())
    buffer = botocore.eventstream.EventStreamBuffer()
    size, first, end = 0, b"", None
    with opened(request) as answer:
        assert answer.status == 200 and answer.headers["Content-Type"] == "application/vnd.amazon.eventstream"
        while True:
            data = answer.read(65536)
            if not data:
                break
            if slowly:
                slowly()
            buffer.add_data(data)
            for message in buffer:
                assert end is None, "nothing follows InvokeComplete"
                kind = message.headers[":event-type"]
                if kind == "PayloadChunk":
                    size += len(message.payload)
                    first = (first + message.payload)[:4096]
                else:
                    assert kind == "InvokeComplete", kind
                    end = json.loads(message.payload)
    assert end is not None
    return size, first, end


def last_answer(served):
    """What the function was told about its answer before."""
    return json.loads(stream(served, {"last": True})[1])


def pace(served):
    start = time.monotonic()
    size, _, end = stream(served, {"mib": 6})
    burst = time.monotonic() - start
    assert size == 6 * MIB and end == {}, (size, end)
    start = time.monotonic()
    size, _, end = stream(served, {"mib": 12})
    took = time.monotonic() - start
    # 6 MiB at once, 6 more at 2 MiB/s; what the sockets hold comes a little earlier.
    assert size == 12 * MIB and end == {} and took > 2.5, (size, end, took)
    print("    6 MiB in %.2f s, 12 MiB in %.2f s" % (burst, took))


def memory(served):
    """Megabytes of the engine."""
    with open("/proc/%d/status" % served.process.pid) as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) // 1024


def slow_caller(served):
    """Bytes that the caller does not take stay with the function: the engine keeps at most about a megabyte of them."""
    before, peak = memory(served), [0]
    wait = iter([1.0] + [0] * (1 << 20))

    def slowly():
        time.sleep(next(wait))
        peak[0] = max(peak[0], memory(served))
    with socket.create_connection(("127.0.0.1", int(served.url.rsplit(":", 1)[1]))) as link:
        # A caller that asks and never reads: sixty seconds later it is dropped, and until then it costs little.
        body = json.dumps({"mib": 60}).encode()
        link.sendall(b"POST /2021-11-15/functions/g/response-streaming-invocations HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" %
                     (len(body), body))
        assert stream(served, {"mib": 8}, slowly)[0] == 8 * MIB
        assert peak[0] - before < 24, (before, peak)
    print("    engine's memory %d MB before, at most %d MB" % (before, peak[0]))


def limits(served):
    """Everything that ends a stream otherwise than well."""
    buffered = json.loads(opened(urllib.request.Request(served.url + "/2015-03-31/functions/f/invocations", b'{"mib":7}')).read())
    text = "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    assert buffered == {"errorMessage": text, "errorType": "Function.ResponseSizeTooLarge"}, buffered
    assert last_answer(served) == [413, {"errorMessage": "Exceeded maximum allowed payload size (6291556 bytes).",
                                         "errorType": "RequestEntityTooLarge"}]
    size, _, end = stream(served, {"mib": 1, "error": True})
    assert size == MIB and end["ErrorCode"] == "Function.Late" and json.loads(end["ErrorDetails"])["errorMessage"] == "late", end
    size, first, end = stream(served, {"parts": ["b25l"], "cut": True})
    assert first == b"one" and end["ErrorCode"] == "Runtime.TruncatedResponse", end
    size, _, end = stream(served, {"mode": "sideways"})
    assert end["ErrorCode"] == "Runtime.InvalidResponseModeHeader" and size == 0, end
    assert last_answer(served) == [400, {"errorMessage": "Invalid function response mode", "errorType": "InvalidFunctionResponseMode"}]


def largest(served):
    """200 MiB go through; a byte more is the error, and the function is told at once."""
    peak, before = [0], memory(served)

    def watch():
        peak[0] = max(peak[0], memory(served))
    size, _, end = stream(served, {"mib": 200}, watch)
    assert size == 200 * MIB and end == {}, (size, end)
    size, _, end = stream(served, {"mib": 200, "parts": ["eA=="]}, watch)
    text = "Response payload size exceeded maximum allowed payload size (209715200 bytes)."
    assert size == 200 * MIB and end["ErrorCode"] == "Function.ResponseSizeTooLarge", (size, end)
    assert json.loads(end["ErrorDetails"]) == {"errorMessage": text, "errorType": "Function.ResponseSizeTooLarge"}, end
    told = [413, {"errorMessage": "Exceeded maximum allowed payload size (209715200 bytes).", "errorType": "RequestEntityTooLarge"}]
    assert last_answer(served) == told
    # One that would never end: its function is stopped by the answer, long before its time is up.
    size, _, end = stream(served, {"mib": 1 << 20})
    assert size == 200 * MIB and end["ErrorCode"] == "Function.ResponseSizeTooLarge", (size, end)
    assert peak[0] - before < 32, (before, peak)
    print("    engine's memory %d MB before, at most %d MB" % (before, peak[0]))


def of_2020(served):
    """Streaming came later: the call is unknown, and what a function streams is an answer like others."""
    try:
        stream(served, {"mib": 1})
        raise AssertionError("streamed in 2020")
    except urllib.error.HTTPError as error:
        assert error.code == 404 and error.headers["x-amzn-ErrorType"] == "UnknownOperationException", (error.code, error.headers)
    whole = opened(urllib.request.Request(served.url + "/2015-03-31/functions/f/invocations", b'{"mib":1}')).read()
    assert whole == b"x" * MIB
    large = json.loads(opened(urllib.request.Request(served.url + "/2015-03-31/functions/f/invocations", b'{"mib":7}')).read())
    assert large["errorType"] == "Function.ResponseSizeTooLarge", large


def urls(served):
    import base64
    prelude = json.dumps({"statusCode": 201, "headers": {"X-Made": "yes", "Content-Type": "text/plain"}, "cookies": ["a=1"]}).encode()
    whole = base64.b64encode(prelude + bytes(8) + b"body").decode()
    halves = [base64.b64encode(part).decode() for part in (prelude[:9], prelude[9:] + bytes(3), bytes(5) + b"bo", b"dy")]
    kind = "application/vnd.awslambda.http-integration-response"
    for mode in ("BUFFERED", "RESPONSE_STREAM"):
        if mode == "BUFFERED":
            made = api(served, "POST", "/2021-10-31/functions/f/url", {"AuthType": "NONE", "InvokeMode": mode})
        else:
            made = api(served, "PUT", "/2021-10-31/functions/f/url", {"InvokeMode": mode})
        where = served.url + "/lambda-url/" + made["FunctionUrl"].split("//")[1].split(".")[0] + "/"

        def ask(event):
            request = urllib.request.Request(where, json.dumps(event).encode(), headers={"Content-Type": "application/json"})
            return opened(request)
        for parts in ([whole], halves):
            with ask({"type": kind, "parts": parts}) as answer:
                found = (answer.status, answer.headers["X-Made"], answer.headers["Content-Type"], answer.headers["Set-Cookie"], answer.read())
            assert found == (201, "yes", "text/plain", "a=1", b"body"), (mode, found)
        try:
            ask({"type": kind, "parts": [base64.b64encode(b"{}").decode()]})
            raise AssertionError("a prelude without end was taken")
        except urllib.error.HTTPError as error:
            assert error.code == 502, error.code
    with ask({"type": "text/csv", "parts": ["MSwy"]}) as answer:
        assert answer.headers["Content-Type"] == "text/csv" and answer.read() == b"1,2"
    import http.client
    try:
        ask({"parts": ["b25l"], "error": True}).read()
        raise AssertionError("a failed stream looked whole")
    except http.client.IncompleteRead:
        pass


def main():
    if not os.access("/usr/bin/python3", os.X_OK):
        print("SKIPPED: no /usr/bin/python3")
        return 77
    with tempfile.TemporaryDirectory(prefix="lectern-stream-") as folder:
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "bootstrap")
        with open(path, "w") as out:
            out.write(BOOTSTRAP)
        os.chmod(path, 0o755)
        config = "service: stream\nprovider: {name: aws, runtime: provided.al2023, memorySize: 1769, timeout: 120}\nfunctions:\n"
        for name in ("f", "g"):
            config += "  %s: {name: %s, handler: bootstrap, reservedConcurrency: 1, package: {artifact: %s}}\n" % (name, name, folder)
        for options, parts in (((), (pace, slow_caller, limits, urls)), (("--stream-rate", "64"), (largest,)),
                               (("--quotas", "2020"), (of_2020,))):
            with Served(*options, config=config.replace("1769", "1792")) as served:  # a size of both quota profiles
                for part in parts:
                    part(served)
                    print("ok", part.__name__, flush=True)
    return 0


sys.exit(main())
