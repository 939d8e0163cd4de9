#!/usr/bin/env python3
"""A file system that is really full, under load: a small one of its own, in a mount namespace of its own.

  disk_full.py BINARY [--restart | --control]

It fills step by step: below the watermark new work is refused and the rest goes on, below the reserve orders are refused as storage_full,
at the last byte the process still stands, nothing that was answered is lost, and with room everything comes back.
--restart fills it at once, faster than the switch looks at it, and kills the switch there (it may have stopped by itself: what it could
not write it may not answer, P6): the next start, still on the full disk, gives up the ballast, opens, and refuses clearly.
--control does the same as the first with the watermark switched off: the process must end, or the first run proves nothing.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import audit  # noqa: E402
import cup  # noqa: E402
import host  # noqa: E402
import switch  # noqa: E402

MIB = 1 << 20
SIZE, WATERMARK = 400 * MIB, 200 * MIB  # the reserve is half the watermark
INSIDE = "TOLLGATE_DISK_FULL_INSIDE"
PAN = cup.luhn("622202987654321098")
MERCHANTS = 7


def enter_namespace():
    """Mounts of this process end with it. As root a namespace of mounts is enough; everybody else needs one of users as well."""
    if os.environ.get(INSIDE):
        return
    for flags in ["-m"] * (os.geteuid() == 0) + ["-Urm"]:
        command = ["unshare", flags, "--", sys.executable, "-B", *sys.argv]
        if subprocess.run(["unshare", flags, "--", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False).returncode == 0:
            os.execvpe("unshare", command, dict(os.environ, **{INSIDE: "1"}))
    sys.exit("cannot mount a file system: neither root nor user namespaces; this test needs one of them")


class Disk:
    """The small file system and what fills it."""

    def __init__(self, path):
        self.path = path
        os.mkdir(path)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % SIZE, "none", path], check=True)
        self.filler = os.path.join(path, "filler")
        self.store = os.path.join(path, "data")

    def free(self):
        space = os.statvfs(self.path)
        return space.f_bavail * space.f_frsize

    def fill(self, leave, step=4 * MIB, pause=0.02):
        """Real blocks, until so much is left; others write meanwhile."""
        with open(self.filler, "ab", buffering=0) as f:
            while self.free() > leave:
                try:
                    f.write(b"\x55" * min(step, self.free() - leave))
                except OSError:  # not even that
                    return
                time.sleep(pause)

    def fill_all(self):
        """To the last byte, as fast as it goes."""
        fd = os.open(self.filler, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        size = os.fstat(fd).st_size
        chunk = 32 * MIB
        while chunk >= 4096:
            try:
                os.posix_fallocate(fd, size, chunk)
                size += chunk
            except OSError:
                chunk //= 2
        os.close(fd)

    def empty(self):
        os.unlink(self.filler)


class World:
    def __init__(self, args):
        self.world = switch.Switch(args.binary)
        self.disk = Disk(self.world.path("disk"))
        off = ["store.watermark_mb=0"] if args.control else ["store.watermark_mb=%d" % (WATERMARK // MIB)]
        self.world.sets = ["store.path=" + self.disk.store, "store.watermark_percent=0", "store.memtable_mb=8", *off]
        self.host = host.Host()
        self.world.start()
        self.world.json("POST", "/v1/estate", switch.estate([self.host.address], args.terminals + 1, MERCHANTS))
        # One terminal of our own beside the fleet.
        self.mine = cup.Terminal(self.world.pos, "%08d" % (10000001 + args.terminals), switch.MERCHANT % (args.terminals % MERCHANTS + 1), switch.TMK)
        switch.wait_for(lambda: self.world.json("GET", "/v1/hosts")["data"][0]["state"] == "signed_on", 15, "the host")
        expect(self.mine.sign_in()[39], "00", "sign-in")
        self.log = self.world.path("terminals.jsonl")
        terminals = self.world.path("terminals.json")
        with open(terminals, "w", encoding="utf-8") as f:
            json.dump([{"tid": "%08d" % (10000001 + t), "merchant_code": switch.MERCHANT % (t % MERCHANTS + 1), "tmk": switch.TMK}
                       for t in range(args.terminals)], f)
        self.fleet = self.world.spawn("sim", "terminals", "--target", self.world.pos, "--terminals-file", terminals, "--tps", "400",
                                      "--timeout", "4s", "--log", self.log, log="terminals.log")
        time.sleep(2)

    def metric(self, name):
        address, port = self.world.ports["metrics"].rsplit(":", 1)
        connection = switch.http.client.HTTPConnection(address, int(port), timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(("tollgate_" + name + "{", "tollgate_" + name + " ")))

    def order(self):
        """An order that writes: a fresh name for a merchant. Its status and problem code."""
        code = switch.MERCHANT % 1
        document = {"estate": 1, "merchants": [{"merchant_code": code, "name": "演示 " + os.urandom(4).hex(), "mcc": "5812", "region": "310000",
                                                "unified_credit_code": "91310000DEMK00001N", "settlement_account": "acct_1", "settlement_cycle": "T1"}]}
        status, text = self.world.request("POST", "/v1/estate", document)
        return status, json.loads(text)

    def suspend(self, tid, merchant):
        status, text = self.world.request("POST", "/v1/terminals/tid:%s@%s/suspend" % (tid, merchant), {"reason": "device_fault"}, {"If-Match": "*"})
        return status, json.loads(text)

    def not_ready(self):
        status, text = self.world.request("GET", "/readyz?verbose")
        return status == 503 and b"[-]disk failed" in text

    def alive(self):
        return self.world.process.poll() is None

    def ended(self):
        """Waits for the process to stop by itself."""
        switch.wait_for(lambda: not self.alive(), 20, "the switch to end by itself")
        code = self.world.process.returncode
        self.world.process = None
        return code

    def comes_back(self):
        switch.wait_for(lambda: self.world.request("GET", "/readyz")[0] == 200, 15, "readyz to see that there is room")
        switch.wait_for(lambda: self.mine.sale(PAN, 2300)[1][39] == "00", 15, "work to come back")
        expect(self.order()[0], 200, "an order with room")

    def finish(self):
        """Everybody comes to an end with what they owe; what terminals were told is in the books, and the store verifies."""
        self.fleet.terminate()
        self.fleet.wait(60)
        switch.wait_for(lambda: self.metric("reversals_owed") == 0, 60, "the reversal queue to empty")
        entries, _ = self.world.ledger()
        findings, counts = audit.audit(switch.read_log(self.log), entries)
        print(counts)
        if findings:
            raise switch.Failure("terminals and ledger differ: %s" % findings[:10])
        if counts["approved"] < 300:
            raise switch.Failure("too few approvals for a test: %s" % counts)
        expect(self.world.stop(), 0, "exit code after SIGTERM")
        self.world.run("ledger", "verify", "--data", self.disk.store)

    def close(self, keep):
        self.host.close()
        self.world.close(keep_files=True)
        subprocess.run(["umount", "-l", self.disk.path], check=False)
        if not keep:
            shutil.rmtree(self.world.dir, ignore_errors=True)


def expect(got, want, what):
    if got != want:
        raise switch.Failure("%s: %r instead of %r" % (what, got, want))


def step_by_step(w):
    w.disk.fill(WATERMARK - 20 * MIB)
    switch.wait_for(w.not_ready, 10, "readyz to name the disk")
    switch.wait_for(lambda: w.mine.sale(PAN, 2100)[1][39] == "96", 10, "new work to be refused")
    for _ in range(10):
        expect(w.mine.sale(PAN, 2200)[1][39], "96", "a sale below the watermark")
    expect(w.suspend("10000001", switch.MERCHANT % 1)[0], 200, "suspend below the watermark")
    expect(w.order()[0], 200, "an order below the watermark")
    if not 0 < w.metric("storage_free_bytes") < WATERMARK:
        raise switch.Failure("the metric of free space says %d" % w.metric("storage_free_bytes"))

    w.disk.fill(WATERMARK // 2 - 10 * MIB)

    def refused():
        status, body = w.suspend("10000002", switch.MERCHANT % 2)
        return status == 503 and body["code"] == "storage_full"
    switch.wait_for(refused, 10, "an order to be refused as storage_full")
    status, body = w.order()
    expect((status, body["code"]), (503, "storage_full"), "an estate below the reserve")
    expect(w.not_ready(), True, "readyz below the reserve")
    w.world.ledger()  # reads go on
    w.disk.fill_all()
    expect(w.disk.free() < MIB, True, "the disk is full")
    before = w.disk.free()
    time.sleep(3)  # the fleet goes on asking
    expect(w.alive(), True, "the process on a disk without a byte left")
    expect(w.disk.free(), before, "what it wrote there")
    expect(w.suspend("10000002", switch.MERCHANT % 2)[1]["code"], "storage_full", "an order on a disk without a byte left")
    w.world.ledger()
    w.disk.empty()
    w.comes_back()
    w.finish()


def restart(w):
    w.disk.fill_all()
    time.sleep(2)
    if w.alive():
        expect(w.suspend("10000002", switch.MERCHANT % 2)[1]["code"], "storage_full", "an order on a disk without a byte left")
        w.world.kill()
    elif w.ended() == 0:
        raise switch.Failure("a write that failed ended in exit code 0")
    expect(w.disk.free() < MIB, True, "the disk is full")
    w.world.start()  # the ballast makes room
    if w.disk.free() < 32 * MIB:
        raise switch.Failure("the ballast was not given up: %d free" % w.disk.free())
    expect(w.not_ready(), True, "readyz on what the ballast left")
    expect(w.suspend("10000002", switch.MERCHANT % 2)[1]["code"], "storage_full", "an order on what the ballast left")
    w.disk.empty()
    w.mine.connect()
    expect(w.mine.sign_in()[39], "00", "sign-in after the restart")
    w.comes_back()
    w.finish()


def without_watermark(w):
    w.disk.fill(0)
    w.disk.fill_all()
    code = w.ended()
    print("control: ended with %d" % code)
    if code == 0:
        raise switch.Failure("a write that failed ended in exit code 0")
    w.disk.empty()
    w.world.start()
    w.mine.connect()
    expect(w.mine.sign_in()[39], "00", "sign-in after the restart")
    w.comes_back()
    w.finish()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--terminals", type=int, default=60)
    parser.add_argument("--keep", action="store_true")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--restart", action="store_true")
    which.add_argument("--control", action="store_true")
    args = parser.parse_args()
    enter_namespace()
    w = World(args)
    try:
        (restart if args.restart else without_watermark if args.control else step_by_step)(w)
        print("ok")
    except Exception:
        print(w.world.tail())
        raise
    finally:
        w.close(args.keep)


if __name__ == "__main__":
    main()
