#!/usr/bin/env python3
"""What strangers, broken terminals, mute hosts, wrong files and full disks do to the real switch: each gets a clear error or answer,
is counted, and loses nothing. After every stage a sale goes through and the exported ledger verifies; at the end the store does.

  bad_input.py BINARY
"""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cup  # noqa: E402
import host  # noqa: E402
import switch  # noqa: E402

PAN = cup.luhn("622202987654321098")
MUTE_PAN = cup.luhn("628888987654321098")


class Stage:
    """A world with a good host and one that never answers, and what every stage asks at its end."""

    def __init__(self, binary, sets=(), folder=None, max_in_flight=2000):
        self.world = switch.Switch(binary, sets=list(sets), keep=folder)
        self.good = host.Host()
        self.mute = host.Host(lambda mti, fields: {39: "00"} if mti == "0400" else None)
        self.world.start()
        document = switch.estate([self.good.address, self.mute.address], 40, 1, timeout_ms=1500)
        document["routes"] = [{"name": "mute", "priority": 1, "match": {"bin": ["628888"]}, "to": [{"host": "host1"}]},
                              {"name": "rest", "priority": 9, "match": {}, "to": [{"host": "host0"}]}]
        document["cards"].append({"prefix": "628888", "brand": "UNIONPAY", "funding": "DEBIT", "region": "DOMESTIC"})
        document["hosts"][1].update({"links": 1, "max_in_flight": max_in_flight})
        self.document = document
        self.world.json("POST", "/v1/estate", document)
        switch.wait_for(lambda: all(h["state"] == "signed_on" for h in self.world.json("GET", "/v1/hosts")["data"]), 15, "both hosts")
        self.one = self.terminal(1)
        expect(self.one.sign_in()[39], "00", "sign-in")

    def terminal(self, number):
        return cup.Terminal(self.world.pos, "%08d" % (10000000 + number), switch.MERCHANT % 1, switch.TMK)

    def metric(self, name, **labels):
        address, port = self.world.ports["metrics"].rsplit(":", 1)
        connection = http.client.HTTPConnection(address, int(port), timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        wanted = ['%s="%s"' % pair for pair in labels.items()]
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith(("tollgate_" + name + "{", "tollgate_" + name + " ")) and all(w in line for w in wanted))

    def counted(self, what, name, before, at_least=1, **labels):
        switch.wait_for(lambda: self.metric(name, **labels) >= before + at_least, 5, "%s to be counted in %s %s" % (what, name, labels))

    def goes_on(self, stage):
        """Traffic, and the books."""
        expect(self.one.sale(PAN, 1000)[1][39], "00", "a sale after " + stage)
        out = self.world.path("after.ndjson")
        if os.path.exists(out):
            os.unlink(out)
        self.world.run("ledger", "export", "--out", out, "--url", "http://" + self.world.ports["http"], "--token-file", self.world.path("token"))
        self.world.run("ledger", "verify", "--export", out)

    def end(self):
        switch.wait_for(lambda: self.metric("reversals_owed") == 0, 30, "what is owed to be acknowledged")
        expect(self.world.stop(), 0, "exit code after SIGTERM")
        self.world.run("ledger", "verify", "--data", self.world.path("data"))

    def close(self):
        self.good.close()
        self.mute.close()
        self.world.close()


def expect(got, want, what):
    if got != want:
        raise switch.Failure("%s: %r instead of %r" % (what, got, want))


def closed(connection, within):
    """True when the switch closes it in that time."""
    connection.settimeout(within)
    try:
        return connection.recv(1) == b""
    except socket.timeout:
        return False
    except ConnectionError:
        return True


def connect(stage):
    address, port = stage.world.pos.rsplit(":", 1)
    return socket.create_connection((address, int(port)), timeout=10)


# ---- stages ----

def framing(stage):
    for what, data in (("length 0", b"\0\0"), ("length beyond every frame", b"\xff\xff" + b"x" * 64), ("length of another byte order", b"\x80\x00" + b"x" * 64),
                       ("plain HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")):
        before = stage.metric("terminal_connections_closed_total", reason="malformed")
        with connect(stage) as connection:
            connection.sendall(data)
            if not closed(connection, 3):
                raise switch.Failure("%s: the connection stays open" % what)
        stage.counted(what, "terminal_connections_closed_total", before, reason="malformed")


def slow(stage):
    """A half frame, however it trickles in, ends at session.frame_timeout_ms; silence at session.idle_timeout_s; half a close is a close."""
    before = stage.metric("terminal_connections_closed_total", reason="frame_timeout")
    frame = cup.frame(cup.message("0200", stage.one.sale_fields(PAN, 100), stage.one.mak))
    with connect(stage) as connection:
        begun = time.monotonic()
        gone = False
        for byte in frame:
            try:
                connection.sendall(bytes([byte]))
            except ConnectionError:
                gone = True
                break
            if closed(connection, 0.05):
                gone = True
                break
        if not gone or time.monotonic() - begun > 4:
            raise switch.Failure("a frame that trickles in keeps its connection for %.1f s" % (time.monotonic() - begun))
    stage.counted("a trickling frame", "terminal_connections_closed_total", before, reason="frame_timeout")
    before = stage.metric("terminal_connections_closed_total", reason="idle")
    with connect(stage) as connection:
        if not closed(connection, 6):
            raise switch.Failure("a silent connection stays open")
    stage.counted("a silent connection", "terminal_connections_closed_total", before, reason="idle")
    with connect(stage) as connection:
        connection.sendall(frame[:40])
        connection.shutdown(socket.SHUT_WR)
        if not closed(connection, 3):
            raise switch.Failure("a half-open connection stays open")
    stage.one.connect()  # the terminal's own connection was idle meanwhile


def crowd(stage):
    """One connection too many is closed at once, and the others go on."""
    stage.one.connect()
    before = stage.metric("terminal_connections_closed_total", reason="refused")
    held, turned_away = [], 0
    for _ in range(50):
        connection = connect(stage)
        if closed(connection, 0.02):
            turned_away += 1
            connection.close()
        else:
            held.append(connection)
    if turned_away == 0 or len(held) > 40:
        raise switch.Failure("%d connections were taken, %d refused" % (len(held), turned_away))
    expect(stage.one.sale(PAN, 1000)[1][39], "00", "a sale in the crowd")
    stage.counted("a connection too many", "terminal_connections_closed_total", before, at_least=turned_away, reason="refused")
    for connection in held:
        connection.close()
    switch.wait_for(lambda: stage.metric("terminal_connections") <= 1, 10, "the crowd to be gone")


def messages(stage):
    """Readable as far as fields 41 and 42: answered 30; else silence. Each is counted by what was wrong with it."""
    one = stage.one
    good = one.sale_fields(PAN, 100)

    def body(**texts):
        fields = {**good, 11: one.next_stan()}
        for number, raw in texts.items():
            fields.pop(int(number[1:]), None)
            fields[number[1:]] = raw
        return cup.message("0200", fields, one.mak)

    def without(number):
        return cup.message("0200", {n: v for n, v in good.items() if n != number}, one.mak)

    deep = bytes.fromhex("7020" * 6) + bytes(20)
    cases = (
        ("bitmap promises what is not there", cup.message("0200", good, one.mak, bitmap=cup.bitmap_of([*good, 62, 63, 64])), None, None),
        ("first bit set", cup.message("0200", good, one.mak, bitmap=cup.bitmap_of([1, *good, 64])), "silence", None),
        ("a field that the dialect has not", cup.message("0200", good, one.mak, bitmap=cup.bitmap_of([*good, 5, 64])), "silence", "unknown_field"),
        ("letters in an amount", body(_4=b"\x00\x00\x00\x0a\xbc\x00"), "silence", "bad_character"),
        ("a track beyond its maximum", body(_35=b"\x99" + bytes(50)), "silence", "too_long"),
        ("a length that is no number", body(_35=b"\xfa" + bytes(8)), "silence", "bad_length"),
        ("field 60 beyond its maximum", body(_60=b"\x00\x99" + bytes(50)), "30", "too_long"),
        ("field 62 longer than the message", body(_62=b"\x09\x99" + b"x"), "30", "truncated"),
        ("chip data that end early", body(_55=b"\x00\x04\x9f\x26\x08\x01"), "30", "bad_tlv"),
        ("chip data of indefinite length", body(_55=b"\x00\x06\x70\x80\x01\x02\x00\x00"), "30", "bad_tlv"),
        ("chip data too deep", body(_55=cup.bcd("%04d" % len(deep)) + deep), "30", "bad_tlv"),
        ("bytes behind the last field", cup.message("0200", good, one.mak, tail=b"\0"), "30", "trailing"),
        ("half a message", cup.message("0200", good, one.mak)[:30], "silence", "truncated"),
        ("no field 41", without(41), "silence", "no_terminal"),
        ("no STAN", without(11), "30", None),
        ("no card", without(35), "30", None),
        ("an MTI that is none", cup.message("02A0", good, one.mak), None, None),
        ("an MTI that nobody sends", cup.message("0900", good, one.mak), "40", None),
        ("a kind that is not served", cup.message("0100", {**good, 3: "030000", 25: "06", 60: "10%s00050" % one.batch, 11: one.next_stan()}, one.mak),
         "40", None),
        ("an amount of nothing", cup.message("0200", {**good, 4: "0" * 12, 11: one.next_stan()}, one.mak), "13", None),
        ("a card of nobody", cup.message("0200", {**good, 35: "9999999999999999994D30125200000", 11: one.next_stan()}, one.mak), "14", None),
        ("a wallet of nobody", cup.message("0200", {**{n: v for n, v in good.items() if n != 35}, 22: "032", 59: b"A3018991234567890123456",
                                                    60: "22%s00060" % one.batch, 11: one.next_stan()}, one.mak), "14", None),
        ("a torn field 59", cup.message("0200", {**{n: v for n, v in good.items() if n != 35}, 22: "032", 59: b"A3999123",
                                                 60: "22%s00060" % one.batch, 11: one.next_stan()}, one.mak), "30", None),
        ("an unknown terminal", cup.message("0200", {**good, 41: "99999999"}, one.mak), "97", None),
        ("another merchant's terminal", cup.message("0200", {**good, 42: "102290058129999"}, one.mak), "03", None),
        ("another batch", cup.message("0200", {**good, 60: "2299999900050", 11: one.next_stan()}, one.mak), "77", None))
    for what, message, want, reason in cases:
        counted = {"decode_errors_total": {"reason": reason}} if reason else {}
        if want not in (None, "silence"):
            counted["response_codes_total"] = {"rc": want}
        before = {name: stage.metric(name, **labels) for name, labels in counted.items()}
        one.send(cup.frame(message))
        answer = "silence"
        try:
            answer = cup.parse(one.receive(0.4 if want in (None, "silence") else 10))[1][39]
        except cup.Silence:
            pass
        if want is not None:
            expect(answer, want, what)
        if want is None and answer not in ("silence", "30"):
            raise switch.Failure("%s: %s" % (what, answer))
        for name, labels in counted.items():
            stage.counted(what, name, before[name], **labels)


def macs(stage):
    """Every byte of a MAC, none, another key's: A0, nothing forwarded, nothing posted."""
    one = stage.one
    forwarded, entries = len(stage.good.seen), len(stage.world.ledger()[0])
    before = stage.metric("mac_failures_total")
    wrong = 0
    for place in range(8):
        body = bytearray(cup.message("0200", one.sale_fields(PAN, 100), one.mak))
        body[-8 + place] ^= 1
        one.send(cup.frame(bytes(body)))
        expect(cup.parse(one.receive())[1][39], "A0", "byte %d of the MAC is wrong" % place)
        wrong += 1
    expect(one.exchange(cup.message("0200", one.sale_fields(PAN, 100)))[1][39], "A0", "no MAC")
    expect(one.exchange(cup.message("0200", one.sale_fields(PAN, 100), b"\x5a" * 8))[1][39], "A0", "another key's MAC")
    fields = one.sale_fields(PAN, 100)
    body = bytearray(cup.message("0200", fields, one.mak))
    body[body.index(bytes.fromhex("000000000100")) + 4] ^= 0x10  # another amount under the same MAC
    one.send(cup.frame(bytes(body)))
    expect(cup.parse(one.receive())[1][39], "A0", "an amount that was changed")
    expect(one.exchange(cup.message("0400", {**{n: fields[n] for n in (3, 4, 11, 22, 25, 41, 42, 49, 60)}, 39: "98"}, b"\x5a" * 8))[1][39], "A0",
           "a reversal with a wrong MAC")
    expect(int(stage.metric("mac_failures_total") - before), wrong + 4, "MAC failures counted")
    expect((len(stage.good.seen), len(stage.world.ledger()[0])), (forwarded, entries), "forwarded, posted")


def mute_host(stage):
    """A host that never answers: its links fill and refuse with 91 at once, what was sent ends with 98, its reversals are acknowledged."""
    before = stage.metric("timeouts_total")
    terminals = [stage.terminal(n) for n in range(2, 12)]
    for terminal in terminals:
        expect(terminal.sign_in()[39], "00", "sign-in")
    for terminal in terminals:
        terminal.send(cup.frame(cup.message("0200", terminal.sale_fields(MUTE_PAN, 100), terminal.mak)))
    begun = time.monotonic()
    codes = {}
    for terminal in terminals:
        code = cup.parse(terminal.receive())[1][39]
        codes.setdefault(code, []).append(time.monotonic() - begun)
    expect({code: len(times) for code, times in codes.items()}, {"91": 6, "98": 4}, "answers of a host that takes four at a time")
    expect(stage.one.sale(PAN, 1000)[1][39], "00", "a sale to the other host")
    stage.counted("no answer", "timeouts_total", before, at_least=4)
    switch.wait_for(lambda: stage.metric("reversals_owed") == 0, 30, "the reversals of a mute host")
    for terminal in terminals:
        terminal.close()


def full_slots(stage):
    """core.in_flight_max transactions wait for the mute host: the next is refused with 96 whatever its host, and it is served later."""
    terminals = [stage.terminal(n) for n in range(2, 10)]
    for terminal in terminals:
        expect(terminal.sign_in()[39], "00", "sign-in")
    before = stage.metric("response_codes_total", rc="96")
    for terminal in terminals:
        terminal.send(cup.frame(cup.message("0200", terminal.sale_fields(MUTE_PAN, 100), terminal.mak)))
        time.sleep(0.02)
    begun = time.monotonic()
    expect(stage.one.sale(PAN, 1000)[1][39], "96", "a sale while every place is taken")
    if time.monotonic() - begun > 1:
        raise switch.Failure("a full switch refuses only after %.1f s" % (time.monotonic() - begun))
    codes = sorted(cup.parse(terminal.receive())[1][39] for terminal in terminals)
    expect(codes, ["96"] * 4 + ["98"] * 4, "answers of a switch with four places")
    stage.counted("a full switch", "response_codes_total", before, at_least=5, rc="96")
    switch.wait_for(lambda: stage.metric("reversals_owed") == 0, 30, "the reversals")
    for terminal in terminals:
        terminal.close()


def http_clients(stage):
    address, port = stage.world.ports["http"].rsplit(":", 1)

    def say(data):
        with socket.create_connection((address, int(port)), timeout=10) as connection:
            connection.sendall(data)
            connection.settimeout(10)
            text = b""
            while True:
                try:
                    part = connection.recv(65536)
                except ConnectionError:
                    break
                if not part:
                    break
                text += part
            return text

    for what, data, want in (("no HTTP", b"\x00\x40" + bytes(64), b"400"), ("a header without end", b"GET / HTTP/1.1\r\nX: " + b"a" * 100000, b"431"),
                             ("two lengths", b"POST /v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", b"400"),
                             ("length and chunks", b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400")):
        text = say(data)
        if not text.startswith(b"HTTP/1.1 " + want) or b"problem+json" not in text:
            raise switch.Failure("%s: %r" % (what, text[:300]))
    before = stage.metric("http_requests_total", code="404")
    expect(stage.world.request("GET", "/v1/nothing")[0], 404, "an unknown path")
    stage.counted("an unknown path", "http_requests_total", before, code="404")


def estates(stage):
    """A wrong document is refused whole, by pointer; nothing of it is written."""
    before = stage.world.json("GET", "/v1/estate")
    for what, change, pointer in (
            ("a dialect that nobody knows", lambda d: d["terminals"][0].update({"dialect": "klingon"}), "/terminals/0/dialect"),
            ("a host dialect that nobody knows", lambda d: d["hosts"][0].update({"dialect": "klingon"}), "/hosts/0/dialect"),
            ("an unknown key", lambda d: d["merchants"][0].update({"colour": "red"}), "/merchants/0/colour"),
            ("a merchant that is not there", lambda d: d["terminals"][1].update({"merchant_code": "999999999999999"}), "/terminals/1/merchant_code"),
            ("a route to nowhere", lambda d: d["routes"][0].update({"to": [{"host": "moon"}]}), "/routes/0/to/0/host"),
            ("one device for two terminals", lambda d: d["terminals"][1].update({"serial_number": d["terminals"][0]["serial_number"]}),
             "/terminals/1/serial_number")):
        document = json.loads(json.dumps(stage.document))
        document["merchants"][0]["name"] = "must not be written"
        change(document)
        status, text = stage.world.request("POST", "/v1/estate", document)
        answer = json.loads(text)
        if status != 422 or pointer not in [e["pointer"] for e in answer["errors"]]:
            raise switch.Failure("%s: %d %s" % (what, status, text[:500]))
    expect(stage.world.json("GET", "/v1/estate"), before, "the estate after refused documents")


def files(binary, folder):
    """Configuration and dialects that are wrong: exit code, file, line, reason; serve does not start."""
    good = 'environment = "lab"\n[store]\npath = "%s/none"\n[http]\naddress = "127.0.0.1:0"\n[metrics]\naddress = "127.0.0.1:0"\n' % folder
    listener = '[[listener]]\nname = "pos"\naddress = "127.0.0.1:0"\ndialect = "%s"\nmac = "required"\n'
    cases = (("an unknown key", good + listener % "cup" + "colour = 1\n", "13", "colour"),
             ("a key with a slip", good.replace("path", "paht", 1) + listener % "cup", "3", "path"),
             ("a wrong type", good + listener % "cup" + '[core]\nin_flight_max = "many"\n', "14", "in_flight_max"),
             ("out of bounds", good + listener % "cup" + "[core]\nin_flight_max = 0\n", "14", "in_flight_max"),
             ("broken TOML", good + "[[listener\n", "8", ""),
             ("a dialect that nobody knows", good + listener % "klingon", "11", "klingon"),
             ("no MAC in production", good.replace("lab", "production", 1) + (listener % "cup").replace("required", "off"), "12", "mac"))
    path = os.path.join(folder, "wrong.toml")
    for what, text, line, word in cases:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        for command in (["config", "check", path], ["serve", "--config", path, "--ports-file", os.path.join(folder, "never.json")]):
            done = subprocess.run([binary, *command], capture_output=True, text=True, timeout=30)
            said = done.stdout + done.stderr
            if done.returncode == 0 or "%s:%s" % (path, line) not in said or word not in said:
                raise switch.Failure("%s, %s: exit %d: %s" % (what, command[0], done.returncode, said))
            if os.path.exists(os.path.join(folder, "never.json")):
                raise switch.Failure("%s: serve began" % what)
    dialect = os.path.join(folder, "wrong-dialect.toml")
    with open(dialect, "w", encoding="utf-8") as f:
        f.write('name = "wrong"\ndescription = "x"\nframing = { prefix = "binary2", maximum = 2048 }\ncolour = "red"\n')
    done = subprocess.run([binary, "iso", "decode", "--dialect", dialect, "00"], capture_output=True, text=True, timeout=30)
    said = done.stdout + done.stderr
    if done.returncode == 0 or dialect + ":4" not in said or "colour" not in said:
        raise switch.Failure("a dialect with an unknown key: exit %d: %s" % (done.returncode, said))


def one_store_two_processes(stage):
    for _ in range(2):
        second = stage.world.run("serve", "--config", stage.world.path("tollgate.toml"), "--ports-file", stage.world.path("second.json"), check=False,
                                 timeout=30)
        if second.returncode == 0 or os.path.exists(stage.world.path("second.json")) or "another process" not in second.stderr + second.stdout:
            raise switch.Failure("a second process: exit %d: %s%s" % (second.returncode, second.stdout, second.stderr))


def full_disk(binary):
    """Space falls below the watermark: new work is refused with 96, reversals, reads and suspend go on; space comes back: so does work."""
    room = next((d for d in ("/dev/shm", tempfile.gettempdir()) if os.path.isdir(d) and os.access(d, os.W_OK) and shutil.disk_usage(d).free > 1 << 30), None)
    if room is None:
        raise switch.Failure("no file system with 1 GiB to fill")
    folder = tempfile.mkdtemp(prefix="tollgate-disk-", dir=room)
    gap = 384 << 20  # others write to this file system too
    ballast = os.path.join(folder, "ballast")
    watermark = (shutil.disk_usage(folder).free - gap) >> 20
    stage = None
    try:
        stage = Stage(binary, ["store.watermark_mb=%d" % watermark, "store.watermark_percent=0"], folder)
        sold = stage.one.sale_fields(PAN, 2000)
        expect(stage.one.exchange(cup.message("0200", sold, stage.one.mak))[1][39], "00", "a sale with room")
        refused = stage.metric("response_codes_total", rc="96")
        fd = os.open(ballast, os.O_CREAT | os.O_WRONLY)
        os.posix_fallocate(fd, 0, gap + (64 << 20))
        os.close(fd)
        switch.wait_for(lambda: stage.world.request("GET", "/readyz")[0] == 503, 10, "readyz to see the full disk")
        if b"[-]disk failed" not in stage.world.request("GET", "/readyz?verbose")[1]:
            raise switch.Failure("readyz does not name the disk")
        switch.wait_for(lambda: stage.one.sale(PAN, 2100)[1][39] == "96", 10, "new work to be refused")
        for _ in range(20):
            expect(stage.one.sale(PAN, 2200)[1][39], "96", "a sale on a full disk")
        stage.counted("a full disk", "response_codes_total", refused, at_least=21, rc="96")
        expect(stage.one.reversal(sold)[1][39], "00", "a reversal on a full disk")
        stage.world.json("POST", "/v1/terminals/tid:10000005/suspend", {"reason": "device_fault"}, {"If-Match": "*"})
        expect(len(stage.world.ledger()[0]) > 0, True, "reads on a full disk")
        os.unlink(ballast)
        switch.wait_for(lambda: stage.world.request("GET", "/readyz")[0] == 200, 10, "readyz to see that there is room")
        switch.wait_for(lambda: stage.one.sale(PAN, 2300)[1][39] == "00", 10, "work to come back")
        stage.goes_on("a full disk")
        stage.end()
    finally:
        if stage is not None:
            stage.close()
        shutil.rmtree(folder, ignore_errors=True)


def run(binary):
    folder = tempfile.mkdtemp(prefix="tollgate-files-")
    try:
        timed("files", files, binary, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for sets, more, stages in (
            (["session.frame_timeout_ms=500", "session.idle_timeout_s=2", "session.max_connections=40", "workers.count=1"], {},
             (framing, slow, crowd)),
            ([], {"max_in_flight": 4}, (messages, macs, mute_host, http_clients, estates, one_store_two_processes)),
            (["core.in_flight_max=4"], {}, (full_slots,))):
        stage = Stage(binary, sets, **more)
        try:
            for one in stages:
                timed(one.__name__, one, stage)
                stage.one.connect()
                stage.goes_on(one.__name__)
            stage.end()
        except Exception:
            print(stage.world.tail())
            raise
        finally:
            stage.close()
    timed("full_disk", full_disk, binary)


def timed(name, what, *arguments):
    begun = time.monotonic()
    what(*arguments)
    print("%-24s ok  %.1f s" % (name, time.monotonic() - begun), flush=True)


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    try:
        run(sys.argv[1])
    except (switch.Failure, cup.Silence, cup.Closed) as failure:
        print("failed: %r" % failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
