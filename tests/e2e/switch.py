"""Runs the real binary and talks to it from outside: processes, HTTP and files, standard library only.

Shares no code with Tollgate: what these tests read is what a settlement job or an operator would read.
"""

import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

SCHEDULE = {
    "schedule_id": "std-card", "version": 1, "valid_from": "2026-01-01T00:00:00Z", "currency": "CNY", "time_zone": "Asia/Shanghai",
    "cutoff": "23:00",
    "components": [
        {"id": "mdr", "account": "4100", "rules": [
            {"id": "qr", "match": {"channel": ["QR_MERCHANT_PRESENTED", "QR_CUSTOMER_PRESENTED"]}, "rate": "0.0038", "account": "4110"},
            {"id": "card", "rate": "0.006"}]},
        {"id": "instant", "account": "4120", "refund": "KEEP", "rules": [
            {"id": "instant", "match": {"settlement": ["INSTANT"]}, "fixed": 300}]}]}
TMK = "11111111111111111111111111111111"
MERCHANT = "10229005812%04d"


def estate(host_addresses, terminals, merchants, timeout_ms=3000):
    """An estate document: terminals 10000001 … spread over merchants in turn, all active."""
    names = ["host%d" % i for i in range(len(host_addresses))]
    return {
        "estate": 1,
        "hosts": [{"name": n, "dialect": "iso87-ascii", "addresses": [a], "links": 2, "max_in_flight": 2000, "timeout_ms": timeout_ms,
                   "echo_interval_s": 30, "tls": False, "acquirer_code": "01020000",
                   "lab_keys": {"zmk": "5" * 32}} for n, a in zip(names, host_addresses)],
        "cards": [{"prefix": "62", "brand": "UNIONPAY", "funding": "DEBIT", "region": "DOMESTIC"},
                  {"prefix": "622202", "brand": "UNIONPAY", "funding": "CREDIT", "region": "DOMESTIC"}],
        "routes": [{"name": "default", "priority": 99, "match": {}, "to": [{"host": n} for n in names]}],
        "fee_schedules": [{"schedule": SCHEDULE, "publish": True}],
        "merchants": [{"merchant_code": MERCHANT % (m + 1), "name": "演示 %d" % (m + 1), "mcc": "5812", "region": "310000",
                       "unified_credit_code": "91310000DEMK%05dN" % (m + 1), "settlement_account": "acct_%d" % (m + 1),
                       "settlement_cycle": "T1"} for m in range(merchants)],
        "fee_assignments": [{"id": "fa_default", "level": "DEFAULT", "schedule_id": "std-card", "valid_from": "2026-01-01T00:00:00Z"}],
        "devices": [{"serial_number": "N%010d" % t, "model": "demo-a1", "firmware_version": "2.4.0", "certified_until": "2029-12-31"}
                    for t in range(1, terminals + 1)],
        "terminals": [{"tid": "%08d" % (10000000 + t), "merchant_code": MERCHANT % ((t - 1) % merchants + 1),
                       "serial_number": "N%010d" % t, "dialect": "cup", "state": "active",
                       "location": {"lat": "31.2304", "lon": "121.4737", "address": "上海市 1 号", "radius_m": 500},
                       "lab_keys": {"tmk": TMK}} for t in range(1, terminals + 1)],
    }


class Failure(Exception):
    pass


class Switch:
    """One store, one `tollgate serve` at a time, and what is around it."""

    def __init__(self, binary, *, keep=None, sets=(), flags="", arguments=()):
        self.binary = binary
        self.dir = keep or tempfile.mkdtemp(prefix="tollgate-e2e-")
        self.kept = keep is not None
        self.sets = list(sets)
        self.arguments = list(arguments)  # of serve
        self.popen = {}  # whose rights serve has: user, group
        self.environment = dict(os.environ, **({"TOLLGATE_TEST_FLAGS": flags} if flags else {}))
        self.process = None
        self.ports = None
        self.children = []
        self.pos = None  # fixed after the first start, so that terminals find it again
        self.token = None

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, timeout=60.0):
        config = self.path("tollgate.toml")
        with open(config, "w", encoding="utf-8") as f:
            f.write('environment = "lab"\n[store]\npath = "%s"\npartitions = 4\n[http]\naddress = "127.0.0.1:0"\n'
                    '[metrics]\naddress = "127.0.0.1:0"\n[[listener]]\nname = "pos"\naddress = "%s"\ndialect = "cup"\nmac = "required"\n'
                    % (self.path("data"), self.pos or "127.0.0.1:0"))
        ports = self.path("ports.json")
        if os.path.exists(ports):
            os.unlink(ports)
        command = [self.binary, "serve", "--config", config, "--ports-file", ports, "--bootstrap-token-file", self.path("token"),
                   *self.arguments]
        for item in self.sets:
            command += ["--set", item]
        self.log = open(self.path("serve.log"), "ab")
        begun = time.monotonic()
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=self.environment, **self.popen)
        while not os.path.exists(ports):
            if self.process.poll() is not None:
                raise Failure("serve ended with %s before it was ready:\n%s" % (self.process.returncode, self.tail()))
            if time.monotonic() - begun > timeout:
                raise Failure("serve was not ready after %.0f s:\n%s" % (timeout, self.tail()))
            time.sleep(0.005)
        with open(ports, encoding="utf-8") as f:
            self.ports = json.load(f)
        self.pos = self.ports["listeners"]["pos"]
        if self.token is None:
            with open(self.path("token"), encoding="utf-8") as f:
                self.token = f.read().strip()
        return time.monotonic() - begun

    def tail(self, lines=20):
        with open(self.path("serve.log"), encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-lines:])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self, timeout=30):
        self.process.terminate()
        code = self.process.wait(timeout)
        self.process = None
        return code

    def run(self, *args, check=True, timeout=300):
        done = subprocess.run([self.binary, *args], capture_output=True, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise Failure("%s ended with %d:\n%s%s" % (" ".join(args), done.returncode, done.stdout, done.stderr))
        return done

    def spawn(self, *args, log=None):
        out = open(self.path(log or "child.log"), "ab")
        child = subprocess.Popen([self.binary, *args], stdout=out, stderr=out)
        self.children.append(child)
        return child

    def request(self, method, path, body=None, headers=None):
        host, port = self.ports["http"].rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        all_headers = {"Authorization": "Bearer " + self.token}
        data = None
        if body is not None:
            data = json.dumps(body, ensure_ascii=False).encode()
            all_headers["Content-Type"] = "application/json"
            all_headers["Idempotency-Key"] = os.urandom(8).hex()
        all_headers.update(headers or {})
        connection.request(method, path, data, all_headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, text

    def json(self, method, path, body=None, headers=None, expect=(200, 201)):
        status, text = self.request(method, path, body, headers)
        if status not in expect:
            raise Failure("%s %s answered %d: %s" % (method, path, status, text[:2000].decode("utf-8", "replace")))
        return json.loads(text)

    def ledger(self):
        """All entries and the trailer."""
        status, text = self.request("GET", "/v1/ledger/entries", headers={"Accept": "application/x-ndjson"})
        if status != 200:
            raise Failure("ledger export answered %d: %s" % (status, text[:500]))
        lines = [json.loads(line) for line in text.splitlines()]
        if not lines or lines[-1].get("object") != "export.trailer" or not lines[-1]["complete"]:
            raise Failure("the export has no trailer")
        return lines[:-1], lines[-1]

    def close(self, keep_files=False):
        for child in self.children + ([self.process] if self.process else []):
            if child.poll() is None:
                child.kill()
                child.wait()
        if not keep_files and not self.kept:
            shutil.rmtree(self.dir, ignore_errors=True)


def wait_for(condition, timeout, what):
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if condition():
            return
        time.sleep(0.05)
    raise Failure("waited %.0f s for %s" % (timeout, what))


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def read_log(path):
    """Lines of a simulator's log; a last line that was cut by a kill is left out."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    out = []
    for line in text.split("\n"):
        if not line.endswith("}"):
            continue
        out.append(json.loads(line))
    return out
