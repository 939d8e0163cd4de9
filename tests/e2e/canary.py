#!/usr/bin/env python3
"""Plants card numbers, tracks, PIN blocks, keys and a token in a real switch and looks for them everywhere: in the store and beside it,
in logs at debug level, in metrics, in every answer of the interface, on the command line's output, and in what a core file would hold.

  canary.py BINARY JOURNAL_DUMP

Allowed (the rules on card data): first 6 and last 4 everywhere; what is enciphered; keys in the process, which uses them; the full number
of a reversal that is still owed, in the process. Track, PIN block and payer's code never, once the transaction is over.

Controls: every encoding of every value is planted in a scratch file and must be found; a card number in another process's memory too.
"""

import http.client
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cup  # noqa: E402
import host  # noqa: E402
import process_image  # noqa: E402
import switch  # noqa: E402
from planted import CARDS, PIN, QR_CODE, SLOW_BIN, Search, Secret, chip_data  # noqa: E402

# How a planted card stands in a record or an answer.
MASKED = b"%s*********%s" % (CARDS["approved"].pan[:6].encode(), CARDS["approved"].pan[-4:].encode())


class Run:
    def __init__(self, binary):
        self.world = switch.Switch(binary, sets=["log.level=debug", "log.format=json", "session.frame_timeout_ms=500"], arguments=["--dumpable"])
        self.tmk, self.zmk = os.urandom(16).hex().upper(), os.urandom(16).hex().upper()
        self.fast = host.Host(self.answer_fast)
        self.slow = host.Host(lambda mti, fields: {39: "00"} if self.acknowledging else None)
        self.acknowledging = False
        self.blocks, self.keys = [], []  # PIN blocks as sent and in clear; working keys
        self.tokens = []
        self.answers = []                # (what, bytes) of everything that the interface said
        self.findings = []

    def answer_fast(self, mti, fields):
        if mti != "0200":
            return {39: "00"}
        amount = fields.get(4, "")
        if amount.endswith("51"):
            return {39: "51"}
        if amount.endswith("93"):  # late, and with more in it than anybody asked for
            time.sleep(2.5)
        return {39: "00", 38: "A00001"}

    # ---- the stage ----

    def estate(self):
        document = switch.estate([self.fast.address, self.slow.address], 3, 2, timeout_ms=2000)
        document["routes"] = [{"name": "slow", "priority": 1, "match": {"bin": [SLOW_BIN]}, "to": [{"host": "host1"}]},
                              {"name": "rest", "priority": 9, "match": {}, "to": [{"host": "host0"}]}]
        document["cards"].append({"prefix": SLOW_BIN, "brand": "UNIONPAY", "funding": "DEBIT", "region": "DOMESTIC"})
        for terminal in document["terminals"]:
            terminal["lab_keys"]["tmk"] = self.tmk
        for one in document["hosts"]:
            one["lab_keys"]["zmk"] = self.zmk
        return document

    def call(self, method, path, body=None, headers=None):
        status, text = self.world.request(method, path, body, headers)
        self.answers.append(("%s %s: %d" % (method, path, status), text))
        return status, text

    def terminal(self, number, tid=None):
        return cup.Terminal(self.world.pos, tid or "%08d" % (10000000 + number), switch.MERCHANT % ((number - 1) % 2 + 1), self.tmk)

    def sign_in(self, terminal):
        reply = terminal.sign_in()
        expect(reply[39], "00", "sign-in")
        self.keys += [("PIN key", terminal.pik), ("MAC key", terminal.mak), ("field 62", terminal.cipher_62[:20]),
                      ("field 62, MAC key", terminal.cipher_62[20:28])]

    def sale(self, terminal, card, amount, want, **rest):
        fields = terminal.sale_fields(card.pan, amount, **rest)
        fields[35] = card.track
        if 52 in fields:
            clear = cup.xor(bytes.fromhex("06%sFFFFFFFF" % PIN), bytes.fromhex("0000" + card.pan[-13:-1]))
            self.blocks += [("PIN block " + card.name, fields[52]), ("clear PIN block " + card.name, clear)]
        _, reply = terminal.exchange(cup.message("0200", fields, terminal.mak))
        expect(reply[39], want, "sale with the card " + card.name)
        return fields, reply

    # ---- the traffic ----

    def trade(self):
        one, two = self.terminal(1), self.terminal(2)
        self.sign_in(one)
        self.sign_in(two)
        self.sale(one, CARDS["approved"], 10000, "00", pin=PIN)
        self.sale(one, CARDS["16 digits"], 12345, "00", pin=PIN, instant=True)
        fields, _ = self.sale(one, CARDS["chip"], 777, "00", pin=PIN, chip=chip_data(CARDS["chip"]))
        one.exchange(cup.message("0200", fields, one.mak))  # the same bytes again
        self.sale(two, CARDS["declined"], 151, "51", pin=PIN)
        fields, reply = self.sale(two, CARDS["voided"], 4000, "00")
        void = {3: "200000", 4: fields[4], 11: two.next_stan(), 22: "022", 25: "00", 35: CARDS["voided"].track, 37: reply[37], 41: two.tid,
                42: two.merchant, 49: "156", 60: "23%s00050" % two.batch, 61: two.batch + fields[11]}
        expect(two.exchange(cup.message("0200", void, two.mak))[1][39], "00", "void")
        fields, _ = self.sale(two, CARDS["reversed"], 4100, "00", chip=chip_data(CARDS["reversed"]))
        expect(two.reversal(fields)[1][39], "00", "reversal")
        self.balance_and_code(one)
        self.refused(one, two)
        self.sale(one, CARDS["late answer"], 993, "98", pin=PIN)
        self.sale(one, CARDS["undone"], 3100, "98", pin=PIN)
        self.unreadable(one)
        self.operators(one)
        return one, two

    def balance_and_code(self, one):
        card = CARDS["balance"]
        fields = one.sale_fields(card.pan, 0, pin=PIN)
        del fields[4]
        fields.update({3: "310000", 35: card.track, 60: "01%s00050" % one.batch})
        self.blocks.append(("PIN block balance", fields[52]))
        one.exchange(cup.message("0200", fields, one.mak))
        code = {3: "000000", 4: "%012d" % 2500, 11: one.next_stan(), 22: "032", 25: "00", 41: one.tid, 42: one.merchant, 49: "156",
                59: b"A3%03d%s" % (len(QR_CODE), QR_CODE.encode()), 60: "22%s00060" % one.batch}
        expect(one.exchange(cup.message("0200", code, one.mak))[1][39], "00", "QR sale")

    def refused(self, one, two):
        status, text = self.call("POST", "/v1/terminals/tid:10000002/suspend", {"reason": "device_fault"}, {"If-Match": "*"})
        expect(status, 200, "suspend: %r" % text)
        self.sale(two, CARDS["suspended"], 100, "58", pin=PIN)
        good = one.mak
        one.mak = bytes(8)
        self.sale(one, CARDS["wrong MAC"], 100, "A0", pin=PIN)
        one.mak = good
        third = self.terminal(3)
        third.pik, third.mak = os.urandom(16), os.urandom(8)
        self.sale(third, CARDS["not signed on"], 100, "77", pin=PIN)
        unknown = self.terminal(1, "99999999")
        unknown.pik, unknown.mak = third.pik, third.mak
        self.sale(unknown, CARDS["unknown terminal"], 100, "97", pin=PIN)
        preauth = one.sale_fields(CARDS["unserved"].pan, 100, pin=PIN)
        preauth.update({3: "030000", 25: "06", 60: "10%s00050" % one.batch})
        expect(one.exchange(cup.message("0100", preauth, one.mak))[1][39], "40", "a kind that is not served")

    def unreadable(self, one):
        card = CARDS["malformed"]
        fields = one.sale_fields(card.pan, 100, pin=PIN)
        text = dict(fields)
        del text[35]
        text["35"] = b"\x99" + cup.bcd(card.track, left=True)  # a length beyond the maximum
        one.send(cup.frame(cup.message("0200", text, one.mak)))  # no field 41 before it: nobody to answer
        text = dict(fields)
        text["55"] = b"\x00\x40\x9f" + card.pan.encode()       # a TLV that ends early
        one.send(cup.frame(cup.message("0200", text, one.mak)))
        expect(cup.parse(one.receive())[1][39], "30", "field 55 torn")
        stray = self.terminal(1)
        body = cup.message("0200", stray.sale_fields(CARDS["garbage"].pan, 100), bytes(8), tail=CARDS["garbage"].track.encode())
        stray.send(cup.frame(body))
        stray.send(b"\xff\xff" + CARDS["garbage"].track.encode())
        other = self.terminal(1)
        other.send(b"\x01\x20" + bytes.fromhex("60000300006031000000000200") + CARDS["half frame"].track.encode())
        foreign = self.terminal(1)
        track = CARDS["wrong dialect"].track.replace("D", "=")
        text = host.encode("0200", {2: CARDS["wrong dialect"].pan, 3: "000000", 4: "000000000100", 11: "000001", 35: track, 41: one.tid, 42: one.merchant})
        foreign.send(len(text).to_bytes(2, "big") + text.encode())
        self.slow.send_raw(b"\x00\x40" + CARDS["garbage"].track.encode().ljust(0x40))  # and a host that talks nonsense
        time.sleep(1.2)                                                                # until the half frame's time is over
        for one_of in (stray, other, foreign):
            one_of.close()

    def operators(self, one):
        _, made = self.world.request("POST", "/v1/tokens", {"name": "canary", "roles": ["viewer"]})
        self.tokens += [self.world.token, json.loads(made)["token"]]
        wrong = self.world.token[:20] + "zz" + self.world.token[22:]
        self.tokens.append(wrong)
        self.call("GET", "/v1/system", headers={"Authorization": "Bearer " + wrong})
        self.call("GET", "/v1/system", headers={"Authorization": "Bearer " + self.tokens[1]})
        # Somebody pastes a card number where it does not belong. Its own answer may repeat it; nothing else may.
        number = CARDS["in a URL"].pan
        for path in ("/v1/terminals?q=" + number, "/v1/transactions?pan=" + number, "/v1/transactions?stan=" + number, "/v1/terminals/tid:" + number,
                     "/v1/" + number):
            self.world.request("GET", path)
        self.world.request("POST", "/v1/terminals/tid:%s/suspend" % number, {"reason": number}, {"If-Match": "*"})
        connection = http.client.HTTPConnection(*self.world.ports["http"].rsplit(":", 1))
        connection.request("BREW", "/" + number)
        connection.getresponse().read()
        connection.close()

    def read_everything(self):
        lists = ("/v1/terminals", "/v1/merchants", "/v1/transactions", "/v1/hosts", "/v1/tokens", "/v1/ledger/balances", "/v1/ledger/entries", "/v1/estate",
                 "/v1/system", "/livez", "/readyz?verbose", "/v1/terminals?format=ndjson", "/v1/transactions?format=ndjson", "/v1/nothing",
                 "/v1/transactions?outcome=nonsense")
        for path in lists:
            status, text = self.call("GET", path)
            if path in ("/v1/terminals", "/v1/merchants", "/v1/transactions"):
                for row in json.loads(text)["data"]:
                    self.call("GET", "%s/%s" % (path, row["id"]))
        address, port = self.world.ports["metrics"].rsplit(":", 1)
        connection = http.client.HTTPConnection(address, int(port), timeout=30)
        connection.request("GET", "/metrics")
        self.answers.append(("/metrics", connection.getresponse().read()))
        connection.close()

    # ---- the search ----

    def secrets(self):
        all_secrets = [s for card in CARDS.values() for s in card.secrets()]
        all_secrets += [Secret("payer's code", QR_CODE), Secret("TMK", bytes.fromhex(self.tmk)), Secret("ZMK", bytes.fromhex(self.zmk))]
        all_secrets += [Secret(name, value) for name, value in self.blocks + self.keys]
        return all_secrets + [Secret("token %d" % i, t.split("_", 1)[1]) for i, t in enumerate(self.tokens)]

    def found(self, where, hits):
        for name, encoding, at in hits:
            self.findings.append("%s: %s as %s at %d" % (where, name, encoding, at))

    def look_at_files(self, search):
        """Everything that the switch wrote, but for the file that hands its first token to the person who started it."""
        read = 0
        for folder, _, names in os.walk(self.world.dir):
            for name in names:
                path = os.path.join(folder, name)
                if path == self.world.path("token"):
                    continue
                with open(path, "rb") as f:
                    data = f.read()
                read += len(data)
                self.found(os.path.relpath(path, self.world.dir), search.find(data))
        return read

    def look_at_journal(self, search, dump):
        """What the groups say before they are packed: in the store's files a number could be cut in pieces."""
        done = subprocess.run([dump, self.world.path("data")], capture_output=True, timeout=60)
        expect(done.returncode, 0, "journal_dump: %r" % done.stderr)
        self.found("the journal, unpacked", search.find(done.stdout))
        if MASKED not in done.stdout:
            raise switch.Failure("the unpacked journal has no first 6 and last 4: it was not the journal that was read")
        return len(done.stdout)

    def look_at_process(self, when, owed):
        """Section 1 of the rules: track, PIN block and card number are gone from memory. Keys are in use; so is the number of what is owed."""
        kept = ("PIN key", "MAC key", "field 62", "TMK", "ZMK", "token") + ((owed,) if owed else ())
        # What an operator pastes into an address is no card data that the switch took in; it must not go further than that request.
        secrets = [s for s in self.secrets() if not s.name.startswith(kept) and "in a URL" not in s.name]
        search = Search(secrets)
        control = Search([Secret("merchant", switch.MERCHANT % 1)])
        size, controls = 0, 0
        for name, at, data in process_image.read(self.world.process.pid):
            size += len(data)
            controls += len(control.find(data))
            for what, encoding, offset in search.find(data):
                beside = data[max(offset - 24, 0):offset + 40]
                self.findings.append("process, %s, %s+%#x: %s as %s; %r" % (when, name, at + offset, what, encoding, beside))
        if size < 1 << 20 or controls == 0:
            self.findings.append("the image of the process %s is no image: %d bytes, %d controls" % (when, size, controls))
        return size

    def look_at_process_files(self, search):
        for name in ("environ", "cmdline"):
            with open("/proc/%d/%s" % (self.world.process.pid, name), "rb") as f:
                self.found("/proc/PID/" + name, search.find(f.read()))


def expect(got, want, what):
    if got != want:
        raise switch.Failure("%s: %s instead of %s" % (what, got, want))


def controls(run):
    """The search finds what is there: each pattern in a file of noise, and a number in the memory of another process."""
    secrets = run.secrets()
    search = Search(secrets)
    noise = os.urandom(4096)
    if search.find(noise):
        raise switch.Failure("the search finds things in noise")
    path = run.world.path("scratch")
    for secret in secrets:
        for pattern, encoding in secret.patterns.items():
            with open(path, "wb") as f:
                f.write(noise + pattern + noise)
            with open(path, "rb") as f:
                if (secret.name, encoding) not in [hit[:2] for hit in search.find(f.read())] and pattern not in shadowed(secrets):
                    raise switch.Failure("the search misses %s as %s" % (secret.name, encoding))
    os.unlink(path)
    card = CARDS["approved"]
    # A journal-like file: binary records, the number packed half a byte off.
    if not search.find(b"\x0a\x20\x08\x07" + bytes.fromhex(("3" + card.pan).ljust(24, "F")) + b"\x12\x00"):
        raise switch.Failure("the search misses a packed number in a record")
    other = subprocess.Popen([sys.executable, "-c", "import sys; n = sys.stdin.readline() * 2; print('there', flush=True); sys.stdin.readline()"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    other.stdin.write(card.pan + "\n")
    other.stdin.flush()
    other.stdout.readline()
    hits = [h for _, _, data in process_image.read(other.pid) for h in search.find(data)]
    other.kill()
    other.wait()
    if not hits:
        raise switch.Failure("the search misses a number in a living process")
    return len(search.patterns)


def shadowed(secrets):
    """Patterns that two secrets share; the later name stands for both."""
    seen, twice = set(), set()
    for secret in secrets:
        for pattern in secret.patterns:
            (twice if pattern in seen else seen).add(pattern)
    return twice


def run_all(binary, dump):
    run = Run(binary)
    world = run.world
    try:
        world.start()
        status, text = run.call("POST", "/v1/estate", run.estate())
        expect(status, 200, "estate: %r" % text)
        switch.wait_for(lambda: all(h["state"] == "signed_on" for h in world.json("GET", "/v1/hosts")["data"]), 15, "both hosts")
        one, _ = run.trade()
        run.acknowledging = True
        switch.wait_for(lambda: owed(world) == 0, 30, "the first reversals")
        run.acknowledging = False
        run.sale(one, CARDS["owed"], 3000, "98", pin=PIN)
        expect(owed(world), 1, "reversals owed")
        one.close()
        patterns = controls(run)
        run.read_everything()
        search = Search(run.secrets())
        read = run.look_at_files(search)
        run.look_at_process_files(search)
        size = run.look_at_process("with a reversal owed", "card number owed")
        world.kill()
        world.start()
        run.read_everything()
        run.acknowledging = True
        switch.wait_for(lambda: owed(world) == 0, 30, "the reversal to be acknowledged")
        if not [f for m, f in run.slow.seen if m == "0400" and f.get(2) == CARDS["owed"].pan]:
            raise switch.Failure("the reversal that was owed did not carry its card number")
        time.sleep(0.5)
        size += run.look_at_process("with nothing owed", None)
        expect(world.stop(), 0, "exit code")
        read += run.look_at_files(search)
        read += run.look_at_journal(search, dump)
        verify = world.run("ledger", "verify", "--data", world.path("data"))
        message = cup.message("0200", one.sale_fields(CARDS["chip"].pan, 777, pin=PIN, chip=chip_data(CARDS["chip"])), one.mak)
        shown = world.run("iso", "decode", "--dialect", "cup", cup.frame(message)[2:].hex(), check=False)
        for what, done in (("ledger verify", verify), ("iso decode", shown)):
            run.answers.append((what, (done.stdout + done.stderr).encode()))
        said = sum(len(text) for _, text in run.answers)
        for what, text in run.answers:
            run.found(what, search.find(text))
        if not any(MASKED in text for _, text in run.answers):
            raise switch.Failure("no answer shows the first 6 and last 4: it was not the answers that were read")
        print("%d values, %d patterns; %d KB of files, %d KB of answers, %d KB of memory read"
              % (len(run.secrets()), patterns, read >> 10, said >> 10, size >> 10))
        return run.findings
    finally:
        run.fast.close()
        run.slow.close()
        world.close()


def owed(world):
    address, port = world.ports["metrics"].rsplit(":", 1)
    connection = http.client.HTTPConnection(address, int(port), timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return sum(int(float(line.split()[-1])) for line in text.splitlines() if line.startswith("tollgate_reversals_owed"))


def main():
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    try:
        findings = run_all(sys.argv[1], sys.argv[2])
    except switch.Failure as failure:
        print("failed: %s" % failure)
        return 1
    for finding in findings[:60]:
        print(finding)
    print("%d leaks" % len(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
