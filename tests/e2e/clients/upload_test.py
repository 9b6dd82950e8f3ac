"""An upload into a watched folder is read by the `read` function and fills the database: once, also when the function is
killed in the middle, when the same file is written again, and after a restart of the engine."""
import os
import shutil
import signal
import sqlite3
import sys
import tempfile

from remote_read_test import ASSETS, SAMPLES
from served import Served, below, bootstrap, process_fields, wait_for

CONFIG = """service: upload
provider: {name: aws, runtime: provided.al2023, memorySize: 1769, timeout: 170}
functions:
  read:
    name: read
    handler: bootstrap
    package: {artifact: CODE}
    environment: {LECTERN_MODELS: WEIGHTS, LECTERN_DATABASE: /mnt/shared/documents.db, LECTERN_OUTPUT: /mnt/shared/out, OMP_THREAD_LIMIT: '1'}
    fileSystemConfig: {arn: 'arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0', localMountPath: /mnt/shared}
custom:
  lectern:
    fileSystems: [{localMountPath: /mnt/shared, directory: FOLDER}]
    watch: [{function: read, directory: FOLDER/inbox, patterns: ['*.jpg', '*.png']}]
"""
PATIENCE = 240  # a retry comes a minute later, and a busy machine reads slowly


def rows(database, sql):
    try:
        with sqlite3.connect("file:%s?mode=ro" % database, uri=True, timeout=20) as db:
            return db.execute(sql).fetchall()
    except sqlite3.OperationalError:
        return []  # not made yet


def comm(pid):
    try:
        with open("/proc/%d/comm" % pid) as file:
            return file.read()
    except OSError:
        return ""


def busy(served, least_ticks):
    """Processes of functions that have worked for so many hundredths of a second."""
    found = []
    for pid in below(served.process.pid):
        fields = process_fields(pid)
        if fields and comm(pid).startswith("bootstrap") and int(fields[11]) >= least_ticks:
            found.append(pid)
    return found


def drop(name, inbox):
    """Complete at once, as an upload that is renamed into place."""
    shutil.copy(os.path.join(SAMPLES, name), inbox + ".part")
    os.rename(inbox + ".part", os.path.join(inbox, name))


def main():
    if not os.path.isdir(os.path.join(ASSETS, "models")):
        print("SKIPPED: no models in %s (tools/fetch_assets)" % ASSETS)
        return 77
    with tempfile.TemporaryDirectory(prefix="lectern-upload-") as work:
        os.chmod(work, 0o777)  # functions run as a user of their own
        inbox, database, state = (os.path.join(work, n) for n in ("inbox", "documents.db", "state"))
        os.makedirs(inbox)
        shutil.copytree(os.path.join(ASSETS, "models"), os.path.join(work, "models"), copy_function=os.link
                        if os.stat(ASSETS).st_dev == os.stat(work).st_dev else shutil.copy)
        config = CONFIG.replace("CODE", os.path.dirname(bootstrap("read"))).replace("FOLDER", work)
        config = config.replace("WEIGHTS", "/mnt/shared/models")
        options = [] if os.geteuid() == 0 else ["--no-sandbox"]
        read = "SELECT name, created_at FROM document ORDER BY name"
        with Served(*options, config=config, state=state) as served:
            drop("receipt.jpg", inbox)
            if os.geteuid() == 0:
                wait_for("the function works on the upload", lambda: busy(served, 5), PATIENCE)
                for pid in busy(served, 5):
                    os.kill(pid, signal.SIGKILL)
                assert rows(database, read) == [], "killed too late"
            wait_for("the retry reads the upload", lambda: [r[0] for r in rows(database, read)] == ["receipt.jpg"], PATIENCE)
            assert rows(database, "SELECT value FROM field WHERE name='total'") == [("74.82",)]
            assert os.path.exists(os.path.join(work, "out", "receipt.jpg.json"))
            first = rows(database, read)
        with Served(*options, config=config, state=state) as served:
            drop("receipt.jpg", inbox)  # the same once more
            drop("invoice.png", inbox)
            wait_for("the second upload is read", lambda: len(rows(database, read)) == 2, PATIENCE)
            assert rows(database, read)[1] == first[0], "the first was read again"
        print("passed: %s" % rows(database, read))
    return 0


if __name__ == "__main__":
    sys.exit(main())
