"""What the client tests share: `lectern serve` started and ended, its API by plain HTTP, waiting, processes."""
import glob
import json
import os
import select
import signal
import subprocess
import tempfile
import time
import urllib.request

BUILD = os.environ["LECTERN_BUILD"]
# Seconds after which something will not come any more: far above what it takes, for machines that are slow and busy.
PATIENCE = 150


class Served:
    def __init__(self, *options, config=None, state=None, env=None):
        self.folder = tempfile.TemporaryDirectory(prefix="lectern-client-")
        command = [os.path.join(BUILD, "lectern"), "serve", "--listen", "127.0.0.1:0", *options]
        self.state = state or os.path.join(self.folder.name, "state")
        command += ["--state", self.state]
        if config:
            path = os.path.join(self.folder.name, "serverless.yml")
            with open(path, "w") as out:
                out.write(config)
            command += ["--config", path]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline() if ready else ""
        if not line.startswith("listening on http://127.0.0.1:"):
            self.process.kill()
            raise AssertionError("no ready line: %r" % line)
        self.url = line.split()[-1]

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return status

    def isolated(self):
        """Whether functions run in sandboxes with limits."""
        return api(self, "GET", "/lectern/status")["isolation"].startswith("isolation: full")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


def bootstrap(name="behave"):
    return os.path.join(BUILD, "functions", name, "bootstrap")


def api(served, method, path, body=None):
    """The answer's JSON, or None when it is empty."""
    request = urllib.request.Request(served.url + path, None if body is None else json.dumps(body).encode(), method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def invoke(served, name, payload):
    return api(served, "POST", "/2015-03-31/functions/%s/invocations" % name, payload)


def call(served, name, payload, path="2015-03-31/functions/%s/invocations"):
    """X-Amz-Function-Error and the bytes of the answer."""
    request = urllib.request.Request(served.url + "/" + path % name, json.dumps(payload).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return answer.headers.get("X-Amz-Function-Error"), answer.read()


def wait_for(what, done, seconds=PATIENCE):
    """What done() gives once it is true."""
    end = time.monotonic() + seconds
    while True:
        found = done()
        if found:
            return found
        assert time.monotonic() < end, "not within %d s: %s" % (seconds, what)
        time.sleep(0.02)


def process_fields(pid):
    """Those of /proc/PID/stat from the state on; None when there is no such process."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()
    except OSError:
        return None


def children(pid):
    found = []
    for path in glob.glob("/proc/[0-9]*"):
        child = int(path[6:])
        fields = process_fields(child)
        if fields and int(fields[1]) == pid:
            found.append(child)
    return found


def below(pid):
    direct = children(pid)
    return direct + [deeper for child in direct for deeper in below(child)]


def ended(pid):
    """Gone, or a zombie: a frozen parent cannot reap."""
    fields = process_fields(pid)
    return fields is None or fields[0] in "XZ"


def spawner_of(served):
    """The spawner's process, or 0; of two, the one that was not killed."""
    for pid in children(served.process.pid):
        try:
            with open("/proc/%d/comm" % pid) as file:
                if file.read().startswith("lectern-spawn") and not ended(pid):
                    return pid
        except OSError:
            continue
    return 0


def groups_of(spawner):
    """Its control groups."""
    return [path for path, _, _ in os.walk("/sys/fs/cgroup") if os.path.basename(path) == "lectern-%d" % spawner]
