"""kill -9 of any process, also several at once: functions go on, and what is left is gone after the engine has started
again. Needs full isolation (root)."""
import os
import signal
import sys
import tempfile
import urllib.error

from served import BUILD, Served, below, children, ended, groups_of, invoke, spawner_of, wait_for

STARTED = []
CONFIG = """
service: kill
provider: {name: aws, runtime: provided.al2023, timeout: 60}
functions:
  plain: {name: plain, handler: bootstrap, package: {artifact: %(code)s}}
"""
COPIED = "  copied: {name: copied, handler: bootstrap, snapStart: true, package: {artifact: %(code)s}}\n"


def start(state, config=CONFIG + COPIED):
    STARTED.append(Served(config=config % {"code": os.path.join(BUILD, "functions", "behave")}, state=state))
    return STARTED[-1]


def count(served, name):
    """How often this function's process was invoked; an error document when it was killed before it could answer."""
    return invoke(served, name, {"do": "count"})


def works(served, name):
    try:
        return isinstance(count(served, name), int)
    except urllib.error.HTTPError:
        return False


def expect_fresh(served):
    """An invocation that comes before the engine has heard of the end fails; the next has a process of its own."""
    wait_for("a new process", lambda: count(served, "plain") == 1)


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def gone(pids):
    return all(ended(pid) for pid in pids)


def sandbox_of(spawner):
    """The init of the newest sandbox and the function's process in it."""
    init = max(pid for pid in children(spawner) if children(pid))
    return init, children(init)[0]


def one_sandbox():
    """What the callers of a single environment see when its parts are killed one after the other."""
    with tempfile.TemporaryDirectory(prefix="lectern-kill-") as state:
        served = start(state, CONFIG)
        assert count(served, "plain") == 1
        spawner = spawner_of(served)
        init, function = sandbox_of(spawner)
        kill([function])
        wait_for("the end of the function", lambda: ended(function))
        expect_fresh(served)
        kill([init])
        wait_for("the end of the sandbox", lambda: not os.path.exists("/proc/%d" % init))
        expect_fresh(served)
        sandboxes = children(spawner)
        kill([spawner])
        wait_for("the end of all sandboxes", lambda: gone(sandboxes))
        expect_fresh(served)
        assert count(served, "plain") == 2
        wait_for("the groups of the killed spawner", lambda: not groups_of(spawner))
        second = spawner_of(served)
        everything = [second, *below(second)]
        served.stop(signal.SIGKILL)
        wait_for("the end of everything", lambda: gone(everything))
        served = start(state, CONFIG)
        assert count(served, "plain") == 1 and not groups_of(second)
        assert served.stop() == 0
    print("ok function, sandbox, spawner and engine, one after the other")


def killed(victims, state):
    served = start(state)
    count(served, "plain"), count(served, "copied")
    invoke(served, "copied", {"do": "exit", "n": 1}), count(served, "copied")
    spawner = spawner_of(served)
    processes = below(spawner)
    assert processes and groups_of(spawner), "no sandboxes to kill"
    if victims == "instance":
        # Every process in every sandbox, its init included. A frozen process of a version 1 group dies when it is thawed,
        # at the next invocation; the killed environments fail the invocations that meet them, then there are others.
        kill(processes)
        count(served, "plain"), count(served, "copied")
        wait_for("killed processes gone", lambda: gone(processes))
    if "spawner" in victims:
        kill([spawner])
    if "engine" in victims:
        served.stop(signal.SIGKILL)
    if victims == "engine":
        wait_for("processes of the engine", lambda: gone(processes))
    if "engine" in victims:
        served = start(state)
    # The engine starts another spawner by itself, for the next environment.
    for name in ("plain", "copied"):
        wait_for("%s works after a kill of %s" % (name, victims), lambda: works(served, name))
    if victims != "instance":
        wait_for("processes after " + victims, lambda: gone(processes))
        wait_for("groups after " + victims, lambda: not groups_of(spawner))
    last = spawner_of(served)
    served.stop()
    wait_for("groups after a clean end", lambda: not groups_of(last))
    print("ok", victims)


def main():
    if os.geteuid() != 0 or not os.path.isdir("/sys/fs/cgroup"):
        print("SKIPPED: needs root and control groups")
        return 77
    mounts = len(open("/proc/self/mountinfo").readlines())
    one_sandbox()
    with tempfile.TemporaryDirectory(prefix="lectern-kill-") as state:
        for victims in ("engine", "spawner", "engine spawner", "instance"):
            killed(victims, state)
    assert len(open("/proc/self/mountinfo").readlines()) == mounts, "mounts are left"
    print("nothing is left")
    return 0


if __name__ == "__main__":
    try:
        status = main()
    finally:
        for server in STARTED:
            if server.process.poll() is None:
                server.process.kill()
    sys.exit(status)
