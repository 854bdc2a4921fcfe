# SPDX-License-Identifier: GPL-2.0
"""One virtual machine: QEMU with a Debian kernel and the host's own root.

The guest sees the host's root read-only over 9p with a tmpfs overlay on top,
so that all that is installed on the host is there at once and nothing the
guest writes survives. An initramfs made on the fly (initramfs-init) mounts it
and hands over to guest-init. Guest and runner talk over virtio-serial ports,
never over the console, where kernel messages mix in:

    org.forcepoll.verdict   guest -> host   results (see guest-init)
    org.forcepoll.out/.err  guest -> host   output of the case or command
    org.forcepoll.host      both ways       a request line, a reply line

Requests: "qmp {json}", "hmp LINE", "unplug N", "plug N", "throttle N IOPS",
"button S": presses the power button every S seconds, 0: no more. That wakes a guest
that is suspended to idle; one that is awake takes no notice.
"""

from __future__ import annotations

import dataclasses
import json
import lzma
import os
import re
import selectors
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent

# Reads of this 512-byte sector of drive 0 fail on a machine with blkdebug=1.
# In the middle of the drive: the kernel looks for partitions at both ends.
BAD_SECTOR = 1 << 20
DRIVE_SIZE = 1 << 30

# What the guest needs before it can reach its root, and the NVMe driver, which
# loads faster from here than compressed from 9p.
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_console",
           "nvme")


class VmError(Exception):
    """The machine cannot be had; the text says why in one line."""


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel in the cache of tests/kernel."""
    label: str      # as the user named it: 6.12
    release: str
    path: Path

    @classmethod
    def find(cls, label: str) -> Kernel:
        proc = subprocess.run([TOP / "tests/kernel", label], text=True,
                              stdout=subprocess.PIPE, check=False)
        if proc.returncode:
            raise VmError(f"no kernel {label} to test with")
        cache = Path(os.environ.get("XDG_CACHE_HOME")
                     or Path.home() / ".cache")
        release = proc.stdout.strip()
        return cls(label, release, cache / "forcepoll/kernels" / release)

    @property
    def debug(self) -> bool:
        return "-debug-" in self.release

    @property
    def slow(self) -> int:
        """What time limits are multiplied with."""
        return 12 if self.debug else 1

    @property
    def modules(self) -> Path:
        return self.path / "lib/modules" / self.release

    @property
    def doorbells(self) -> Path:
        """Keeps NVMe drives from losing requests: see its source."""
        path = TOP / "build" / self.release / "tests/fp_doorbells.ko"
        if not path.exists():
            raise VmError(f"no {path.relative_to(TOP)}: make programs "
                          f"KREL={self.release}")
        return path

    def load_order(self, names: tuple[str, ...]) -> list[Path]:
        """Files to insmod one after the other; built-in ones are left out."""
        def name(path: str) -> str:
            return Path(path).name.split(".ko")[0].replace("-", "_")

        deps: dict[str, list[str]] = {}
        for line in (self.modules / "modules.dep").read_text().splitlines():
            path, _, needs = line.partition(":")
            # modules.dep lists the last to be loaded first.
            deps[name(path)] = [*reversed(needs.split()), path]
        builtin = {name(p) for p in
                   (self.modules / "modules.builtin").read_text().split()}
        order: list[str] = []
        for module in names:
            if module in builtin:
                continue
            if module not in deps:
                raise VmError(f"{self.release} has no module {module}")
            order += [p for p in deps[module] if p not in order]
        return [self.modules / p for p in order]


@dataclasses.dataclass(frozen=True)
class Machine:
    """What a case may ask for in its header, "# MACHINE: key=value ..."."""
    poll_queues: int = 1
    drives: int = 1
    smp: int = 2
    mem: str = "2G"
    blkdebug: int = 0
    icount: int = 0
    threads: int = 0                # a host thread for each CPU
    virtio: int = 0                 # drives for virtio_blk, which is not loaded
    paths: int = 0                  # drives are one namespace, by as many paths
    memory_root: int = 0            # its root is no 9p: see tests/memory-root
    append: str = ""
    backing: tuple[str, ...] = ()   # --drive only

    @property
    def barriers(self) -> bool:
        """QEMU 7.2 has none in TCG with one thread for all CPUs."""
        return bool(self.threads) or self.kvm

    @property
    def kvm(self) -> bool:
        return (not self.icount
                and os.environ.get("FORCEPOLL_ACCEL") == "kvm")

    def but(self, words: list[str]) -> Machine:
        change: dict[str, Any] = {}
        for word in words:
            key, _, value = word.partition("=")
            if key in ("mem", "append"):
                change[key] = value
            elif key in ("poll_queues", "drives", "smp", "blkdebug", "icount",
                         "threads", "virtio", "paths", "memory_root"):
                change[key] = int(value or "1")
            else:
                raise ValueError(f"unknown machine property {word!r}")
        return dataclasses.replace(self, **change)

    def cmdline(self, slow: int) -> str:
        # The tests the kernel makes of its timers fail at random when the
        # host is busy, and end in another clock or a panic. A request that is
        # lost, as in a reset, costs the kernel's 30 s twice, which is longer
        # than cases wait. What QEMU has translated of a program it finds again
        # where the program is at the same address: each is twice as fast.
        words = ["console=ttyS0", "loglevel=5", "panic=-1", "oops=panic",
                 "norandmaps",
                 "no_timer_check", "tsc=reliable", "nvme_core.io_timeout=10",
                 "log_buf_len=16M",     # all that a boot says, of all its cases
                 f"nvme.poll_queues={self.poll_queues}", self.append]
        if self.icount:
            # The clock leaps whenever the guest is idle, waiting for its
            # root among others: no watchdog can be right.
            words += ["nowatchdog", "rcupdate.rcu_cpu_stall_suppress=1",
                      "sysctl.kernel.hung_task_timeout_secs=0"]
        elif slow > 1:
            words += [f"rcupdate.rcu_cpu_stall_timeout={21 * slow}"]
        return " ".join(words)


def newc(files: dict[str, tuple[int, bytes]]) -> bytes:
    """A cpio archive as the kernel unpacks it: name -> (mode, content)."""
    def entry(name: str, mode: int, data: bytes) -> bytes:
        fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0,
                  len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08x" % f for f in fields)
        head += name.encode() + b"\0"
        return (head + b"\0" * (-len(head) % 4)
                + data + b"\0" * (-len(data) % 4))

    return b"".join(entry(n, m, d) for n, (m, d) in files.items()) + \
        entry("TRAILER!!!", 0, b"")


def initramfs(kernel: Kernel, machine: Machine, cmdline: str,
              job: dict[str, str]) -> bytes:
    busybox = Path("/bin/busybox")
    if not busybox.exists() or b"/ld-linux" in busybox.read_bytes():
        raise VmError("/bin/busybox must be a static one: busybox-static")
    files = {d: (0o040755, b"") for d in
             ("bin", "dev", "lower", "m", "proc", "root", "sys", "upper")}
    load = []
    order = kernel.load_order(
        ("button", *MODULES) if machine.memory_root else MODULES)
    if not machine.threads and not machine.icount:
        order.insert(-1, kernel.doorbells)  # before nvme, the last
    for path in order:
        data = path.read_bytes()
        if path.suffix == ".xz":
            data = lzma.decompress(data)    # much slower in the guest
        name = path.name.split(".ko")[0]
        # insmod does not read the command line as modprobe does.
        params = re.findall(rf"(?:^|\s){name.replace('-', '_')}\.(\S+)",
                            cmdline)
        files[f"m/{name}"] = (0o100644, data)
        load.append(" ".join([f"$b insmod /m/{name}", *params]))
    job = {**job, "FP_TOP": str(TOP), "FP_RELEASE": kernel.release,
           "FP_MODULES": str(kernel.modules.resolve())}
    text = "".join(f"{k}={shlex.quote(v)}\n" for k, v in job.items())
    files["bin/busybox"] = (0o100755, busybox.read_bytes())
    files["modules"] = (0o100644, "\n".join(load).encode() + b"\n")
    files["job"] = (0o100644, text.encode())
    files["init"] = (
        0o100755, (TOP / "tests/initramfs-init").read_bytes())
    return newc(files)


class Qmp:
    """QEMU's monitor, one command at a time."""

    def __init__(self, sock: socket.socket, slow: int) -> None:
        self.sock = sock
        self.sock.settimeout(15 * max(slow, 1))     # the guest's, to let a drive go
        self.buf = b""
        self._read()                        # the greeting
        self.execute({"execute": "qmp_capabilities"})

    def _read(self) -> dict[str, Any]:
        while b"\n" not in self.buf:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError("QEMU has gone")
            self.buf += data
        line, self.buf = self.buf.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        return message

    def execute(self, command: dict[str, Any]) -> object:
        self.sock.sendall(json.dumps(command).encode() + b"\n")
        while True:
            reply = self._read()
            if "error" in reply:
                raise ValueError(reply["error"]["desc"])
            if "return" in reply:
                return reply["return"]

    def hmp(self, line: str) -> str:
        text = str(self.execute({"execute": "human-monitor-command",
                                 "arguments": {"command-line": line}}))
        text = " | ".join(text.split("\r\n")).strip(" |")
        # HMP has no status, only this habit.
        if re.match(r"(Error|unknown command|.*: unknown|.*not found)", text):
            raise ValueError(text)
        return text

    def wait_deleted(self, device: str) -> None:
        while True:
            event = self._read()
            if (event.get("event") == "DEVICE_DELETED"
                    and event["data"].get("device") == device):
                return


class Vm:
    """A running QEMU. Iterate over events() to its end, then close()."""

    def __init__(self, kernel: Kernel, machine: Machine, job: dict[str, str],
                 tmp: Path, *, shell: bool = False, slow: int = 1,
                 share: Path | None = None) -> None:
        self.console = tmp / "console.log"
        self.stderr = tmp / "qemu.stderr"
        self.deadline = time.monotonic() + 120 * slow
        self.machine = machine
        self.ports: dict[str, socket.socket] = {}
        self.button, self.press = 0.0, 0.0  # every so often, and when next
        fds: list[socket.socket] = []

        job = {**job, "FP_DRIVES": str(self._drives),
               "FP_MEMORY_ROOT": str(self.machine.memory_root),
               "FP_SECONDS": os.environ.get("FORCEPOLL_SECONDS", ""),
               "FP_SEED": os.environ.get("FORCEPOLL_SEED", ""),
               "FP_SHARE": "1" if share else "",
               "FP_ROUNDS": os.environ.get("FORCEPOLL_ROUNDS", ""),
               "FP_BAD_SECTOR": str(BAD_SECTOR) if machine.blkdebug else ""}
        cmdline = machine.cmdline(slow)
        initrd = tmp / "initrd"
        initrd.write_bytes(initramfs(kernel, machine, cmdline, job))

        # -cpu max,la57=off: five-level paging brings false KASAN reports.
        argv = ["qemu-system-x86_64", "-nodefaults", "-no-user-config",
                "-machine", "q35", "-display", "none", "-no-reboot",
                "-cpu", "max,la57=off",
                # KASAN takes an eighth of it, and slabs that are checked more.
                "-m", "4G" if kernel.debug else machine.mem,
                "-kernel", str(kernel.path / "vmlinuz"),
                "-initrd", str(initrd), "-append", cmdline]
        argv += self._accel()
        if kernel.debug:
            # Hot-plug as the ports themselves have it, ACPI's on the others.
            argv += ["-global",
                     "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]
        if shell:
            argv += ["-chardev", "stdio,id=console,signal=off"]
        else:
            argv += ["-chardev", f"file,id=console,path={self.console}"]
        argv += ["-serial", "chardev:console",
                 "-fsdev", "local,id=root,path=/,readonly=on,"
                 "multidevs=remap,security_model=none",
                 # An event index, as a shadow doorbell, needs a barrier.
                 "-device", "virtio-9p-pci,fsdev=root,mount_tag=root,"
                 "event_idx=off",
                 "-device", "virtio-serial-pci,event_idx=off"]
        if share:
            argv += ["-fsdev", f"local,id=share,path={share},"
                     "security_model=none",
                     "-device", "virtio-9p-pci,fsdev=share,mount_tag=share,"
                     "event_idx=off"]
        for name in ("qmp", "verdict", "out", "err", "host"):
            ours, theirs = socket.socketpair()
            self.ports[name] = ours
            fds.append(theirs)
            argv += ["-chardev", f"socket,id={name},fd={theirs.fileno()}"]
            argv += (["-mon", "chardev=qmp,mode=control"] if name == "qmp" else
                     ["-device", f"virtserialport,chardev={name},"
                      f"name=org.forcepoll.{name}"])
        if machine.paths:
            argv += ["-device", "nvme-subsys,id=shared,nqn=forcepoll"]
        for n in range(self._drives + machine.virtio):
            argv += ["-device", f"pcie-root-port,id=port{n},chassis={n + 1},"
                     f"slot={n + 1}"]
            if not machine.paths or n >= self._drives:
                argv += ["-blockdev", self._blockdev(n, tmp)]
            drive = self._drive(n)
            if "iothread" in drive:
                argv += ["-object", f"iothread,id={drive['iothread']}"]
            argv += ["-device", json.dumps(drive)]
        if machine.paths:
            argv += ["-blockdev", self._blockdev(0, tmp), "-device",
                     # JSON, as its controller: those come after all others.
                     json.dumps({"driver": "nvme-ns", "drive": "disk0",
                                 "bus": "drive0", "nsid": 1, "shared": True})]
        # Never outlive the runner, however it ends.
        argv = ["setpriv", "--pdeathsig", "KILL", *argv]
        with self.stderr.open("wb") as err:
            self.proc = subprocess.Popen(
                argv, pass_fds=[f.fileno() for f in fds], stderr=err,
                stdin=None if shell else subprocess.DEVNULL,
                start_new_session=not shell)
        for sock in fds:
            sock.close()
        try:
            self.qmp = Qmp(self.ports.pop("qmp"), slow)
        except (OSError, ValueError) as exc:
            self.close()
            text = self.stderr.read_text().strip() or str(exc)
            raise VmError(f"QEMU does not start: {text}") from exc

    @property
    def _drives(self) -> int:
        # NVMe breaks the clock of icount: null_blk is the device there.
        if self.machine.icount:
            return 0
        return max(self.machine.drives, self.machine.paths,
                   len(self.machine.backing) - self.machine.virtio)

    def _accel(self) -> list[str]:
        smp = ["-smp", str(1 if self.machine.icount else self.machine.smp)]
        if self.machine.icount:
            return [*smp, "-accel", "tcg,thread=single",
                    "-icount", "shift=0,sleep=off"]
        if self.machine.kvm:
            return [*smp, "-accel", "kvm"]
        # With a thread for each CPU, QEMU forgets what it translated from a
        # page before it stores to it: a CPU that translates in between keeps
        # the old code. The kernel patches its code by a breakpoint that comes
        # and goes, as for each bind of forcepoll, and a stale breakpoint is an
        # Oops ("int3"). One thread cannot do that, at half the speed, but
        # leaves out memory barriers: see "barriers" and event_idx.
        thread = "multi" if self.machine.threads else "single"
        return [*smp, "-accel", f"tcg,thread={thread}"]

    def _blockdev(self, n: int, tmp: Path) -> str:
        if n < len(self.machine.backing):
            return f"{self.machine.backing[n]},node-name=disk{n}"
        path = tmp / f"disk{n}"
        with path.open("wb") as disk:
            disk.truncate(DRIVE_SIZE)
        node: dict[str, Any] = {"driver": "file", "filename": str(path),
                      "cache": {"no-flush": True}}
        if self.machine.blkdebug and n == 0:
            node = {"driver": "blkdebug", "image": node, "inject-error": [
                {"event": "read_aio", "sector": BAD_SECTOR, "errno": 5}]}
        return json.dumps({"driver": "raw", "node-name": f"disk{n}",
                           "file": node})

    def _drive(self, n: int) -> dict[str, Any]:
        """The Nth device of all: those of NVMe come before those of virtio."""
        drive: dict[str, Any] = {"drive": f"disk{n}", "serial": f"fp{n}"}
        if n >= self._drives:
            drive = {"driver": "virtio-blk-pci", "num-queues": 4,
                     "event_idx": self.machine.barriers, **drive}
            # A thread of its own counts nanoseconds, QEMU's main loop whole
            # milliseconds: for a backing that says how long it takes.
            if n < len(self.machine.backing):
                drive["iothread"] = f"thread{n}"
        elif self.machine.paths:
            drive = {"driver": "nvme", "subsys": "shared", "serial": "fp0"}
        else:
            drive = {"driver": "nvme", **drive}
        return {"id": f"drive{n}", "bus": f"port{n}", **drive}

    def events(self) -> Iterator[tuple[str, bytes]]:
        """Yields ("verdict", line), ("out", data), ("err", data) until QEMU
        ends, then the reason: ("exit", b"") or ("timeout", b"")."""
        sel = selectors.DefaultSelector()
        for name, sock in self.ports.items():
            sel.register(sock, selectors.EVENT_READ, name)
        lines = {"verdict": b"", "host": b""}
        reason = "exit"
        while sel.get_map():
            now = time.monotonic()
            left = self.deadline - now
            if left <= 0 and reason == "exit":
                reason = "timeout"
                self.proc.kill()
            if self.button:
                if self.press <= now:
                    self._press()
                left = min(left, self.press - now)
            ready = {key.data: key.fileobj
                     for key, _ in sel.select(min(max(left, 1), 60))}
            # A case's output is sent before its verdict: keep it before.
            for name in ("out", "err", "verdict", "host"):
                if name not in ready:
                    continue
                data = self._recv(ready[name])
                if not data:
                    sel.unregister(ready[name])
                elif name in lines:
                    *full, lines[name] = (lines[name] + data).split(b"\n")
                    for line in full:
                        if name == "verdict":
                            yield from self._pending(sel)
                            yield name, line
                        else:
                            self._serve(line.decode(errors="replace"))
                else:
                    yield name, data
        self.proc.wait()
        yield reason, b""

    def _press(self) -> None:
        self.press = time.monotonic() + self.button
        try:
            self.qmp.execute({"execute": "system_powerdown"})
        except OSError:
            self.button = 0     # QEMU has gone; events() will say so

    @staticmethod
    def _recv(sock: object) -> bytes:
        assert isinstance(sock, socket.socket)
        try:
            return sock.recv(1 << 20)
        except ConnectionResetError:    # killed before it had read all of ours
            return b""

    def _pending(self, sel: selectors.BaseSelector
                 ) -> Iterator[tuple[str, bytes]]:
        """Output that came between select() and the verdict after it."""
        for key, _ in sel.select(0):
            if key.data in ("out", "err"):
                if data := self._recv(key.fileobj):
                    yield key.data, data

    def _serve(self, line: str) -> None:
        """A request of the guest; every request gets exactly one line."""
        try:
            reply = "ok " + self._request(line)
        except (ValueError, KeyError, OSError) as exc:
            reply = f"error {exc}"
        try:
            self.ports["host"].sendall(" ".join(reply.split()).encode()
                                       + b"\n")
        except OSError:
            pass        # the guest has gone meanwhile; events() will say so

    def _request(self, line: str) -> str:
        verb, _, rest = line.partition(" ")
        if verb == "qmp":
            return json.dumps(self.qmp.execute(json.loads(rest)))
        if verb == "hmp":
            return self.qmp.hmp(rest)
        if verb == "unplug":
            device = f"drive{int(rest)}"
            self.qmp.execute({"execute": "device_del",
                              "arguments": {"id": device}})
            self.qmp.wait_deleted(device)
            return ""
        if verb == "plug":
            drive, _, props = rest.partition(" ")
            self.qmp.execute({"execute": "device_add", "arguments":
                              {**self._drive(int(drive)),
                               **json.loads(props or "{}")}})
            return ""
        if verb == "throttle":
            drive, iops = map(int, rest.split())
            name = (f"drive{drive}" if drive < self._drives else
                    f"/machine/peripheral/drive{drive}/virtio-backend")
            zero = dict.fromkeys(
                ("bps", "bps_rd", "bps_wr", "iops_rd", "iops_wr"), 0)
            self.qmp.execute({"execute": "block_set_io_throttle", "arguments":
                              {"id": name, "iops": iops, **zero}})
            return ""
        if verb == "button":
            self.button = float(rest)
            self.press = time.monotonic() + self.button
            return ""
        raise ValueError(f"unknown request {verb!r}")

    def close(self) -> None:
        self.proc.kill()
        self.proc.wait()
        for sock in self.ports.values():
            sock.close()

    def last_words(self, count: int = 30) -> list[str]:
        """The end of the console: the only witness of a machine lost. More
        than COUNT lines when the kernel's reason is further up."""
        if not self.console.exists():
            return []
        text = self.console.read_bytes().decode(errors="replace")
        lines = text.replace("\r", "").rstrip().split("\n")[-3 * count:]
        for n, line in enumerate(lines[:-count]):
            if re.search(r"BUG: |Oops|Kernel panic", line):
                return lines[n:]
        return lines[-count:]
