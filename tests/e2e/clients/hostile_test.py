"""Hostile clients and functions: each is contained, and another function goes on answering."""
import json
import os
import resource
import socket
import sys
import tempfile
import time

from served import PATIENCE, Served, invoke

FUNCTION = r"""
import os, socket, subprocess, sys, threading, urllib.request
def handler(event, context):
    what = event['do']
    if what == 'flood':
        line = b'x' * 1023 + b'\n'
        for _ in range(100_000): os.write(1, line)
        return 'flooded'
    if what == 'fork':
        made = 0
        try:
            for _ in range(5000):
                subprocess.Popen(['/bin/sleep', '60']); made += 1
        except OSError as error: return [made, str(error)]
        return [made, '']
    if what == 'disk':
        written = 0
        try:
            with open('/tmp/big', 'wb') as out:
                for _ in range(2000): written += out.write(b'0' * (1 << 20)); out.flush()
        except OSError as error: return [written >> 20, str(error)]
        return [written >> 20, '']
    if what == 'api':
        api = os.environ['AWS_LAMBDA_RUNTIME_API']
        host, port = api.split(':')
        for _ in range(300):
            link = socket.create_connection((host, int(port)))
            link.sendall(b'GET /nonsense HTTP/1.1\r\n\r\n' * 5)
            link.close()
        stale = urllib.request.Request('http://%s/2018-06-01/runtime/invocation/stale/response' % api, b'{}')
        try: urllib.request.urlopen(stale)
        except urllib.error.HTTPError as error: return [error.code, error.read().decode()]
    if what == 'network':
        try: socket.create_connection(('127.0.0.1', event['port']), 2); return 'reached the host'
        except OSError as error: return str(error)
    if what == 'processes': return len([p for p in os.listdir('/proc') if p.isdigit()])
    if what == "files": return [p for p in ("/etc/shadow", "/root", "/home", "/sys/fs/cgroup/memory", "/tmp/../var/lib") if os.access(p, os.R_OK) and (os.path.isfile(p) or os.listdir(p))]
    return event
"""


def port_of(served):
    return int(served.url.rsplit(":", 1)[1])


def raw(served, data, half_close=True):
    with socket.create_connection(("127.0.0.1", port_of(served)), PATIENCE) as link:
        try:
            link.sendall(data)
            if half_close:
                link.shutdown(socket.SHUT_WR)
            out = b""
            while True:
                part = link.recv(65536)
                if not part:
                    return out
                out += part
        except (ConnectionResetError, BrokenPipeError):
            return b""


def clients(served):
    for data in (b"nonsense\r\n\r\n", b"GET /\x00 HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 100_000,
                 b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n", b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                 b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                 b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
                 b"POST /2015-03-31/functions/good/invocations HTTP/1.1\r\nContent-Length: 100\r\n\r\n{", b""):
        answer = raw(served, data)
        assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505")), (data[:60], answer[:200])
    for target in ("/2015-03-31/functions/..%2f..%2fetc/invocations", "/lectern/logs?function=../..", "/lectern/code/../x.zip",
                   "/lectern/logs?function=good&stream=../../../../x"):
        answer = raw(served, b"GET %s HTTP/1.1\r\nConnection: close\r\n\r\n" % target.encode())
        assert answer.startswith(b"HTTP/1.1 4"), answer[:100]
    assert invoke(served, "good", {"do": "x"}) == {"do": "x"}


def many_connections(served):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    wanted = min(10_000, hard - 200)
    links = [socket.create_connection(("127.0.0.1", port_of(served)), PATIENCE) for _ in range(wanted)]
    for link in links[::7]:
        link.sendall(b"GET /slow")
    start = time.time()
    assert invoke(served, "good", {"do": "y"}) == {"do": "y"}
    print("   ", wanted, "connections; one more answered in %.1f ms" % ((time.time() - start) * 1000))
    for link in links:
        link.close()


def functions(served, isolated):
    assert invoke(served, "bad", {"do": "flood"}) == "flooded"
    code, body = invoke(served, "bad", {"do": "api"})
    assert code == 400 and json.loads(body)["errorType"] == "InvalidRequestID", (code, body)
    if isolated:
        made, why = invoke(served, "bad", {"do": "fork"})
        assert made < 1100 and why, (made, why)
        written, why = invoke(served, "bad", {"do": "disk"})
        assert written <= 512 and "No space left" in why, (written, why)
        assert "reached" not in invoke(served, "bad", {"do": "network", "port": port_of(served)})
        assert invoke(served, "bad", {"do": "processes"}) < 1100
        seen = invoke(served, "bad", {"do": "files"})
        assert seen == [], seen
    assert invoke(served, "good", {"do": "z"}) == {"do": "z"}


def main():
    if not os.access("/usr/bin/python3", os.X_OK):
        print("SKIPPED: no /usr/bin/python3")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="lectern-hostile-") as folder:
        os.chmod(folder, 0o755)
        with open(os.path.join(folder, "app.py"), "w") as out:
            out.write(FUNCTION)
        config = "service: hostile\nprovider: {name: aws, memorySize: 512, timeout: 120, runtime: python3.12}\nfunctions:\n"
        for name in ("good", "bad"):
            config += "  %s: {name: %s, handler: app.handler, package: {artifact: %s}}\n" % (name, name, folder)
        with Served(config=config) as served:
            clients(served)
            print("ok clients")
            many_connections(served)
            print("ok many connections")
            isolated = served.isolated()
            functions(served, isolated)
            print("ok functions,", "isolated" if isolated else "not isolated")
            start = time.monotonic()
            status = served.stop()
            assert status == 0, status
            took = time.monotonic() - start
            # The promise is 2 s; a machine that is three times slower gets three times that.
            assert took < 6, took
            print("ok stops within 2 s: %.2f s" % took)


main()
