"""Peers of the engine under the same load: one connection, 100 B, mean time of an invocation, turn about in one run.

    peers.py [SECONDS a turn] [ROUNDS]

The emulator is built from its Go module, workerd and serverless-offline come from npm; into the cache, once. What cannot be had
is named and left out. They do different work: the emulator runs the same program without a sandbox, workerd echoes inside its
own process, serverless-offline runs a Node handler in a worker thread.
"""
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.environ["LECTERN_BUILD"]
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "lectern", "peers")
RIE = "github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@v0.0.0-20261030222936-bef5c4ba774d"
ECHO = os.path.join(BUILD, "functions", "echo", "bootstrap")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def emulator(folder, port):
    program = os.path.join(CACHE, "rie")
    if not os.path.exists(program):
        subprocess.run(["go", "install", RIE], env={**os.environ, "GOBIN": CACHE}, check=True)
        os.rename(os.path.join(CACHE, "aws-lambda-rie"), program)
    return [program, "--log-level", "error", "--runtime-interface-emulator-address", "127.0.0.1:%d" % port, "--runtime-api-address",
            "127.0.0.1:%d" % free_port(), ECHO, "bootstrap"]


def npm(package, program):
    path = os.path.join(CACHE, "node_modules", ".bin", program)
    if not os.path.exists(path):
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", CACHE, package], check=True)
    return path


def workerd(folder, port):
    with open(os.path.join(folder, "echo.js"), "w") as out:
        out.write("export default { async fetch(request) { const body = await request.text(); return new Response(body, "
                  "{ headers: { 'Content-Length': String(body.length) } }); } };\n")
    with open(os.path.join(folder, "echo.capnp"), "w") as out:
        out.write('using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = (services = [(name = "main", '
                  'worker = .echo)], sockets = [(name = "http", address = "127.0.0.1:%d", http = (), service = "main")]);\n'
                  'const echo :Workerd.Worker = (modules = [(name = "echo.js", esModule = embed "echo.js")], '
                  'compatibilityDate = "2024-09-01");\n' % port)
    return [npm("workerd", "workerd"), "serve", os.path.join(folder, "echo.capnp")]


def offline(folder, port):
    npm("osls", "osls")
    npm("serverless-offline", "osls")
    os.symlink(os.path.join(CACHE, "node_modules"), os.path.join(folder, "node_modules"))
    with open(os.path.join(folder, "handler.js"), "w") as out:
        out.write("exports.handler = async (event) => event;\n")
    with open(os.path.join(folder, "serverless.yml"), "w") as out:
        out.write("service: peers\nprovider: {name: aws, runtime: nodejs20.x, region: us-east-1}\nplugins: [serverless-offline]\n"
                  "functions:\n  echo: {name: function, handler: handler.handler}\n")
    return [os.path.join(CACHE, "node_modules", ".bin", "osls"), "offline", "--lambdaPort", str(port), "--httpPort",
            str(free_port()), "--noPrependStageInUrl"]


def lectern(folder, port):
    with open(os.path.join(folder, "serverless.yml"), "w") as out:
        out.write("service: peers\nprovider: {name: aws, runtime: provided.al2023, memorySize: 1769, timeout: 30}\nfunctions:\n"
                  "  echo: {name: function, handler: bootstrap, package: {artifact: %s}}\n" % os.path.dirname(ECHO))
    return [os.path.join(BUILD, "lectern"), "serve", "--listen", "127.0.0.1:%d" % port, "--config", os.path.join(folder, "serverless.yml")]


def start(make, folder):
    os.mkdir(folder)
    port = free_port()
    command = make(folder, port)
    env = {**os.environ, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "SLS_NOTIFICATIONS_MODE": "off",
           "SLS_TELEMETRY_DISABLED": "1", "NODE_NO_WARNINGS": "1"}
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process, port
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("it did not start")
            time.sleep(0.05)


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    os.makedirs(CACHE, exist_ok=True)
    peers = {"lectern": lectern, "rie": emulator, "workerd": workerd, "serverless-offline": offline}
    running, times = {}, {}
    with tempfile.TemporaryDirectory(prefix="lectern-peers-") as folder:
        os.chmod(folder, 0o755)
        try:
            for name, make in peers.items():
                try:
                    running[name] = start(make, os.path.join(folder, name))
                except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
                    print(json.dumps({"name": name, "left_out": str(error)}))
            for _ in range(rounds):
                for name, (_, port) in list(running.items()):
                    done = subprocess.run([os.path.join(BUILD, "bench", "bin", "invoke_bench"), "--load", str(port), "function", "1",
                                           str(seconds)], capture_output=True, text=True)
                    if done.returncode or int(done.stdout) == 0:
                        print(json.dumps({"name": name, "left_out": (done.stderr or "no answer").strip()}))
                        running.pop(name)[0].kill()
                        continue
                    times.setdefault(name, []).append(seconds * 1e6 / int(done.stdout))
        finally:
            for process, _ in running.values():
                os.killpg(process.pid, signal.SIGTERM)
    base = statistics.median(times.get("lectern", [float("nan")]))
    for name, found in times.items():
        mean = statistics.median(found)
        print(json.dumps({"name": name, "mean_us": round(mean, 1), "against_lectern": round(mean / base, 2), "rounds": len(found),
                          "load": open("/proc/loadavg").read().split()[0]}))


main()
