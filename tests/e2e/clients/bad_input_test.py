"""Bad input to `lectern read` and `lectern serve`: one clear line each, the right exit status, nothing half-written, the rest goes on.

usage: bad_input_test.py files|large|odd
"""
import ctypes
import json
import os
import resource
import select
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

import documents
from served import BUILD, PATIENCE, wait_for

LECTERN = os.path.join(BUILD, "lectern")
SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../samples")
RECEIPT = os.path.join(SAMPLES, "receipt.jpg")
ENGINES = ("embedded", "in-process")
MEMORY_CAP_MB = 1900  # of one page under way, docs/reading.md


class Run:
    """One command to its end: exit status, lines of both outputs, and the highest memory of any process below it."""

    def __init__(self, *arguments, program=LECTERN, env=None, prefix=(), timeout=PATIENCE, cwd=None):
        process = subprocess.Popen([*prefix, program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, **(env or {})}, cwd=cwd)
        self.peak_mb = 0
        over = threading.Event()
        watcher = threading.Thread(target=self.watch, args=(process.pid, over))
        watcher.start()
        try:
            self.out, self.err = process.communicate(timeout=timeout)
        finally:
            over.set()
            watcher.join()
            if process.poll() is None:
                process.kill()
        self.status = process.returncode
        self.lines = self.err.splitlines()

    def watch(self, top, over):
        while not over.wait(0.1):
            known, parents = {top}, {}
            for name in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open("/proc/%s/status" % name) as file:
                        fields = dict(line.rstrip("\n").split(":", 1) for line in file if ":" in line)
                except OSError:
                    continue
                parents[int(name)] = (int(fields["PPid"]), int(fields.get("VmHWM", "0 kB").split()[0]) // 1024)
            grown = True
            while grown:
                grown = False
                for pid, (parent, _) in parents.items():
                    if parent in known and pid not in known:
                        known.add(pid)
                        grown = True
            self.peak_mb = max([self.peak_mb] + [parents[p][1] for p in known if p in parents])

    def failures(self):
        """Lines that are neither progress nor the sentence about this machine's isolation."""
        return [line for line in self.lines if not line.startswith("[") and ": page " not in line and "isolation:" not in line]

    def says(self, text):
        found = [line for line in self.failures() if text in line]
        assert len(found) == 1 and self.failures() == found, (text, self.lines)
        return self


def namespace_prefix():
    """The command that gives a mount namespace of its own; None where that is not permitted."""
    prefix = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
    if shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
        return prefix
    return None


def mounted(prefix, folder, options):
    script = 'mount -t tmpfs -o %s none "$0" && exec "$@"' % options
    return [*prefix, "sh", "-c", script, folder]


def leftovers(out):
    """Files that no finished document owns."""
    found = []
    for folder, _, names in os.walk(out):
        found += [os.path.join(folder, n) for n in names if "probe" in n or n.count(".") > 1 or ".writing" in folder]
    found += [f for f, _, _ in os.walk(out) if ".writing-" in f]
    return found


def names_in(database):
    with sqlite3.connect("file:%s?mode=ro" % database, uri=True) as db:
        return {row[0] for row in db.execute("SELECT name FROM document")}


FILES = {
    "empty.jpg": "an empty file",
    "text.jpg": "it is text",
    "cut.jpg": "the image is damaged or cut short",
    "cut-early.jpg": "the image is damaged or cut short",
    "locked.pdf": "the PDF is encrypted; remove its password first",
    "nothing.pdf": "the PDF has no pages",
    "broken.pdf": "the PDF is damaged or cut short",
}


def bad_files(work, engine):
    folder = os.path.join(work, "bad")
    if not os.path.isdir(folder):
        os.mkdir(folder)
        documents.write_bad_files(folder, RECEIPT)
        documents.write_png(os.path.join(folder, "one.png"), 1, 1)
        shutil.copy(RECEIPT, os.path.join(folder, "receipt.jpg"))
    out = os.path.join(work, "out-" + engine)
    run = Run("read", folder, "--out", out, "--engine", engine)
    assert run.status == 1, run.err
    lines = run.failures()
    assert len(lines) == len(FILES), lines
    for name, text in FILES.items():
        start = "lectern: %s: " % os.path.join(folder, name)
        assert len([line for line in lines if line.startswith(start) and text in line]) == 1, (name, lines)
    made = {n for n in os.listdir(out) if n.endswith(".json")}
    assert made == {"one.json", "receipt.json"}, made
    assert names_in(os.path.join(out, "documents.db")) == {"one", "receipt"}
    assert leftovers(out) == [], leftovers(out)
    assert "2 documents read, 7 not" in run.out, run.out
    again = Run("read", folder, "--out", out, "--engine", engine)
    assert again.status == 1 and "2 done before" in again.out, again.out


def wrong_use(work):
    out = os.path.join(work, "never")
    for arguments, text in ((("read", "--nosuch", RECEIPT), "--nosuch"), (("nosuch",), "there is no command 'nosuch'; see lectern --help"),
                            ((), "a command is needed; see lectern --help"), (("model", "nosuch"), "'nosuch'; see lectern model --help"),
                            (("model", "slim", "x.pt", "--zz", "3"), "see lectern model slim --help"),
                            (("serve", "--port", "9000"), "not understood: --port 9000; see lectern serve --help"),
                            (("read",), "paths"), (("read", RECEIPT, "--engine", "foo"), "foo"),
                            (("read", RECEIPT, "--pages", "0"), "'0' is not a page range"),
                            (("read", RECEIPT, "--format", "docx"), "unknown format 'docx'"),
                            (("read", RECEIPT, "--memory", "1"), "--memory"), (("serve", "--config", "/nonexistent"), "/nonexistent")):
        run = Run(*arguments, *(["--out", out] if arguments[:1] == ("read",) and len(arguments) > 1 else []))
        assert run.status == 2, (arguments, run.status, run.err)
        run.says(text)
    assert not os.path.exists(out)
    missing = Run("read", "/nonexistent.jpg", "--out", os.path.join(work, "missing"))
    assert missing.status == 1
    missing.says("/nonexistent.jpg: no such file or folder")


def unwritable(work, prefix):
    afile = os.path.join(work, "afile")
    open(afile, "w").close()
    for out in (afile, os.path.join(afile, "below"), "/proc/lectern"):
        run = Run("read", RECEIPT, "--out", out)
        assert run.status == 1
        run.says("cannot create the output folder %s: " % out)
    out = os.path.join(work, "no-db")
    run = Run("read", RECEIPT, "--out", out, "--db", os.path.join(afile, "x.db"))
    assert run.status == 1
    run.says("choose another with --db")
    if prefix:
        folder = os.path.join(work, "readonly")
        os.mkdir(folder)
        run = Run("read", RECEIPT, "--out", folder, prefix=mounted(prefix, folder, "ro"))
        assert run.status == 1
        run.says("Read-only file system")


def full_disk(work, prefix, engine):
    out = os.path.join(work, "small")
    os.makedirs(out, exist_ok=True)
    receipt, one = os.path.join(work, "bad/receipt.jpg"), os.path.join(work, "bad/one.png")

    def listed(size):
        """Reads into a file system of `size` and says what is in it afterwards, from inside its namespace."""
        listing = os.path.join(work, "listing")
        script = 'mount -t tmpfs -o size=%s none "$0" && "$@"; status=$?; cp -r "$0" "%s"; exit $status' % (size, listing)
        shutil.rmtree(listing, ignore_errors=True)
        run = Run("read", one, receipt, "--concurrency", "1", "--out", out, "--engine", engine, prefix=[*prefix, "sh", "-c", script, out])
        return run, listing
    run, listing = listed("8k")  # no room for a database
    assert run.status == 1, run.err
    run.says("is full")
    assert os.listdir(listing) == [], os.listdir(listing)
    run, listing = listed("300k")  # room for the small document only
    assert run.status == 1, run.err
    assert len(run.failures()) == 1 and "receipt.jpg: " in run.failures()[0], run.err
    assert any(w in run.failures()[0] for w in ("is full", "No space left")), run.err
    assert {n for n in os.listdir(listing) if n.endswith((".json", ".csv"))} == {"one.json"}, os.listdir(listing)
    assert leftovers(listing) == [], leftovers(listing)
    assert names_in(os.path.join(listing, "documents.db")) == {"one"}
    # The folder for pages under way is full: only what needs it fails.
    pdf = os.path.join(work, "two.pdf")
    documents.write_pdf(pdf, 2)
    out2 = os.path.join(work, "tmp-full-" + engine)
    run = Run("read", one, pdf, "--out", out2, "--engine", engine, env={"TMPDIR": out}, prefix=mounted(prefix, out, "size=40k"))
    assert run.status == 1, run.err
    run.says("No space left on device")
    assert "one.json" in os.listdir(out2) and "two.json" not in os.listdir(out2), os.listdir(out2)


FUNCTIONS = {"exits": ("exit 3", "the function failed: Runtime exited with error: exit status 3"),
             "silent": ("exec sleep 1000", "the function gave no answer after 2.00 seconds")}


def functions(work, what):
    """`lectern read` with an ocr function that does not do its part; the pdf function likewise, in-process."""
    script, text = FUNCTIONS[what]
    place = tempfile.mkdtemp(prefix="bad-function-", dir=BUILD)
    try:
        program = os.path.join(place, "lectern")
        os.link(LECTERN, program)
        os.symlink(os.path.abspath(os.path.join(SAMPLES, "../models")), os.path.join(place, "models"))
        for name in ("ocr", "pdf"):
            os.makedirs(os.path.join(place, "functions", name))
            with open(os.path.join(place, "functions", name, "bootstrap"), "w") as file:
                file.write("#!/bin/sh\n%s\n" % script)
            os.chmod(os.path.join(place, "functions", name, "bootstrap"), 0o755)
        spawner = {"LECTERN_SPAWNER": os.path.join(BUILD, "lectern-spawner")}
        out = os.path.join(work, "out-function-" + what)
        run = Run("read", RECEIPT, "--out", out, "--page-timeout", "2", program=program, env=spawner)
        assert run.status == 1, run.err
        run.says("receipt.jpg: " + text)
        assert not [n for n in os.listdir(out) if n.endswith(".json")]
        pdf = os.path.join(work, "function.pdf")
        documents.write_pdf(pdf, 1)
        run = Run("read", pdf, RECEIPT, "--engine", "in-process", "--out", out, "--page-timeout", "2", program=program)
        assert run.status == 1, run.err
        run.says("function.pdf: its renderer ")
        assert "receipt.json" in os.listdir(out), run.err
    finally:
        shutil.rmtree(place)


def bundles(work):
    def write_zip(name, *entries):
        path = os.path.join(work, name)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
            for entry, data in entries:
                z.writestr(entry, data)
        return path
    link = zipfile.ZipInfo("out")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    good = ("bootstrap", "#!/bin/sh\n")
    big = os.path.join(work, "big")
    os.mkdir(big)
    with open(os.path.join(big, "weights"), "wb") as file:
        file.truncate(262_144_001)
    for path, text in ((write_zip("up.zip", good, ("../evil", "x")), "../evil"), (write_zip("abs.zip", good, ("/tmp/evil", "x")), "/tmp/evil"),
                       (write_zip("link.zip", good, (link, "/etc/passwd")), "out"),
                       (write_zip("big.zip", good, ("weights", bytes(262_144_001))), "262144000"), (big, "262144000"),
                       (os.path.join(work, "afile"), "afile"), (os.path.join(work, "nowhere"), "nowhere")):
        config = os.path.join(work, "serverless.yml")
        with open(config, "w") as file:
            file.write("service: bad\nprovider: {name: aws, runtime: provided.al2023}\nfunctions:\n"
                       "  f: {handler: bootstrap, package: {artifact: %s}}\n" % path)
        run = Run("serve", "--listen", "127.0.0.1:0", "--config", config)
        assert run.status == 1, (path, run.status, run.err)
        run.says(text)
        assert not os.path.exists(os.path.join(work, "evil")) and not os.path.exists("/tmp/evil")


def large_scan(work, engine):
    path = os.path.join(work, "large.png")
    if not os.path.exists(path):
        documents.write_png(path, 12000, 18000, ["TOTAL", "TALL TEA"], scale=40)
        documents.write_png(os.path.join(work, "larger.png"), 12000, 21000)
    out = os.path.join(work, "large-" + engine)
    run = Run("read", os.path.join(work, "larger.png"), path, "--out", out, "--engine", engine)
    assert run.status == 1, run.err
    run.says("larger.png: 12000 x 21000 pixels are too many; the limit is 250 megapixels")
    with open(os.path.join(out, "large.json")) as file:
        words = [w["text"] for w in json.load(file)["pages"][0]["words"]]
    assert "TOTAL" in words, words
    print("    peak of one process %d MB" % run.peak_mb)
    assert 100 < run.peak_mb <= MEMORY_CAP_MB, run.peak_mb
    if engine == "embedded":
        run = Run("read", path, RECEIPT, "--out", out, "--memory", "700", "--force")
        if "isolation:" in run.err:
            print("    no memory limits here: out of memory is not tested")
            return
        assert run.status == 1 and "receipt.json" in os.listdir(out), run.err
        run.says("large.png: it needs more memory than the function has; give it more with --memory MB")


def long_pdf(work, engine):
    """Pages come and go: memory does not grow with their number, and the first is told before the last is read."""
    path = os.path.join(work, "long.pdf")
    documents.write_pdf(path, 500)
    peaks = {}
    most = 500 if engine == "in-process" else 60  # a function a page takes its time
    for pages in (8, most):
        out = os.path.join(work, "long-%s-%d" % (engine, pages))
        start = time.time()
        run = Run("read", path, "--pages", "1-%d" % pages, "--out", out, "--engine", engine, timeout=500)
        assert run.status == 0, run.err
        took = time.time() - start
        with open(os.path.join(out, "long.json")) as file:
            document = json.load(file)
        assert [p["page"] for p in document["pages"]] == list(range(1, pages + 1))
        assert "number %d" % pages in document["pages"][-1]["lines"][0]["text"]
        peaks[pages] = run.peak_mb
        told = [line for line in run.lines if ": page " in line and line.endswith("of 500")]
        assert took < 12 or told, run.err
    print("    peaks of one process, MB:", peaks)
    assert peaks[most] <= peaks[8] + 60, peaks


ODD_NAMES = {b"-dash": "-dash", b"new\nline": "new_line", "f\u00fcr \u20ac".encode(): "f\u00fcr \u20ac", b"caf\xe9": "caf_",
             b"\x1b[31mred": "_[31mred", b"n" * 250: "n" * 200}


def odd_names(work, engine):
    """Names that are no text, options or several lines; links in a circle and to nothing; what is not a file."""
    folder = os.path.join(work, "odd-" + engine).encode()
    os.mkdir(folder)
    documents.write_png(os.path.join(work, "one.png"), 1, 1)
    for name in ODD_NAMES:
        shutil.copy(os.path.join(work, "one.png"), os.path.join(folder, name + b".png"))
    open(os.path.join(folder, b"bad\n\x1b[2Jname.jpg"), "w").close()
    os.symlink(folder, os.path.join(folder, b"up"))
    os.symlink(b"nowhere", os.path.join(folder, b"gone.png"))
    os.mkfifo(os.path.join(folder, b"pipe.png"))
    out = os.path.join(work, "odd-out-" + engine)
    run = Run("read", folder, "--out", out, "--engine", engine)
    assert run.status == 1 and len(run.failures()) == 2, run.err
    assert [line for line in run.failures() if line.endswith("gone.png: it is a link to nothing")], run.err
    assert [line for line in run.failures() if "bad??[2Jname.jpg: " in line and "an empty file" in line], run.err
    assert "\x1b" not in run.out + run.err
    names = set(ODD_NAMES.values())
    assert {n for n in os.listdir(out) if n.endswith(".json")} == {n + ".json" for n in names}, os.listdir(out)
    for name in names:
        with open(os.path.join(out, name + ".json"), encoding="utf-8") as file:
            assert json.load(file)["document"]["name"] == name
    assert names_in(os.path.join(out, "documents.db")) == names
    again = Run("read", folder, "--out", out, "--engine", engine)
    assert "%d done before" % len(names) in again.out, again.out
    run = Run("read", "--engine", engine, "--out", out, "--", "-dash.png", cwd=folder)
    assert run.status == 0, run.err
    pipe = Run("read", os.path.join(folder, b"pipe.png"), "--out", out)
    assert pipe.status == 1
    pipe.says("pipe.png: not a file or folder")


def nothing_to_read(work):
    folder = os.path.join(work, "nothing")
    os.mkdir(folder)
    with open(os.path.join(folder, "notes.txt"), "w") as file:
        file.write("no document")
    run = Run("read", folder, "--out", os.path.join(work, "nothing-out"))
    assert run.status == 1
    run.says("nothing: no document files in this folder")


def unreadable(work):
    if os.geteuid() != 0:
        prefix = []
    else:
        prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if prefix and (not shutil.which("setpriv") or subprocess.run([*prefix, LECTERN, "--version"], capture_output=True).returncode):
        print("SKIPPED unreadable files (another user cannot run this build)")
        return
    os.chmod(work, 0o755)
    folder, out = os.path.join(work, "unreadable"), os.path.join(work, "unreadable-out")
    os.makedirs(os.path.join(folder, "closed"))
    os.mkdir(out)
    os.chmod(out, 0o777)
    shutil.copy(RECEIPT, os.path.join(folder, "secret.jpg"))
    os.chmod(os.path.join(folder, "secret.jpg"), 0)
    os.chmod(os.path.join(folder, "closed"), 0)
    run = Run("read", folder, "--out", out, prefix=prefix)
    assert run.status == 1 and len(run.failures()) == 2, run.err
    assert [line for line in run.failures() if line.endswith("closed: cannot read this folder: Permission denied")], run.err
    assert [line for line in run.failures() if "secret.jpg: " in line and line.endswith("Permission denied")], run.err
    assert leftovers(out) == [], leftovers(out)


def gone_output(work, engine):
    """The output folder is removed while documents are read into it."""
    pdf, out = os.path.join(work, "gone.pdf"), os.path.join(work, "gone-" + engine)
    documents.write_pdf(pdf, 3)
    process = subprocess.Popen([LECTERN, "read", pdf, "--out", out, "--engine", engine], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for("the database", lambda: os.path.exists(os.path.join(out, "documents.db-shm")))
    shutil.rmtree(out)
    told, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, (told, said)
    lines = [line for line in said.splitlines() if line.startswith("lectern: ") and "isolation:" not in line]
    assert len(lines) == 1 and "removed meanwhile" in lines[0], (told, said)
    assert not os.path.exists(os.path.join(out, "gone.json"))
    assert Run("read", pdf, "--out", out, "--engine", engine).status == 0


def closes_of(path, command, remove_after=0):
    """Runs the command; how often it (or its functions) closed the file, which goes after so many times."""
    libc, closed_unchanged = ctypes.CDLL(None), 0x10
    watch, count = libc.inotify_init1(0), 0
    assert libc.inotify_add_watch(watch, path.encode(), closed_unchanged) >= 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = []
    reader = threading.Thread(target=lambda: said.append(process.stderr.read()))
    reader.start()
    while process.poll() is None or select.select([watch], [], [], 0)[0]:
        if not select.select([watch], [], [], 0.1)[0]:
            continue
        for _ in range(len(os.read(watch, 4096)) // 16):  # events of a file itself have no name
            count += 1
            if count == remove_after:
                os.remove(path)
    reader.join()
    os.close(watch)
    return count, process.returncode, said[0]


def gone_source(work, engine):
    """A picture is removed while it is read, and a searchable PDF is to be made of it: the others are read all the same."""
    folder, out = os.path.join(work, "leaving-" + engine), os.path.join(work, "leaving-out-" + engine)
    os.mkdir(folder)
    first = os.path.join(folder, "a.jpg")
    shutil.copy(RECEIPT, first)
    shutil.copy(os.path.join(work, "one.png"), os.path.join(folder, "b.png"))
    command = [LECTERN, "read", folder, "--engine", engine, "--concurrency", "1", "--out"]
    closes, status, said = closes_of(first, command + [out + "-whole"])
    assert status == 0, said
    # After its last use for reading; then the PDF needs it once more.
    _, status, said = closes_of(first, command + [out, "--format", "json,pdf"], closes)
    assert status == 1 and "lectern: %s: " % first in said and "No such file" in said, said
    assert os.path.exists(os.path.join(out, "b.json")) and not os.path.exists(os.path.join(out, "a.json")), said


def two_at_once(work, engine):
    """Two commands read the same folder into the same place."""
    folder, out = os.path.join(work, "both-" + engine), os.path.join(work, "both-out-" + engine)
    os.mkdir(folder)
    for n in range(8):
        shutil.copy(os.path.join(work, "one.png"), os.path.join(folder, "p%d.png" % n))
    both = [subprocess.Popen([LECTERN, "read", folder, "--out", out, "--engine", engine, "--force"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        told, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0 and "8 documents read" in told, (told, said)
    for n in range(8):
        with open(os.path.join(out, "p%d.json" % n)) as file:
            assert json.load(file)["document"]["name"] == "p%d" % n
    assert leftovers(out) == [], leftovers(out)
    assert len(names_in(os.path.join(out, "documents.db"))) == 8


def odd(work):
    for engine in ENGINES:
        for part in (odd_names, gone_output, gone_source, two_at_once):
            part(work, engine)
            print("ok %s, %s" % (part.__name__, engine), flush=True)
    for part in (nothing_to_read, unreadable):
        part(work)
        print("ok", part.__name__, flush=True)


def main():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    part = sys.argv[1] if len(sys.argv) == 2 else ""
    if part not in ("files", "large", "odd"):
        print(__doc__)
        return 2
    with tempfile.TemporaryDirectory(prefix="lectern-bad-") as work:
        prefix = namespace_prefix()
        if part == "odd":
            odd(work)
            return 0
        for engine in ENGINES:
            if part == "large":
                large_scan(work, engine)
                print("ok large scan,", engine, flush=True)
                long_pdf(work, engine)
                print("ok long PDF,", engine, flush=True)
                continue
            bad_files(work, engine)
            print("ok bad files,", engine, flush=True)
            if prefix:
                full_disk(work, prefix, engine)
            print("ok full disk," if prefix else "SKIPPED full disk (no mount namespace here):", engine, flush=True)
        if part == "large":
            return 0
        wrong_use(work)
        print("ok wrong use")
        unwritable(work, prefix)
        print("ok unwritable folders", flush=True)
        for what in FUNCTIONS:
            functions(work, what)
            print("ok a function that", what, flush=True)
        bundles(work)
        print("ok bundles")
    return 0


if __name__ == "__main__":
    sys.exit(main())
