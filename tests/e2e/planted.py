"""Planted secrets, the encodings in which they could leak, and a search for all of them at once."""

import base64

import cup


def _nibbles(data):
    return bytes(b >> 4 | (b & 15) << 4 for b in data)


def _base64(data):
    """What does not depend on the bytes around it, for each of the three ways it can lie in groups of three."""
    out = []
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + data)
        first, last = (shift * 8 + 5) // 6, (shift + len(data)) * 8 // 6
        out += [text[first:last], base64.urlsafe_b64encode(b"\0" * shift + data)[first:last]]
    return out


class Secret:
    """Digits (a card number, a track with D) or bytes (a key, a PIN block). `name` says what, so that a finding names it."""

    def __init__(self, name, value):
        self.name, self.value = name, value
        self.patterns = {}
        for encoding, patterns in (self._of_bytes(value) if isinstance(value, bytes) else self._of_text(value)):
            for pattern in patterns:
                self.patterns.setdefault(pattern, encoding)

    @staticmethod
    def _of_bytes(value):
        upper = value.hex().upper()
        yield "raw", [value]
        yield "nibbles swapped", [_nibbles(value)]
        yield "bytes reversed", [value[::-1]]
        yield "hex", [upper.encode(), upper.lower().encode()]
        yield "half a byte off", [bytes.fromhex(upper[1:-1])] if len(value) > 7 else []
        yield "base64", _base64(value) + _base64(upper.encode()) + _base64(upper.lower().encode())
        yield "UTF-16", [t.encode(e) for t in (upper, upper.lower()) for e in ("utf-16-le", "utf-16-be")]
        yield "EBCDIC", [upper.encode("cp037"), upper.lower().encode("cp037")]

    @staticmethod
    def _of_text(value):
        plain = [value, value.replace("D", "="), value.replace("D", "d")] if "D" in value else [value]
        for text in dict.fromkeys(plain):
            raw = text.encode("ascii")
            yield "ASCII", [raw]
            yield "reversed", [raw[::-1]]
            yield "base64", _base64(raw)
            yield "hex of ASCII", [raw.hex().upper().encode(), raw.hex().encode()]
            yield "UTF-16", [text.encode("utf-16-le"), text.encode("utf-16-be")]
            yield "EBCDIC", [text.encode("cp037")]
        if not all(c in "0123456789ABCDEFabcdef" for c in value):
            return
        # Packed: the digits that fill whole bytes, with the first one high or low; what stands beside them is not ours.
        for name, digits in (("BCD", value), ("BCD, half a byte off", value[1:])):
            packed = bytes.fromhex(digits[:len(digits) // 2 * 2])
            yield name, [packed]
            yield name + ", nibbles swapped", [_nibbles(packed)]
            yield name + ", in base64", _base64(packed)


def islands(data, page=4096):
    """(offset, bytes) of what lies between whole pages of zeros: reserved files and fresh memory are mostly that."""
    zeros, begin = bytes(page), None
    for at in range(0, len(data), page):
        empty = data[at:at + page] == zeros[:len(data) - at]
        if empty and begin is not None:
            yield begin, data[begin:at]
            begin = None
        elif not empty and begin is None:
            begin = at
    if begin is not None:
        yield begin, data[begin:]


class Search:
    def __init__(self, secrets):
        self.patterns, self.searched = {}, 0
        for secret in secrets:
            for pattern, encoding in secret.patterns.items():
                if len(pattern) < 7:
                    raise ValueError("%s, %s: %d bytes would be found anywhere" % (secret.name, encoding, len(pattern)))
                self.patterns[pattern] = (secret.name, encoding)

    def find(self, data, limit=20):
        """(name, encoding, offset) of the first `limit` hits."""
        hits = []
        for begin, part in islands(data):
            self.searched += len(part)
            for pattern, (name, encoding) in self.patterns.items():
                at = part.find(pattern)
                while at >= 0 and len(hits) < limit:
                    hits.append((name, encoding, begin + at))
                    at = part.find(pattern, at + 1)
        return hits


# ---- what the canary run plants ----

PIN = "915273"
QR_CODE = "6259783104682975310"
SLOW_BIN = "628888"  # routed to the host that acknowledges nothing until it is told


class Card:
    def __init__(self, name, body):
        self.name, self.pan = name, cup.luhn(body)
        # Discretionary data of its own, so that a track without its card number is found as well.
        self.rest = ("3012520" + "".join(str((int(d) * 7 + 3) % 10) for d in self.pan[-10:]))[:37 - len(self.pan) - 1]
        self.track = self.pan + "D" + self.rest

    def secrets(self):
        return [Secret("card number " + self.name, self.pan), Secret("track 2 " + self.name, self.rest)]


CARDS = {name: Card(name, body) for name, body in {
    "approved": "622202987654321098", "16 digits": "622202871234509", "chip": "622202555123478901", "declined": "622202333444555666",
    "suspended": "622202741852963014", "wrong MAC": "622202159753486207", "not signed on": "622202852456159357", "unknown terminal": "622202369258147036",
    "owed": SLOW_BIN + "642135798024", "undone": SLOW_BIN + "975318642086", "malformed": "622202480135792468", "garbage": "622202602468013579",
    "half frame": "622202013579246802", "balance": "622202246813579135", "voided": "622202135792468013", "reversed": "622202975310864208",
    "late answer": "622202864209753186", "in a URL": "622202318642097531", "wrong dialect": "622202097531864207", "unserved": "622202753186420975"}.items()}


def chip_data(card):
    """With everything that may never be kept: 5A, 57, 56, 9F1F, 9F20, 9F6B."""
    out = b""
    track = bytes.fromhex(card.track + "F" * (len(card.track) % 2))
    for tag, value in (("9F26", bytes.fromhex("A1B2C3D4E5F60718")), ("9F27", b"\x80"), ("9F10", bytes.fromhex("07010103A00000010A010000000000C1C2C3C4")),
                       ("9F37", b"\1\2\3\4"), ("9F36", b"\0\1"), ("95", bytes(5)), ("9A", bytes.fromhex("261122")), ("9C", b"\0"),
                       ("9F02", bytes(5) + b"\1"), ("5F2A", b"\1\x56"), ("82", b"\x7c\0"), ("9F1A", b"\1\x56"), ("9F03", bytes(6)),
                       ("9F33", b"\xe0\xf8\xc8"), ("5A", bytes.fromhex(card.pan + "F")), ("57", track), ("56", card.pan.encode()),
                       ("9F1F", card.rest.encode()), ("9F20", card.rest.encode()), ("9F6B", track)):
        out += bytes.fromhex(tag) + bytes([len(value)]) + value
    return out + bytes.fromhex("5F20") + b"\x0bZHANG/SAN Q"  # a name that no terminal should send
