"""tools/fetch_assets without a network: a stand-in for npm gives packages, wrong ones, or nothing."""
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools/fetch_assets")
NPM = """#!/bin/sh
echo "$3" >> "$ASKED"
[ -f "$STORE/$3.tgz" ] || { echo "request to the registry failed: connection refused" >&2; exit 1; }
cp "$STORE/$3.tgz" . && echo "$3.tgz"
"""


def main():
    with tempfile.TemporaryDirectory(prefix="lectern-fetch-test-") as work:
        tools, store, assets = (os.path.join(work, n) for n in ("tools", "store", "assets"))
        for folder in (tools, store, os.path.join(work, "bin")):
            os.mkdir(folder)
        tool = shutil.copy(TOOL, tools)
        npm = os.path.join(work, "bin", "npm")
        with open(npm, "w") as file:
            file.write(NPM)
        os.chmod(npm, 0o755)
        asked = os.path.join(work, "asked")

        def put(name, content):
            with tarfile.open(os.path.join(store, name + ".tgz"), "w:gz") as tar:
                info = tarfile.TarInfo("package/file")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        packages = [{"name": name, "from": "npm", "package": name, "size": "1 kB", "why": "a test",
                     "members": [{"member": "package/file", "file": "models/" + name, "sha256": hashlib.sha256(content).hexdigest()}]}
                    for name, content in (("one", b"first"), ("two", b"second"))]
        with open(os.path.join(tools, "assets.json"), "w") as file:
            json.dump({"packages": packages}, file)

        def fetch(*arguments):
            open(asked, "w").close()
            done = subprocess.run([sys.executable, tool, *arguments], capture_output=True, text=True,
                                  env={"PATH": os.path.join(work, "bin") + ":" + os.environ["PATH"], "LECTERN_ASSETS": assets,
                                       "STORE": store, "ASKED": asked})
            with open(asked) as file:
                return done.returncode, done.stdout + done.stderr, file.read().split()

        def present():
            folder = os.path.join(assets, "models")
            return sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        put("one", b"first")
        status, text, names = fetch()  # the second cannot be had
        assert status == 1 and "cannot fetch two" in text and "connection refused" in text and "check the network" in text, text
        assert present() == ["one"] and names == ["one", "two"], (present(), names)
        put("two", b"something else")
        status, text, names = fetch()  # what is there is not asked for again; what is wrong is not used
        assert status == 1 and "has SHA-256" in text and "not used" in text, text
        assert present() == ["one"] and names == ["two"], (present(), names)
        put("two", b"second")
        assert fetch()[0] == 0 and present() == ["one", "two"]
        assert fetch("--check") == (0, "", [])
        with open(os.path.join(assets, "models", "one"), "wb") as file:
            file.write(b"firs")  # an interrupted or damaged file
        status, text, _ = fetch("--check")
        assert status == 1 and "missing: models/one" in text, text
        status, _, names = fetch()
        assert status == 0 and names == ["one"] and fetch("--check")[0] == 0
    print("ok")


main()
