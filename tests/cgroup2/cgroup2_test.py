#!/usr/bin/env python3
"""Runs tests on a machine that has cgroups of version 2 alone: an emulated one, with the host's files and another kernel.

usage: cgroup2_test.py [PROGRAM [ARGUMENT...]]...   programs are separated by "--"; none: the sandbox's own tests

Needs qemu-system-x86_64 and a Linux kernel, which LECTERN_TEST_KERNEL names; for example
  apt-get download linux-image-6.1.0-56-cloud-amd64 && dpkg -x linux-image-*.deb DIR, then DIR/boot/vmlinuz-*
and, for layers, overlay.ko of the same package beside it.
Processors are emulated, about twenty times slower: five minutes, and times that a test prints mean nothing.
"""
import gzip
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

SKIPPED = 77
BUILD = os.environ.get("LECTERN_BUILD", os.path.abspath("build/release"))

# The first root of a machine cannot be left by pivot_root, as sandboxes do.
INIT = """#!/bin/bash
export PATH=/usr/bin:/bin:/usr/sbin:/sbin
mkdir /new && mount -t tmpfs -o size=75% tmp /new && cp -a $(ls -d /* | grep -v -e /new -e /proc -e /sys) /new
mkdir /new/proc /new/sys
exec switch_root /new /tests
"""

TESTS = """#!/bin/bash
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LECTERN_BUILD={build}
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/shm; mount -t tmpfs tmp /dev/shm; mount -t tmpfs tmp /tmp
# finit_module
[ -f /overlay.ko ] && perl -e 'open F, "/overlay.ko"; my $none = ""; syscall(313, fileno(F), $none, 0) == 0 or die $!'
mount -t cgroup2 none /sys/fs/cgroup
ip link set lo up
# As systemd does: controllers are passed on, and what runs is in a group below.
echo "+memory +cpu +pids" > /sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/tests && echo 0 > /sys/fs/cgroup/tests/cgroup.procs
echo "kernel $(uname -r), controllers $(cat /sys/fs/cgroup/tests/cgroup.controllers)"
status=0
{commands}
echo "STATUS $status"
echo o > /proc/sysrq-trigger
sleep 60
"""


# For the first root, and what the tests run in sandboxes.
TOOLS = """bash cat chmod cp dd env grep head hostname id ip ls mkdir mount perl rm seq setpriv sh sleep sort switch_root tail
           touch tr true uname wc""".split()


def closure(path):
    """The files a program needs to run."""
    wanted = {path}
    told = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    for match in re.finditer(r"(/\S+)", told):
        wanted.add(match.group(1))
    return wanted


class Archive:
    """A cpio archive as the kernel unpacks it into its first root."""

    def __init__(self, out):
        self.out, self.seen, self.number = out, set(), 0

    def entry(self, name, mode, data=b"", device=(0, 0)):
        self.number += 1
        fields = [self.number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0]
        head = b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
        self.out.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))

    def directory(self, path):
        path = path.strip("/")
        if not path or path in self.seen:
            return
        self.directory(os.path.dirname(path))
        self.seen.add(path)
        self.entry(path, stat.S_IFDIR | 0o755)

    def add(self, path):
        """A file under the same path; links become what they point to."""
        if path.strip("/") in self.seen:
            return
        if os.path.isdir(path):
            self.directory(path)
            for name in os.listdir(path):
                self.add(os.path.join(path, name))
            return
        self.directory(os.path.dirname(path))
        self.seen.add(path.strip("/"))
        with open(path, "rb") as file:
            self.entry(path.strip("/"), stat.S_IFREG | (os.stat(path).st_mode & 0o777), file.read())


def archive(target, kernel, programs):
    files = {shutil.which(tool) or "/bin/" + tool for tool in TOOLS} | {BUILD + "/lectern-spawner"}
    files |= {program[0] for program in programs}
    commands = "\n".join(f"echo; echo '== {' '.join(p)}'; '" + "' '".join(p) + "' 2>&1 || status=1" for p in programs)
    with gzip.open(target, "wb", 1) as out:
        made = Archive(out)
        for path in ["/proc", "/sys", "/dev", "/tmp", "/root", "/run", "/var/tmp"]:
            made.directory(path)
        made.entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
        for file in sorted(files):
            for needed in sorted(closure(file)):
                made.add(needed)
        made.add("/bin/bash")
        made.add("/bin/sh")
        if os.path.exists(module := os.path.join(os.path.dirname(kernel), "overlay.ko")):
            with open(module, "rb") as file:
                made.entry("overlay.ko", stat.S_IFREG | 0o644, file.read())
        for path in ["/etc/passwd", "/etc/group", "/etc/nsswitch.conf", BUILD + "/functions/probe",
                     BUILD + "/functions/behave", BUILD + "/functions/echo"]:
            made.add(path)
        made.entry("init", stat.S_IFREG | 0o755, INIT.encode())
        made.entry("tests", stat.S_IFREG | 0o755, TESTS.format(build=BUILD, commands=commands).encode())
        made.entry("TRAILER!!!", 0)


def main(arguments):
    qemu = shutil.which("qemu-system-x86_64")
    kernel = os.environ.get("LECTERN_TEST_KERNEL", "")
    if not qemu or not os.path.exists(kernel):
        print("SKIPPED: needs qemu-system-x86_64 and a kernel in LECTERN_TEST_KERNEL (see", __file__ + ")")
        return SKIPPED
    programs = [p.split("\0") for p in "\0".join(arguments).split("\0--\0")] if arguments else [
        [BUILD + "/tests/sandbox_test"], [BUILD + "/tests/snapshot_test"]]
    with tempfile.TemporaryDirectory() as folder:
        image = folder + "/root.cpio.gz"
        archive(image, kernel, programs)
        emulator = [qemu, "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "3072", "-nographic", "-no-reboot", "-nic", "none",
                    "-kernel", kernel, "-initrd", image, "-append", "console=ttyS0 quiet panic=-1 mitigations=off"]
        with subprocess.Popen(emulator, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              errors="replace") as machine:
            status = None
            for line in machine.stdout:
                print(line, end="", flush=True)
                if line.startswith("STATUS "):
                    status = int(line.split()[1])
                    machine.terminate()
    if status is None:
        print("the emulated machine ended before its tests did")
    return 1 if status is None else status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
