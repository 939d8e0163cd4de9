#!/usr/bin/env python3
"""The operations interface and the remote commands from outside: HTTP, exit codes and what a person reads, against the real binary.

  operations.py BINARY

Prints each check that fails and "N passed, N failed".
"""

import hashlib
import http.client
import json
import os
import stat
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import switch  # noqa: E402

TERMINAL = "tid:10000001@" + switch.MERCHANT % 1
PATH = "/v1/terminals/" + TERMINAL


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.data = response.status, response.headers, response.read()
        try:
            self.json = json.loads(self.data)
        except ValueError:
            self.json = None

    @property
    def code(self):
        return self.json.get("code") if isinstance(self.json, dict) else None


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def that(self, what, good, seen=None):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        if not good:
            print("FAIL  %s   %s" % (what, repr(seen)[:600]))

    def problem(self, what, answer, status, code):
        body = answer.json if isinstance(answer.json, dict) else {}
        told = all(body.get(k) for k in ("type", "title", "request_id")) and "errors" in body and body.get("status") == status
        self.that(what, answer.status == status and body.get("code") == code and told and
                  answer.headers["Content-Type"] == "application/problem+json", (answer.status, answer.data))


class Desk:
    def __init__(self, world, token):
        self.address, self.token, self.keys = world.ports["http"], token, 0

    def call(self, method, path, body=None, **headers):
        host, port = self.address.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        all_headers = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        if self.token:
            all_headers.setdefault("Authorization", "Bearer " + self.token)
        if body is not None:
            body = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
            all_headers.setdefault("Content-Type", "application/json")
        if method == "POST" and "Idempotency_Key" not in headers:
            self.keys += 1
            all_headers["Idempotency-Key"] = "key-%d" % self.keys
        connection.request(method, path, body, all_headers)
        answer = Answer(connection.getresponse())
        connection.close()
        return answer


def conventions(desk, world, check):
    nobody = Desk(world, None)
    check.problem("no token is 401", nobody.call("GET", "/v1/terminals"), 401, "unauthenticated")
    check.that("livez is open", nobody.call("GET", "/livez").data == b"ok\n")
    ready = nobody.call("GET", "/readyz?verbose")
    check.that("readyz tells its parts", ready.status == 200 and b"[+]storage ok" in ready.data and b"[+]hosts ok: 1/1" in ready.data, ready.data)
    check.problem("unknown path is 404", desk.call("GET", "/v1/nothing"), 404, "not_found")
    check.problem("unknown parameter is 400", desk.call("GET", "/v1/terminals?sate=x"), 400, "invalid_parameter")
    check.problem("unknown format is 406", desk.call("GET", "/v1/system?format=xml"), 406, "not_acceptable")
    check.problem("broken JSON is 400", desk.call("POST", "/v1/tokens", b"{"), 400, "malformed_json")
    check.problem("another media type is 415", desk.call("POST", "/v1/tokens", b"a=b", Content_Type="application/x-www-form-urlencoded"), 415,
                  "unsupported_media_type")
    check.problem("a body that is too large is 413", desk.call("POST", "/v1/tokens", b" " * ((1 << 20) + 1)), 413, "body_too_large")
    chinese = desk.call("GET", "/v1/terminals/tid:none", Accept_Language="zh-CN")
    check.that("titles come in Chinese", chinese.json["title"] == "未找到", chinese.data)
    check.that("every answer has a Request-Id", desk.call("GET", "/v1/system").headers["Request-Id"])
    page = desk.call("GET", "/v1/terminals?limit=1").json
    check.that("lists come in pages", page["object"] == "list" and len(page["data"]) == 1 and page["has_more"] is True, page)
    check.problem("a cursor is bound to its filter", desk.call("GET", "/v1/terminals?limit=1&state=active&cursor=" + page["next_cursor"]), 400, "cursor_mismatch")
    host, port = world.ports["metrics"].rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request("GET", "/metrics")
    metrics = Answer(connection.getresponse())
    names = {line.split("{")[0].split(" ")[0] for line in metrics.data.decode().splitlines() if line and not line.startswith("#")}
    wanted = {"tollgate_build_info", "tollgate_host_up", "tollgate_ledger_imbalance", "tollgate_reversals_owed", "tollgate_safe_mode",
              "tollgate_storage_free_bytes", "tollgate_terminals", "tollgate_ledger_last_seq", "tollgate_wal_fsync_seconds_count"}
    check.that("metrics have their names", metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4") and wanted <= names, wanted - names)
    check.that("metrics name no terminal", b"10000001" not in metrics.data and b"1022900" not in metrics.data)


def tokens(desk, world, check):
    check.that("the first token is for its owner only", stat.S_IMODE(os.stat(world.path("token")).st_mode) == 0o600)
    made = desk.call("POST", "/v1/tokens", {"name": "smoke", "roles": ["viewer"]}, Idempotency_Key="token-1")
    check.that("a token is made", made.status == 201 and made.json["token"].startswith("tgk_"), made.data)
    again = desk.call("POST", "/v1/tokens", {"name": "smoke", "roles": ["viewer"]}, Idempotency_Key="token-1")
    check.that("it is shown once", again.status == 201 and again.json["token"] is None and again.headers["Idempotency-Replayed"] == "true", again.data)
    check.problem("its name is taken", desk.call("POST", "/v1/tokens", {"name": "smoke", "roles": ["viewer"]}), 409, "already_exists")
    viewer = Desk(world, made.json["token"])
    check.that("the token reads", viewer.call("GET", "/v1/system").status == 200)
    check.problem("the token does not export", viewer.call("GET", "/v1/ledger/entries"), 403, "role_required")
    check.problem("the token does not suspend", viewer.call("POST", PATH + "/suspend", {"reason": "device_fault"}, If_Match="*"), 403, "role_required")
    check.that("the token is revoked", desk.call("DELETE", "/v1/tokens/" + made.json["id"]).status == 204)
    check.problem("and does not read any more", viewer.call("GET", "/v1/system"), 401, "unauthenticated")


def estate(desk, check, document):
    second = desk.call("POST", "/v1/estate", document)
    check.that("applied again it changes nothing", second.status == 200 and second.json["counts"]["create"] == second.json["counts"]["update"] == 0, second.data)
    wrong = json.loads(json.dumps(document))
    wrong["terminals"][0]["colour"] = "red"
    refused = desk.call("POST", "/v1/estate", wrong)
    check.problem("an unknown field is refused", refused, 422, "unknown_field")
    check.that("with its pointer", refused.json["errors"][0]["pointer"] == "/terminals/0/colour", refused.data)
    out = desk.call("GET", "/v1/estate")
    check.that("the estate comes back without keys", out.status == 200 and b"lab_keys" not in out.data and switch.TMK.encode() not in out.data)
    again = desk.call("POST", "/v1/estate", out.data)
    check.that("and changes nothing", again.status == 200 and again.json["counts"]["create"] == again.json["counts"]["update"] == 0, again.data)


def life_cycle(desk, check):
    one = desk.call("GET", PATH)
    etag = one.headers["ETag"]
    check.that("ETag is the version", etag == '"v%d"' % one.json["version"], etag)
    reason = {"reason": "device_fault", "note": "smoke"}
    check.problem("a verb without If-Match is 428", desk.call("POST", PATH + "/suspend", reason), 428, "if_match_required")
    stale = desk.call("POST", PATH + "/suspend", reason, If_Match='"v999999"')
    check.problem("a stale version is 412", stale, 412, "version_mismatch")
    check.that("with the one that is", stale.json["current_version"] == one.json["version"], stale.data)
    check.problem("without a key it is 400", desk.call("POST", PATH + "/suspend", reason, If_Match=etag, Idempotency_Key=None), 400, "idempotency_key_missing")
    dry = desk.call("POST", PATH + "/suspend?dry_run=true", reason, If_Match=etag, Idempotency_Key=None)
    check.that("a dry run needs no key and changes nothing", dry.status == 200 and dry.json["dry_run"] is True and
               desk.call("GET", PATH).json["state"] == "active", dry.data)
    done = desk.call("POST", PATH + "/suspend", reason, If_Match=etag, Idempotency_Key="hold-1")
    check.that("suspend takes financial traffic away", done.status == 200 and done.json["state"] == "suspended" and
               done.json["accepts"] == {"financial": False, "reversal": True, "advice": True, "batch_upload": True, "management": True}, done.data)
    replay = desk.call("POST", PATH + "/suspend", reason, If_Match=etag, Idempotency_Key="hold-1")
    check.that("the same request gets the same bytes", replay.data == done.data and replay.headers["Idempotency-Replayed"] == "true")
    other = desk.call("POST", PATH + "/suspend", {"reason": "device_fault", "note": "other"}, If_Match=etag, Idempotency_Key="hold-1")
    check.problem("another body under its key is refused", other, 422, "idempotency_key_reused")
    twice = desk.call("POST", PATH + "/suspend", reason, If_Match=done.headers["ETag"])
    check.problem("a second hold for the same reason is refused", twice, 409, "invalid_transition")
    check.that("with the state and what may be done", twice.json.get("state") == "suspended" and "activate" in twice.json.get("allowed_actions", []), twice.data)
    woken = desk.call("POST", PATH + "/activate", {}, If_Match=done.headers["ETag"])
    check.that("activate brings it back", woken.status == 200 and woken.json["state"] == "active" and woken.json["holds"] == [], woken.data)


def ledger(desk, check):
    answer = desk.call("GET", "/v1/ledger/entries")
    check.that("the ledger exports", answer.status == 200 and answer.headers["Content-Type"] == "application/x-ndjson", answer.data[:300])
    lines = answer.data.split(b"\n")
    records, trailer = lines[:-2], json.loads(lines[-2])
    body = b"".join(line + b"\n" for line in records)
    check.that("the trailer counts and hashes", trailer["complete"] is True and trailer["count"] == len(records) > 0 and
               trailer["sha256"] == hashlib.sha256(body).hexdigest(), trailer)
    place, sums, good = {}, {"debit": 0, "credit": 0}, True
    for line in records:
        entry = json.loads(line)
        good = good and entry["seq"] == place.get(entry["partition"], 0) + 1 and list(place) == sorted(place)
        place[entry["partition"]] = entry["seq"]
        legs = {"debit": 0, "credit": 0}
        for leg in entry["legs"]:
            legs[leg["side"]] += leg["amount_minor"]
        good = good and legs["debit"] == legs["credit"] > 0 and len(entry["legs"]) >= 2
        for side in sums:
            sums[side] += legs[side]
    check.that("entries are gapless, ordered and balanced", good)
    check.that("sums are those of the trailer", trailer["debit"]["CNY"] == str(sums["debit"]) == trailer["credit"]["CNY"], trailer)
    partition, last = sorted(place.items())[0]
    half = last // 2
    rest = desk.call("GET", "/v1/ledger/entries?after=%d:%d" % (partition, half))
    check.that("resuming gives the rest", rest.data.split(b"\n")[:-2] == records[half:])
    check.problem("a position beyond the end is refused", desk.call("GET", "/v1/ledger/entries?after=%d:%d" % (partition, last + 1000000)), 400,
                  "invalid_parameter")
    totals = desk.call("GET", "/v1/ledger/balances").json["totals"]
    check.that("the trial balance is zero", totals and all(t["balance"] == "0" for t in totals), totals)


def command_line(world, check, estate_file):
    target = ["--url", "http://" + world.ports["http"], "--token-file", world.path("token")]

    def run(*words, want=0, shows=(), where="stdout"):
        done = world.run(*words, *target, check=False, timeout=60)
        text = getattr(done, where)
        check.that("tollgate " + " ".join(words), done.returncode == want and all(s in text for s in shows), (done.returncode, done.stdout, done.stderr))
        return done

    run("apply", "-f", estate_file, "--dry-run", shows=["dry run", "create"])
    run("apply", "-f", estate_file, shows=["0 refused"])
    run("apply", "-f", estate_file, shows=["0 created, 0 updated"])
    with open(world.path("bad.json"), "w", encoding="utf-8") as f:
        json.dump({"estate": 1, "terminals": [{"tid": "1", "merchant_code": switch.MERCHANT % 1}]}, f)
    run("apply", "-f", world.path("bad.json"), "--dry-run", want=8, shows=["/terminals/0/tid"], where="stderr")
    run("apply", "-f", world.path("none.json"), want=2, shows=["none.json"], where="stderr")
    run("hosts", "ls", shows=["HOST", "host0", "signed_on"])
    run("terminals", "ls", shows=["10000001", "ACTIVE"])
    run("terminals", "get", TERMINAL, shows=["10000001", "ACTIVE"])
    run("terminals", "get", "tid:99999999", want=3, shows=["not_found"], where="stderr")
    run("terminals", "suspend", TERMINAL, "--reason", "device_fault", "--note", "printer", shows=["ACTIVE → SUSPENDED", "device_fault", "undo: tollgate terminals"])
    run("terminals", "suspend", TERMINAL, "--reason", "device_fault", want=6, shows=["invalid_transition"], where="stderr")
    run("terminals", "suspend", TERMINAL, "--reason", "nonsense", want=1, shows=["/reason"], where="stderr")
    run("terminals", "activate", TERMINAL, "--dry-run", shows=["dry run"])
    run("terminals", "activate", TERMINAL, shows=["SUSPENDED → ACTIVE"])
    run("merchants", "suspend", "mc:" + switch.MERCHANT % 1, "--reason", "merchant_request", "--ref", "contact=Li", shows=["suspended"])
    run("terminals", "activate", TERMINAL, want=4, shows=["merchant_request"], where="stderr")
    run("merchants", "activate", "mc:" + switch.MERCHANT % 1, shows=["active"])
    listed = json.loads(run("transactions", "ls", "--limit", "3", "-o", "json").stdout)
    check.that("transactions ls -o json is the body of the interface", len(listed["data"]) == 3, listed)
    run("transactions", "ls", "--limit", "3", shows=["RRN", "sale"])
    run("transactions", "get", listed["data"][0]["id"], shows=["intent"])
    made = run("token", "create", "night-job", "--role", "settlement")
    check.that("token create prints the token alone", made.stdout.strip().startswith("tgk_") and made.stdout.count("\n") == 1, made.stdout)
    run("token", "ls", shows=["night-job", "settlement"])
    with open(world.path("other"), "w", encoding="utf-8") as f:
        f.write(made.stdout)
    export = [*target[:3], world.path("other")]
    done = world.run("ledger", "export", "--out", world.path("l.ndjson"), *export, check=False)
    check.that("ledger export", done.returncode == 0 and "trailer ok" in done.stderr, (done.stdout, done.stderr))
    with open(world.path("l.ndjson"), "rb") as f:
        whole = f.read()
    cut = world.path("cut.ndjson")
    with open(cut, "wb") as f:
        f.write(whole[:len(whole) // 2])
    done = world.run("ledger", "export", "--out", cut, "--resume", *export, check=False)
    with open(cut, "rb") as f:
        check.that("a broken export resumes to the same bytes", done.returncode == 0 and f.read() == whole, done.stderr)
    done = world.run("ledger", "verify", "--export", world.path("l.ndjson"), check=False)
    check.that("ledger verify --export", done.returncode == 0 and "0 failed" in done.stdout, done.stdout)
    with open(cut, "wb") as f:
        f.write(whole.replace(b'"amount_minor":', b'"amount_minor":1', 1))
    done = world.run("ledger", "verify", "--export", cut, check=False)
    check.that("an export that was touched does not verify", done.returncode == 1, done.stdout)
    done = world.run("terminals", "ls", *export, check=False)
    check.that("settlement reads terminals", done.returncode == 0, done.stderr)
    done = world.run("apply", "-f", estate_file, *export, check=False)
    check.that("settlement applies nothing: exit 5", done.returncode == 5 and "role_required" in done.stderr, (done.returncode, done.stderr))
    done = world.run("hosts", "ls", "--url", "http://127.0.0.1:1", check=False)
    check.that("nobody there: exit 7", done.returncode == 7, (done.returncode, done.stderr))


def one_process(world, check):
    config = world.path("tollgate.toml")
    second = world.run("serve", "--config", config, "--ports-file", world.path("second.json"), check=False, timeout=30)
    check.that("a second process on the store ends with a clear message", second.returncode != 0 and
               ("in use" in second.stderr or "another process" in second.stderr) and not os.path.exists(world.path("second.json")), second.stderr)
    check.that("and the first goes on", world.json("GET", "/v1/system")["mode"] == "normal")


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    check = Checks()
    world = switch.Switch(sys.argv[1])
    try:
        port = switch.free_port()
        world.spawn("sim", "host", "--listen", "127.0.0.1:%d" % port)
        world.start()
        document = switch.estate(["127.0.0.1:%d" % port], 3, 2)
        with open(world.path("estate.json"), "w", encoding="utf-8") as f:
            json.dump(document, f)
        world.json("POST", "/v1/estate", document)
        switch.wait_for(lambda: world.json("GET", "/v1/hosts")["data"][0]["state"] == "signed_on", 15, "the host")
        with open(world.path("terminals.json"), "w", encoding="utf-8") as f:
            json.dump([{"tid": t["tid"], "merchant_code": t["merchant_code"], "tmk": switch.TMK} for t in document["terminals"]], f)
        world.run("sim", "terminals", "--target", world.pos, "--terminals-file", world.path("terminals.json"), "--tps", "100", "--count", "60", timeout=60)
        desk = Desk(world, world.token)
        conventions(desk, world, check)
        tokens(desk, world, check)
        estate(desk, check, document)
        life_cycle(desk, check)
        ledger(desk, check)
        command_line(world, check, world.path("estate.json"))
        one_process(world, check)
        begun = time.monotonic()
        check.that("SIGTERM drains and exits 0", world.stop() == 0)
        check.that("at once when nothing is in flight", time.monotonic() - begun < 10)
        done = world.run("ledger", "verify", "--data", world.path("data"), check=False)
        check.that("ledger verify --data", done.returncode == 0 and "0 failed" in done.stdout, done.stdout)
    except switch.Failure as failure:
        check.that(str(failure), False)
    finally:
        world.close()
    print("%d passed, %d failed" % (check.passed, check.failed))
    return 0 if check.failed == 0 and check.passed > 60 else 1


if __name__ == "__main__":
    sys.exit(main())
