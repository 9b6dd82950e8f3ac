"""One copy of the weights of a model for all functions of the machine: two engines with functions that open the same file,
the keeper that they share, and what happens when it is killed."""
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile

from served import BUILD, Served, call, children, ended, wait_for

if os.geteuid() != 0:
    print("SKIPPED: memory of sandboxes is seen by root only")
    sys.exit(77)

CONFIG = """service: weights
provider: {name: aws, runtime: provided.al2023, timeout: 60, memorySize: 512}
functions:
  %s:
    name: %s
    handler: bootstrap
    snapStart: %s
    environment: {MODEL: /mnt/models/random-34.onnx, STYLE: shared, SIZE: "2048"}
    package: {artifact: %s}
    fileSystemConfig: {localMountPath: /mnt/models, arn: "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-00000000000000000"}
custom: {lectern: {fileSystems: [{localMountPath: /mnt/models, directory: %s}]}}
"""


def keepers(cache):
    """Processes that keep weights for this cache folder."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            words = open(path, "rb").read().split(b"\0")
        except OSError:
            continue
        if b"keep" in words and os.path.join(cache, "keeper").encode() in words and not ended(int(path.split("/")[2])):
            found.append(int(path.split("/")[2]))
    return found


def mapped(inode_of):
    """Mappings of weights in the processes of functions: a set of inodes, and how many processes have one."""
    inodes, processes = set(), 0
    for path in glob.glob("/proc/[0-9]*/maps"):
        try:
            text = open(path).read()
        except OSError:
            continue
        mine = {line.split()[4] for line in text.splitlines() if "/weights-" in line and line.split()[3] == inode_of}
        inodes |= mine
        processes += bool(mine)
    return inodes, processes


def device_of(pid):
    """The device of the keeper's files, as maps writes it."""
    for path in glob.glob("/proc/%d/fd/*" % pid):
        try:
            if "/weights-" in os.readlink(path):
                number = os.stat(path).st_dev
                return "%02x:%02x" % (os.major(number), os.minor(number))
        except OSError:
            continue
    return None


def ask(served, name):
    error, answer = call(served, name, {})
    assert error is None, answer
    return json.loads(answer)["y"]


def main():
    code = os.path.join(BUILD, "functions", "cold_start")
    with tempfile.TemporaryDirectory(prefix="lectern-weights-") as folder:
        cache = os.path.join(folder, "cache")
        models, env = os.path.join(cache, "bench-models"), {"LECTERN_CACHE": cache}
        os.makedirs(cache)
        # It leaves its model behind.
        bench = [os.path.join(BUILD, "lectern"), "bench", "cold-start", "--models", "34", "--instances", "1", "--modes", "snapshot",
                 "--repeats", "1", "--json"]
        row = json.loads(subprocess.run(bench, env={**os.environ, **env}, stdout=subprocess.PIPE, check=True).stdout)
        assert row.keys() == {"model_mb", "mode", "instances", "ready_ms_p50", "first_ms_p50", "warm_ms_p50", "private_mb",
                              "shared_mb", "isolation"}, row
        with Served(config=CONFIG % ("one", "one", "false", code, models), env=env) as first, \
                Served(config=CONFIG % ("two", "two", "true", code, models), env=env) as second:
            if not first.isolated():
                print("SKIPPED: no sandboxes here")
                sys.exit(77)
            assert len(keepers(cache)) == 1, keepers(cache)
            answers = {ask(first, "one"), ask(second, "two")}
            assert len(answers) == 1, answers
            keeper = keepers(cache)[0]
            device = wait_for("weights in the keeper", lambda: device_of(keeper))
            # An instance, and another one or its template.
            wait_for("two processes that map them", lambda: mapped(device)[1] >= 2)
            assert len(mapped(device)[0]) == 1, "more than one copy: %s" % (mapped(device),)
            # Killed: what runs goes on, what starts has a copy, and then there is another keeper.
            os.kill(keeper, signal.SIGKILL)
            assert {ask(first, "one"), ask(second, "two")} == answers
            # Both engines start one; the second to come finds the first and ends.
            wait_for("another keeper", lambda: len(keepers(cache)) == 1 and keepers(cache) != [keeper])
            assert first.process.poll() is None and second.process.poll() is None
            first.stop()
            assert ask(second, "two") in answers
            wait_for("one keeper", lambda: len(keepers(cache)) == 1)
        wait_for("the end of the keeper that nobody uses", lambda: not keepers(cache))
        # Without a keeper, by wish.
        with Served("--model-budget", "0", config=CONFIG % ("one", "one", "false", code, models), env=env) as served:
            assert ask(served, "one") in answers
            assert not keepers(cache)
    print("one copy for all, and functions that outlive its keeper")


main()
