"""Compares what terminals were told with what the ledger holds. Knows nothing of how the switch works."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal


def key_of(line):
    return (line["tid"], line["stan"])


def fee_of(amount, kind, instant):
    rate = Decimal("0.0038") if kind == "qr_sale" else Decimal("0.006")
    fee = int((Decimal(amount) * rate).quantize(Decimal(1), ROUND_HALF_UP))
    return fee + (300 if instant else 0)


def audit(outcomes, entries):
    """Returns a list of findings; empty when terminals and ledger agree.

    P3: approved at the terminal <=> posted. A sale is posted when its entries and their mirrors do not cancel. Terminals
    that heard nothing may find either; they owe a reversal, and what they then were told decides.
    """
    findings = []
    posted = defaultdict(int)       # (tid, stan) -> clearing balance of that STAN's entries
    seen = set()
    debit = credit = 0
    next_seq = defaultdict(int)
    for entry in entries:
        partition = entry["partition"]
        if entry["seq"] != next_seq[partition] + 1:
            findings.append("partition %d: entry %d follows %d" % (partition, entry["seq"], next_seq[partition]))
        next_seq[partition] = entry["seq"]
        d = sum(l["amount_minor"] for l in entry["legs"] if l["side"] == "debit")
        c = sum(l["amount_minor"] for l in entry["legs"] if l["side"] == "credit")
        if d != c:
            findings.append("entry %d:%d is not balanced: %d, %d" % (partition, entry["seq"], d, c))
        debit, credit = debit + d, credit + c
        if entry["id"] in seen:
            findings.append("entry id %s twice" % entry["id"])
        seen.add(entry["id"])
        for leg in entry["legs"]:
            if leg["account"].split("/")[0] in ("1100", "1110"):
                posted[(entry["tid"], int(entry["stan"]))] += leg["amount_minor"] if leg["side"] == "debit" else -leg["amount_minor"]
    if debit != credit:
        findings.append("the ledger is not balanced: %d, %d" % (debit, credit))

    told = {}                       # (tid, stan) -> last word about it
    amounts, voids = {}, set()
    for line in outcomes:
        if line["kind"] in ("sign_in", "sign_out", "echo", "balance"):
            continue
        key = key_of(line)
        outcome = line["outcome"]
        if line["kind"] == "reversal":
            if outcome == "reversed":
                told[key] = "reversed"
            continue
        if line["kind"] in ("void_sale", "qr_void"):
            voids.add(key)
        if outcome in ("approved", "declined", "unanswered", "wrong_mac"):
            told[key] = outcome
            amounts[key] = line["amount"]
        if outcome == "not_the_same":
            findings.append("%s STAN %06d: a repeat got other bytes" % key)
    voided = defaultdict(int)
    for key, word in told.items():
        net = posted.get(key, 0)
        if key in voids:
            if word == "approved" and net >= 0:
                findings.append("%s STAN %06d: void approved, not posted (%d)" % (*key, net))
            if word in ("declined", "reversed") and net != 0:
                findings.append("%s STAN %06d: void %s, but posted %d" % (*key, word, net))
            continue
        if word == "approved" and net != amounts[key]:
            findings.append("%s STAN %06d: approved %d, posted %d" % (*key, amounts[key], net))
        if word in ("declined", "reversed") and net != 0:
            findings.append("%s STAN %06d: %s, but posted %d" % (*key, word, net))
    unknown = [k for k in posted if posted[k] != 0 and k not in told]
    return findings, {"told": len(told), "approved": sum(1 for w in told.values() if w == "approved"), "entries": len(entries),
                      "unheard": len(unknown)}
