"""Soak: as many invocations as fit into the time, with functions that crash, run out of time, run out of memory and fail among
them, and new versions all along. Samples what could grow; ends with status 1 when something does.

    soak.py [SECONDS] [CONNECTIONS]
"""
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

BUILD = os.environ["LECTERN_BUILD"]
TROUBLE = [{"do": "crash"}, {"do": "error"}, {"do": "exit", "n": 2}, {"do": "sleep", "ms": 3000}, {"do": "memory", "n": 400},
           {"do": "print", "n": 200}, {"do": "size", "n": 1 << 20}, {"do": "count"}]


def lines(path):
    try:
        with open(path) as text:
            return text.read().splitlines()
    except OSError:
        return []


def resident_kb(pid):
    return next((int(line.split()[1]) for line in lines("/proc/%d/status" % pid) if line.startswith("VmRSS")), 0)


def cgroups(spawner):
    return len(glob.glob("/sys/fs/cgroup/**/lectern-%d/*/" % spawner, recursive=True))


def children(pid):
    out = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split("\n")
    return [(int(line.split()[0]), line.split()[1]) for line in out if line.strip()]


def sample(engine, spawner, state):
    return {"rss_kb": resident_kb(engine), "spawner_rss_kb": resident_kb(spawner), "fds": len(os.listdir("/proc/%d/fd" % engine)),
            "spawner_fds": len(os.listdir("/proc/%d/fd" % spawner)), "cgroups": cgroups(spawner),
            "mounts": len(lines("/proc/%d/mounts" % spawner)), "host_mounts": len(lines("/proc/mounts")),
            "sandboxes": len(children(spawner)), "log_mb": sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(state)
                                                              for f in fs if f.endswith(".log")) >> 20}


def invoke(url, name, payload):
    request = urllib.request.Request("%s/2015-03-31/functions/%s/invocations" % (url, name), json.dumps(payload).encode())
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, len(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, 0


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 120
    connections = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    with tempfile.TemporaryDirectory(prefix="lectern-soak-") as folder:
        with open(os.path.join(folder, "serverless.yml"), "w") as out:
            out.write("service: soak\nprovider: {name: aws, runtime: provided.al2023, memorySize: 1769, timeout: 30}\nfunctions:\n"
                      "  echo: {name: echo, handler: bootstrap, package: {artifact: %s/functions/echo}}\n"
                      "  bad: {name: bad, handler: bootstrap, memorySize: 128, timeout: 1, package: {artifact: %s/functions/behave}}\n"
                      % (BUILD, BUILD))
        state = os.path.join(folder, "state")
        engine = subprocess.Popen([os.path.join(BUILD, "lectern"), "serve", "--listen", "127.0.0.1:0", "--state", state, "--config",
                                   os.path.join(folder, "serverless.yml")], stdout=subprocess.PIPE, text=True)
        url = engine.stdout.readline().split()[-1]
        spawner = next((pid for pid, name in children(engine.pid) if name.startswith("lectern-spawn")), engine.pid)
        stop, troubles = threading.Event(), [0]

        def trouble():
            while not stop.is_set():
                status, _ = invoke(url, "bad", TROUBLE[troubles[0] % len(TROUBLE)])
                assert status in (200, 429), status
                troubles[0] += 1
                if troubles[0] % 50 == 0:
                    change = urllib.request.Request(url + "/2015-03-31/functions/bad/configuration", method="PUT",
                                                    data=json.dumps({"Description": str(troubles[0])}).encode())
                    urllib.request.urlopen(change).read()

        worker = threading.Thread(target=trouble)
        worker.start()
        total, samples = 0, []
        rounds = max(4, int(seconds // 10))
        for index in range(rounds):
            done = subprocess.run([os.path.join(BUILD, "bench", "bin", "invoke_bench"), "--load", url.rsplit(":", 1)[1], "echo",
                                   str(connections), str(seconds / rounds - 1)], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            total += int(done.stdout)
            samples.append(sample(engine.pid, spawner, state))
            print(json.dumps({"name": "soak", "after_s": round((index + 1) * seconds / rounds), "invocations": total,
                              "troubles": troubles[0], **samples[-1], "load": lines("/proc/loadavg")[0].split()[0]}), flush=True)
        stop.set()
        worker.join()
        engine.send_signal(signal.SIGTERM)
        status = engine.wait(10)
        # The first third fills caches and pools.
        early, late = samples[len(samples) // 3], samples[-1]
        grown = [key for key, room in (("rss_kb", 8192), ("spawner_rss_kb", 2048), ("fds", 24), ("spawner_fds", 24), ("cgroups", 8),
                                       ("mounts", 0), ("host_mounts", 0), ("sandboxes", 4))
                 if late[key] > early[key] + room]
        left = [pid for pid in (spawner,) if os.path.exists("/proc/%d" % pid)]
        print(json.dumps({"name": "soak_result", "invocations": total, "troubles": troubles[0], "grown": grown,
                          "exit_status": status, "left_behind": left}))
        sys.exit(1 if grown or status or left else 0)


main()
