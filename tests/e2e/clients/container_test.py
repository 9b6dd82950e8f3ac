"""An ordinary container, where neither namespaces nor groups may be made: what works, what asks, what is said."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

from served import BUILD, PATIENCE

LECTERN = os.path.join(BUILD, "lectern")
RECEIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../samples/receipt.jpg")
# Inside a user namespace its own limit of further ones can be set, so the machine's settings stay as they are.
DROP = "exec setpriv --no-new-privs --bounding-set -all --inh-caps -all"
CONTAINERS = {
    "root without rights": ["unshare", "-Ur", "sh", "-c", "echo 0 > /proc/sys/user/max_user_namespaces && %s \"$@\"" % DROP, "sh"],
    "user 65534": ["unshare", "-Ur", "sh", "-c", "echo 1 > /proc/sys/user/max_user_namespaces && exec unshare -U --map-user=65534 "
                   "--map-group=65534 %s \"$@\"" % DROP[5:], "sh"],
}


def run(container, *command, status=0):
    done = subprocess.run([*container, *command], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == status, (command, done.returncode, done.stdout, done.stderr)
    return done


def check(name, container, work):
    report = json.loads(run(container, LECTERN, "doctor", "--json").stdout)
    assert report["isolation"] == "none" and report["cgroups"] == "none" and not report["user_namespaces"], report
    assert any("lectern serve needs --no-sandbox" in line for line in report["advice"]), report["advice"]
    refused = run(container, "timeout", str(PATIENCE), LECTERN, "serve", "--listen", "127.0.0.1:0", status=1).stderr
    assert refused.count("\n") == 1 and "pass --no-sandbox" in refused, refused
    served = subprocess.Popen([*container, LECTERN, "serve", "--listen", "127.0.0.1:0", "--no-sandbox"], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.DEVNULL)
    assert served.stdout.readline().startswith("listening on http://"), name
    served.terminate()
    status = served.wait(PATIENCE)
    assert status == 0, status
    served.stdout.close()
    out = os.path.join(work, name.replace(" ", "-"))
    files = [shutil.copy(RECEIPT, os.path.join(work, n)) for n in ("a.jpg", "b.jpg")]
    read = run(container, LECTERN, "read", *files, "--out", out)
    assert read.stderr.count("plain processes with resource limits") == 1, read.stderr
    with open(os.path.join(out, "a.json")) as file:
        assert len(json.load(file)["pages"][0]["words"]) > 60


def main():
    if not shutil.which("setpriv") or subprocess.run([*CONTAINERS["user 65534"], "true"], capture_output=True).returncode:
        print("SKIPPED: no user namespaces here to emulate a container with")
        return 77
    for name, container in CONTAINERS.items():
        with tempfile.TemporaryDirectory(prefix="lectern-container-") as work:
            os.chmod(work, 0o777)
            check(name, container, work)
        print("ok", name, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
