"""kill -9 of any process, also several at once: what is left is gone after the engine has started again, and functions
work. Needs full isolation (root)."""
import glob
import json
import os
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.request

from served import BUILD, Served

STARTED = []
CONFIG = """
service: kill
provider:
  name: aws
  runtime: provided.al2023
functions:
  plain:
    name: plain
    handler: bootstrap
    timeout: 10
    package: {artifact: %(code)s}
  copied:
    name: copied
    handler: bootstrap
    timeout: 10
    snapStart: true
    package: {artifact: %(code)s}
"""


def start(config, state):
    STARTED.append(Served(config=config, state=state))
    return STARTED[-1]


def call(served, name, payload=None):
    request = urllib.request.Request("%s/2015-03-31/functions/%s/invocations" % (served.url, name),
                                     json.dumps(payload or {"do": "count"}).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def children(pid):
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path) as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.split("/")[2]))
    return found


def below(pid):
    direct = children(pid)
    return direct + [deeper for child in direct for deeper in below(child)]


def alive(pids):
    def state(pid):
        try:
            with open("/proc/%d/stat" % pid) as file:
                return file.read().rsplit(")", 1)[1].split()[0]
        except OSError:
            return "X"
    return [pid for pid in pids if state(pid) not in "XZ"]


def groups_of(spawner):
    return [path for path, folders, _ in os.walk("/sys/fs/cgroup") if os.path.basename(path) == "lectern-%d" % spawner]


def until(done, what, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done():
            return
        time.sleep(0.02)
    raise AssertionError("not within %d s: %s" % (seconds, what))


def comm(pid):
    try:
        with open("/proc/%d/comm" % pid) as file:
            return file.read()
    except OSError:
        return ""


def spawner_of(served):
    found = [pid for pid in children(served.process.pid) if comm(pid).startswith("lectern-spawner")]
    return found[0] if found else 0


def main():
    if os.geteuid() != 0 or not os.path.isdir("/sys/fs/cgroup"):
        print("SKIPPED: needs root and control groups")
        return 77
    mounts = len(open("/proc/self/mountinfo").readlines())
    config = CONFIG % {"code": os.path.join(BUILD, "functions", "behave")}
    with tempfile.TemporaryDirectory(prefix="lectern-kill-") as state:
        for victims in ("engine", "spawner", "engine spawner", "instance"):
            served = start(config, state)
            call(served, "plain"), call(served, "copied")
            call(served, "copied", {"do": "exit", "n": 1}), call(served, "copied")
            spawner = spawner_of(served)
            processes = below(spawner)
            assert processes and groups_of(spawner), "no sandboxes to kill"
            if victims == "instance":
                # Every process in every sandbox, its init included.
                for pid in processes:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                # A frozen process of a version 1 group dies when it is thawed, at the next invocation.
                call(served, "plain"), call(served, "copied")
                until(lambda: not alive(processes), "killed processes gone")
                # The killed environments fail the invocations that meet them; then there are others.
                until(lambda: call(served, "plain").isdigit(), "plain works")
                until(lambda: call(served, "copied").isdigit(), "copied works")
            if "spawner" in victims:
                os.kill(spawner, signal.SIGKILL)
            if "engine" in victims:
                os.kill(served.process.pid, signal.SIGKILL)
                served.process.wait(10)
                served.process.stdout.close()
            if victims == "spawner":
                # The engine starts another one by itself, for the next environment.
                until(lambda: call_ok(served, "plain"), "functions work again")
                call(served, "copied")
            if victims == "engine":
                until(lambda: not alive(processes), "processes of " + victims)
            if victims != "instance":
                again = served if victims == "spawner" else start(config, state)
                call(again, "plain"), call(again, "copied")
                until(lambda: not alive(processes), "processes after " + victims + " and a restart")
                until(lambda: not groups_of(spawner), "groups after " + victims)
                served = again
            last = spawner_of(served)
            served.stop(within=10)
            until(lambda: not groups_of(last), "groups after a clean end")
    assert len(open("/proc/self/mountinfo").readlines()) == mounts, "mounts are left"
    print("nothing is left")
    return 0


def call_ok(served, name):
    try:
        call(served, name)
        return True
    except urllib.error.HTTPError:
        return False


if __name__ == "__main__":
    try:
        status = main()
    finally:
        for server in STARTED:
            if server.process.poll() is None:
                server.process.kill()
    sys.exit(status)
