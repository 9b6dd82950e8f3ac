"""Starts `lectern serve` for a test and ends it again."""
import os
import select
import signal
import subprocess
import tempfile

BUILD = os.environ["LECTERN_BUILD"]


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
        ready, _, _ = select.select([self.process.stdout], [], [], 20)
        line = self.process.stdout.readline() if ready else ""
        assert line.startswith("listening on http://127.0.0.1:"), "no ready line: %r" % line
        self.url = line.split()[-1]

    def stop(self, how=signal.SIGTERM, within=2.0):
        self.process.send_signal(how)
        status = self.process.wait(within)
        self.process.stdout.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


def bootstrap(name="behave"):
    return os.path.join(BUILD, "functions", name, "bootstrap")
