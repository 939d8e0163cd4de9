#!/usr/bin/env python3
"""A second implementation of the arithmetic of fees, in exact fractions, held against what the engine printed.

Written from the reference, not from the C++: canonical form and hash, matching, parts, clamps, rounding, totals, cap groups,
tax, splits, refunds. Standard library only.

  oracle.py EMITTER [--events N] [--seed S] [--plant WHAT --expect-difference]

Exit 0 when every integer agrees (or, with --expect-difference, when at least one does not).
"""
import argparse
import datetime
import hashlib
import json
import subprocess
import sys
from fractions import Fraction

ONE = 10 ** 18
FLAGS = {"MIN": 1, "MAX": 2, "TIE": 4, "GROUP_MIN": 8, "GROUP_MAX": 16, "RETURNED": 32}

# ---- canonical form ---------------------------------------------------------------------------------------------

DEFAULTS = {
    "schedule": {"cutoff": "24:00", "rounding": "HALF_UP", "round_at": "COMPONENT"},
    "components": {"on": ["SALE"], "payer": "MERCHANT", "base": "AMOUNT", "volume": "PREVIOUS", "refund": "PROPORTIONAL",
                   "tax_exempt": False},
    "rules": {"rate": "0", "fixed": 0, "discount": "0"},
    "tiers": {"rate": "0"},
    "splits": {"method": "DOWN"},
}
RATES = {"rate", "discount", "share"}


def shortest(rate):
    return rate.rstrip("0").rstrip(".") if "." in rate else rate


def canonical(value, kind="schedule"):
    if isinstance(value, list):
        return [canonical(v, kind) for v in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for key, member in value.items():
        member = shortest(member) if key in RATES else canonical(member, key)
        if member == [] or member == {}:
            continue
        defaults = DEFAULTS.get(kind, {})
        if key in defaults and defaults[key] == member and type(defaults[key]) is type(member):
            continue
        out[key] = member
    return out


def content_hash(text):
    return hashlib.sha256(json.dumps(canonical(text), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


# ---- rounding ---------------------------------------------------------------------------------------------------

def rounded(value, mode):
    whole = value.numerator // value.denominator
    rest = value - whole
    half = Fraction(1, 2)
    if mode == "DOWN":
        up = False
    elif mode == "UP":
        up = rest > 0
    elif mode == "HALF_UP":
        up = rest >= half
    elif mode == "HALF_DOWN":
        up = rest > half
    else:
        up = rest > half or (rest == half and whole % 2 == 1)
    return whole + int(up)


def give_back(value, done, whole, mode):
    return 0 if whole == 0 else rounded(Fraction(value * done, whole), mode)


def largest_first(units, rests):
    """Places that get one of the left-over units."""
    order = sorted(range(len(rests)), key=lambda i: (-rests[i], i))
    return set(order[:units])


# ---- matching ---------------------------------------------------------------------------------------------------

def in_range(value, r):
    return ("min" not in r or r["min"] <= value) and ("max" not in r or value <= r["max"])


def minutes(text):
    return int(text[:2]) * 60 + int(text[3:])


def hour_holds(minute, r):
    low, high = minutes(r["min"]), minutes(r["max"])
    return low <= minute <= high if low <= high else minute >= low or minute <= high


def matches(match, event, volume, currency):
    facts = event["facts"]
    for key, want in match.items():
        if want == [] or want == {}:
            continue
        if key in ("channel", "brand", "funding", "region", "settlement"):
            ok = facts.get(key) in want
        elif key == "tags":
            ok = bool(set(want) & set(facts.get("tags", [])))
        elif key == "currency":
            ok = facts.get("currency", currency) in want
        elif key == "mcc":
            ok = "mcc" in facts and any(in_range(facts["mcc"], r) for r in want)
        elif key == "amount":
            ok = in_range(event["amount"], want)
        elif key == "volume":
            ok = in_range(volume, want)
        elif key == "dates":
            ok = any(in_range(event["date"], r) for r in want)  # ISO dates sort as text
        elif key == "weekdays":
            day = datetime.date.fromisoformat(event["date"]).weekday()
            ok = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"][day] in want
        else:
            ok = any(hour_holds(event["minute"], r) for r in want)
        if not ok:
            return False
    return True


# ---- one event --------------------------------------------------------------------------------------------------

class Schedule:
    def __init__(self, text):
        self.text = text
        self.components = text["components"]
        self.index = {c["id"]: i for i, c in enumerate(self.components)}
        self.mode = text.get("rounding", "HALF_UP")
        tax = text.get("tax")
        self.tax = tax if tax and tax["level"] == "TRANSACTION" else None

    def payer(self, c):
        return c.get("payer", "MERCHANT")

    def taxable(self, c):
        return self.payer(c) == "MERCHANT" and not c.get("tax_exempt", False)


def parts(rule, start, base):
    if not rule.get("tiers"):
        return Fraction(rule.get("rate", "0")) * base
    total, below = Fraction(0), 0
    for tier in rule["tiers"]:
        top = tier.get("up_to")
        end = start + base if top is None else min(start + base, top)
        total += Fraction(tier.get("rate", "0")) * max(0, end - max(start, below))
        if top is not None:
            below = top
    return total


def base_of(c, event, lines):
    goods = event["amount"] - event["tip"] - event["cashback"]
    kind = c.get("base", "AMOUNT")
    if kind == "FEES":
        return sum(l["amount"] for l in lines if l["id"] in c["base_of"])
    return {"AMOUNT": event["amount"], "GOODS": goods, "TIP": event["tip"], "CASHBACK": event["cashback"]}[kind]


def price_lines(s, event):
    lines = []
    by_component = s.text.get("round_at", "COMPONENT") == "COMPONENT"
    for c, volume in zip(s.components, event["volumes"]):
        if event["kind"] not in (c.get("on") or ["SALE"]):
            continue
        rule = next((r for r in c["rules"] if matches(r.get("match", {}), event, volume, s.text["currency"])), None)
        if rule is None:
            continue
        base = base_of(c, event, lines)
        start = volume if c.get("volume") == "RUNNING" else 0
        x = (parts(rule, start, base) + rule.get("fixed", 0)) * (1 - Fraction(rule.get("discount", "0")))
        flags = set()
        if "max" in rule and x > rule["max"]:
            x, flags = Fraction(rule["max"]), {"MAX"}
        elif "min" in rule and base > 0 and x < rule["min"]:
            x, flags = Fraction(rule["min"]), {"MIN"}
        line = {"id": c["id"], "c": c, "rule": rule["id"], "x": x, "base": base, "cap": 0, "amount": 0, "flags": flags,
                "account": 0 if s.payer(c) == "NONE" else int(rule.get("account", c.get("account", 0))),
                "contra": int(c.get("contra", 0))}
        if by_component:
            line["amount"] = rounded(x, c.get("rounding", s.mode))
            if x.denominator == 2:
                flags.add("TIE")
        lines.append(line)
    if not by_component:
        for payer in ("MERCHANT", "CARDHOLDER", "HOUSE", "NONE"):
            mine = [l for l in lines if s.payer(l["c"]) == payer]
            total = sum((l["x"] for l in mine), Fraction(0))
            floors = [l["x"].numerator // l["x"].denominator for l in mine]
            extra = largest_first(rounded(total, s.mode) - sum(floors), [l["x"] - f for l, f in zip(mine, floors)])
            for i, l in enumerate(mine):
                l["amount"] = floors[i] + (i in extra)
                if total.denominator == 2:
                    l["flags"].add("TIE")
    return lines


def cap(s, event, lines):
    for group in s.text.get("caps", []):
        mine = [l for m in group["members"] for l in lines if l["id"] == m]
        total = sum(l["amount"] for l in mine)
        if not mine:
            continue
        if "max" in group and total > group["max"]:
            excess = total - group["max"]
            for l in mine:
                cut = min(excess, l["amount"])
                excess -= cut
                l["amount"] -= cut
                l["cap"] -= cut
                if cut:
                    l["flags"].add("GROUP_MAX")
        elif "min" in group and total < group["min"] and event["amount"] > 0:
            mine[-1]["amount"] += group["min"] - total
            mine[-1]["cap"] += group["min"] - total
            mine[-1]["flags"].add("GROUP_MIN")


def split(s, lines):
    out = []
    amount = {l["id"]: l["amount"] for l in lines}
    for sp in s.text.get("splits", []):
        if not any(c in amount for c in sp["of"]):
            continue
        of = sum(amount.get(c, 0) for c in sp["of"])
        less = sum(amount.get(c, 0) for c in sp.get("less", []))
        gross = {None: max(0, of - less)}
        net = {None: 0}
        nodes = [None] + [p["party"] for p in sp["parties"]]
        for node in nodes:
            children = [p for p in sp["parties"] if p.get("from") == node]
            exact = [Fraction(p["share"]) * gross[node] for p in children]
            got = [e.numerator // e.denominator for e in exact]
            if sp.get("method") == "LARGEST_REMAINDER" and children:
                own = gross[node] - sum(exact)
                own_floor = own.numerator // own.denominator
                rests = [e - g for e, g in zip(exact, got)] + [own - own_floor]
                extra = largest_first(gross[node] - sum(got) - own_floor, rests)
                got = [g + (i in extra) for i, g in enumerate(got)]
            for p, g in zip(children, got):
                gross[p["party"]] = g
            net[node] = gross[node] - sum(got)
        nets = [net[p["party"]] for p in sp["parties"]]
        out.append({"id": sp["id"], "sp": sp, "nets": nets, "house": of - less - sum(nets), "of": of})
    return out


def tax_on(s, taxable):
    if not s.tax:
        return 0
    r = Fraction(s.tax["rate"])
    return rounded(taxable * r / (1 + r) if s.tax["mode"] == "INCLUSIVE" else taxable * r, s.mode)


def totals(s, paid, lines, tax):
    def paid_by(payer):
        return sum(l["amount"] for l in lines if s.payer(l["c"]) == payer)
    on_top = tax if s.tax and s.tax["mode"] == "EXCLUSIVE" else 0
    fee, cardholder = paid_by("MERCHANT"), paid_by("CARDHOLDER")
    return [paid + cardholder, fee, cardholder, paid_by("HOUSE"), tax, paid - fee - on_top]


def price(s, event):
    lines = price_lines(s, event)
    cap(s, event, lines)
    tax = tax_on(s, sum(l["amount"] for l in lines if s.taxable(l["c"])))
    return {"lines": lines, "splits": split(s, lines), "tax": tax,
            "totals": totals(s, event["amount"] if event["kind"] == "SALE" else 0, lines, tax)}


def printable(priced):
    lines = [[l["id"], l["rule"], str(l["x"] * ONE), l["base"], l["cap"], l["amount"], sum(FLAGS[f] for f in l["flags"]),
              l["account"], l["contra"]] for l in priced["lines"]]
    return {"lines": lines, "splits": [[p["id"], p["nets"], p["house"]] for p in priced["splits"]], "totals": priced["totals"]}


# ---- refunds ----------------------------------------------------------------------------------------------------

class Sale:
    """What stands of a sale. Everything given back is T(after) - T(before), from the whole, never from the last step."""

    def __init__(self, s, event, priced):
        self.s, self.event, self.priced, self.refunded = s, event, priced, 0

    def returned(self, refunded):
        whole = self.event["amount"]
        out = {}
        for l in self.priced["lines"]:
            policy = l["c"].get("refund", "PROPORTIONAL")
            if policy == "KEEP":
                back = 0
            elif policy == "FULL_ONLY":
                back = l["amount"] if refunded == whole and refunded > 0 else 0
            else:
                back = give_back(l["amount"], refunded, whole, l["c"].get("rounding", self.s.mode))
            out[l["id"]] = back
        return out

    def state(self, refunded):
        back = self.returned(refunded)
        taxable = sum(l["amount"] for l in self.priced["lines"] if self.s.taxable(l["c"]))
        taxed = sum(back[l["id"]] for l in self.priced["lines"] if self.s.taxable(l["c"]))
        tax = give_back(self.priced["tax"], taxed, taxable, self.s.mode)
        splits = {}
        for p in self.priced["splits"]:
            of = sum(back.get(c, 0) for c in p["sp"]["of"])
            less = sum(back.get(c, 0) for c in p["sp"].get("less", []))
            nets = [give_back(n, of, p["of"], "DOWN") for n in p["nets"]]
            splits[p["id"]] = (nets, of - less - sum(nets))
        return back, tax, splits

    def refund(self, amount):
        before, after = self.state(self.refunded), self.state(self.refunded + amount)
        self.refunded += amount
        own = price(self.s, dict(self.event, kind="REFUND", amount=amount, tip=0, cashback=0))
        lines = []
        for l in self.priced["lines"]:
            back = after[0][l["id"]] - before[0][l["id"]]
            if back:
                lines.append(dict(l, rule="", x=0, base=0, cap=0, amount=-back, flags={"RETURNED"}))
        lines += own["lines"]
        splits = {p["id"]: [0] * len(p["nets"]) + [0] for p in self.priced["splits"] + own["splits"]}
        for p in self.priced["splits"]:
            (n0, h0), (n1, h1) = before[2][p["id"]], after[2][p["id"]]
            splits[p["id"]] = [a - b for a, b in zip(n0, n1)] + [h0 - h1]
        for p in own["splits"]:
            splits[p["id"]] = [a + b for a, b in zip(splits[p["id"]], p["nets"] + [p["house"]])]
        tax = own["tax"] - (after[1] - before[1])
        out = printable({"lines": lines, "splits": [], "totals": totals(self.s, -amount, lines, tax)})
        order = [sp["id"] for sp in self.s.text.get("splits", []) if sp["id"] in splits]
        out["splits"] = [[i, splits[i][:-1], splits[i][-1]] for i in order]
        return out


# ---- comparison -------------------------------------------------------------------------------------------------

def check(record, report):
    s = Schedule(record["text"])
    if content_hash(record["text"]) != record["hash"]:
        report("hash", content_hash(record["text"]), record["hash"])
    for i, event in enumerate(record["events"]):
        priced = price(s, event)
        got = printable(priced)
        if got != event["result"]:
            report(f"event {i}", got, event["result"])
            continue
        sale = Sale(s, event, priced)
        for n, step in enumerate(event.get("refunds", [])):
            want = {k: step[k] for k in ("lines", "splits", "totals")}
            got = sale.refund(step["amount"])
            if got != want:
                report(f"event {i} refund {n}", got, want)
                break


def main():
    args = argparse.ArgumentParser()
    args.add_argument("emitter")
    args.add_argument("--events", default="20000")
    args.add_argument("--seed", default="1")
    args.add_argument("--plant", default="")
    args.add_argument("--expect-difference", action="store_true")
    a = args.parse_args()
    command = [a.emitter, "--events", a.events, "--seed", a.seed] + (["--plant", a.plant] if a.plant else [])
    checked = different = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as emitter:
        for line in emitter.stdout:
            record = json.loads(line)
            found = []
            check(record, lambda *what: found.append(what))
            checked += len(record["events"])
            different += bool(found)
            if found and different <= 3 and not a.expect_difference:
                where, oracle, engine = found[0]
                print(f"schedule {json.dumps(record['text'])}\n{where}\n  oracle {json.dumps(oracle)}\n  engine {json.dumps(engine)}")
    good = emitter.returncode == 0 and checked >= int(a.events) and (different > 0) == a.expect_difference
    print(f"{checked} events, {different} schedules with a difference: {'as expected' if good else 'NOT as expected'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
