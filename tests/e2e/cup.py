"""A terminal of the UnionPay dialect, written from the dialect's description and shared with nothing: bytes, DES, MAC, PIN block.

Whatever the switch and its simulators agree on by mistake, this one does not. Slow (DES in Python), which does not matter here.
"""

import socket
import struct
import time

# ---- DES (FIPS 46-3) ----

_IP = [58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24, 16, 8,
       57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7]
_FP = [40, 8, 48, 16, 56, 24, 64, 32, 39, 7, 47, 15, 55, 23, 63, 31, 38, 6, 46, 14, 54, 22, 62, 30, 37, 5, 45, 13, 53, 21, 61, 29,
       36, 4, 44, 12, 52, 20, 60, 28, 35, 3, 43, 11, 51, 19, 59, 27, 34, 2, 42, 10, 50, 18, 58, 26, 33, 1, 41, 9, 49, 17, 57, 25]
_E = [32, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9, 8, 9, 10, 11, 12, 13, 12, 13, 14, 15, 16, 17, 16, 17, 18, 19, 20, 21, 20, 21, 22, 23, 24, 25,
      24, 25, 26, 27, 28, 29, 28, 29, 30, 31, 32, 1]
_P = [16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25]
_PC1 = [57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
        63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4]
_PC2 = [14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48,
        44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32]
_SHIFTS = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1]
_S = [[14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8,
       4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13],
      [15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9, 11, 5,
       0, 14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9],
      [10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1,
       13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7, 1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12],
      [7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9,
       10, 6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14],
      [2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9, 8, 6,
       4, 2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9, 10, 4, 5, 3],
      [12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11, 3, 8,
       9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7, 6, 0, 8, 13],
      [4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15, 8, 6,
       1, 4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12],
      [13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2,
       7, 11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11]]


def _permute(value, width, table):
    out = 0
    for place in table:
        out = out << 1 | value >> (width - place) & 1
    return out


def _rounds(key):
    bits = _permute(int.from_bytes(key, "big"), 64, _PC1)
    left, right = bits >> 28, bits & 0xFFFFFFF
    for shift in _SHIFTS:
        left = (left << shift | left >> (28 - shift)) & 0xFFFFFFF
        right = (right << shift | right >> (28 - shift)) & 0xFFFFFFF
        yield _permute(left << 28 | right, 56, _PC2)


def des(key, block, decrypt=False):
    value = _permute(int.from_bytes(block, "big"), 64, _IP)
    left, right = value >> 32, value & 0xFFFFFFFF
    keys = list(_rounds(key))
    for round_key in reversed(keys) if decrypt else keys:
        mixed = _permute(right, 32, _E) ^ round_key
        out = 0
        for i in range(8):
            six = mixed >> (42 - 6 * i) & 63
            out = out << 4 | _S[i][(six >> 4 & 2 | six & 1) * 16 + (six >> 1 & 15)]
        left, right = right, left ^ _permute(out, 32, _P)
    return _permute(right << 32 | left, 64, _FP).to_bytes(8, "big")


def encrypt(key, data):
    """DES with 8 bytes of key, two-key triple DES with 16; ECB."""
    out = b""
    for at in range(0, len(data), 8):
        block = data[at:at + 8]
        out += des(key, block) if len(key) == 8 else des(key[:8], des(key[8:], des(key[:8], block), True))
    return out


def decrypt(key, data):
    out = b""
    for at in range(0, len(data), 8):
        block = data[at:at + 8]
        out += des(key, block, True) if len(key) == 8 else des(key[:8], des(key[8:], des(key[:8], block, True)), True)
    return out


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def cup_mac(key, data):
    """Section 8: fold by xor, write as 16 hex characters, encrypt the first half, xor with the second, encrypt; 8 characters."""
    data += bytes(-len(data) % 8)
    fold = bytes(8)
    for at in range(0, len(data), 8):
        fold = xor(fold, data[at:at + 8])
    text = fold.hex().upper().encode()
    return encrypt(key, xor(encrypt(key, text[:8]), text[8:])).hex().upper().encode()[:8]


def pin_block(key, pin, pan):
    digits = ("%02d%s" % (len(pin), pin)).ljust(16, "F")
    return encrypt(key, xor(bytes.fromhex(digits), bytes.fromhex("0000" + pan[-13:-1])))


def kcv(key):
    return encrypt(key, bytes(8))[:4]


# ---- messages ----

# number -> (kind, digits): n fixed, nl left-aligned, LLn and LLLn digits counted, LLb and LLLb bytes counted, a text, b bytes
FIELDS = {2: ("LLn", 0), 3: ("n", 6), 4: ("n", 12), 11: ("n", 6), 12: ("n", 6), 13: ("n", 4), 14: ("n", 4), 15: ("n", 4), 22: ("nl", 3),
          23: ("n", 3), 25: ("n", 2), 26: ("n", 2), 32: ("LLn", 0), 35: ("LLn", 0), 36: ("LLLn", 0), 37: ("a", 12), 38: ("a", 6),
          39: ("a", 2), 41: ("a", 8), 42: ("a", 15), 44: ("LLb", 0), 48: ("LLLn", 0), 49: ("a", 3), 52: ("b", 8), 53: ("n", 16),
          54: ("LLLb", 0), 55: ("LLLb", 0), 57: ("LLLb", 0), 58: ("LLLb", 0), 59: ("LLLb", 0), 60: ("LLLn", 0), 61: ("LLLn", 0),
          62: ("LLLb", 0), 63: ("LLLb", 0), 64: ("b", 8)}
HEADER = "603100000000"


def bcd(digits, left=False):
    if len(digits) % 2:
        digits = digits + "0" if left else "0" + digits
    return bytes.fromhex(digits)


def encode_field(number, value):
    kind, size = FIELDS[number]
    raw = value if isinstance(value, bytes) else value.encode()
    if kind == "n":
        return bcd(value.rjust(size, "0"))
    if kind == "nl":
        return bcd(value, left=True)
    if kind in ("a", "b"):
        assert len(raw) == size, (number, value)
        return raw
    count = len(value) if kind.endswith("n") else len(raw)
    body = bcd(value, left=True) if kind.endswith("n") else raw
    return bcd("%02d" % count if kind.startswith("LL") and not kind.startswith("LLL") else "%04d" % count) + body


def bitmap_of(numbers):
    bits = 0
    for number in numbers:
        bits |= 1 << (64 - number)
    return struct.pack(">Q", bits)


def message(mti, fields, mak=None, *, bitmap=None, tail=b""):
    """MTI, bitmap, fields in order; with a key field 64 is added. Values that are bytes in `fields` under a text key replace the
    whole encoding of that field: {"55": b"..."}, so that a test can send what no encoder would."""
    values = {}
    for key, value in fields.items():
        values[int(key)] = value if isinstance(key, str) else encode_field(key, value)
    numbers = sorted(values) + ([64] if mak else [])
    body = bytes.fromhex(mti) + (bitmap or bitmap_of(numbers)) + b"".join(values[n] for n in sorted(values))
    return body + (cup_mac(mak, body) if mak else b"") + tail


def frame(body, header=HEADER, tpdu="6000030000"):
    whole = bytes.fromhex(tpdu) + bytes.fromhex(header) + body
    return struct.pack(">H", len(whole)) + whole


def parse(body):
    """A reply's MTI and its fields, as text (hex for bytes)."""
    mti, bits = body[:2].hex(), struct.unpack(">Q", body[2:10])[0]
    at, out = 10, {}
    for number in range(2, 65):
        if not bits >> (64 - number) & 1:
            continue
        kind, size = FIELDS[number]
        if kind in ("n", "nl"):
            width = (size + 1) // 2
            digits = body[at:at + width].hex()
            out[number] = digits[:size] if kind == "nl" else digits[len(digits) - size:]
        elif kind in ("a", "b"):
            width = size
            out[number] = body[at:at + width].decode("latin-1") if kind == "a" else body[at:at + width]
        else:
            prefix = 2 if kind.startswith("LLL") else 1
            count = int(body[at:at + prefix].hex())
            at += prefix
            width = (count + 1) // 2 if kind.endswith("n") else count
            out[number] = body[at:at + width].hex()[:count] if kind.endswith("n") else body[at:at + width]
        at += width
    if at != len(body):
        raise ValueError("%d bytes after the last field" % (len(body) - at))
    return mti, out


def luhn(digits):
    total = 0
    for i, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if i % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


class Closed(Exception):
    """The switch closed the connection."""


class Silence(Exception):
    """No answer in time."""


class Terminal:
    def __init__(self, address, tid, merchant, tmk, timeout=10.0):
        host, port = address.rsplit(":", 1)
        self.address = (host, int(port))
        self.tid, self.merchant, self.tmk = tid, merchant, bytes.fromhex(tmk)
        self.timeout = timeout
        self.socket = None
        self.stan = int(time.time()) % 400000 + 1
        self.batch = "000000"
        self.pik = self.mak = None
        self.cipher_62 = b""

    def connect(self):
        self.close()
        self.socket = socket.create_connection(self.address, timeout=self.timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def _read(self, size):
        data = b""
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except socket.timeout:
                raise Silence("no answer in %.0f s" % self.socket.gettimeout()) from None
            except ConnectionError as error:
                raise Closed(str(error)) from None
            if not part:
                raise Closed("end of stream")
            data += part
        return data

    def send(self, data):
        if self.socket is None:
            self.connect()
        self.socket.sendall(data)

    def receive(self, timeout=None):
        self.socket.settimeout(timeout or self.timeout)
        size = struct.unpack(">H", self._read(2))[0]
        whole = self._read(size)
        return whole[11:]

    def exchange(self, body, timeout=None):
        self.send(frame(body))
        return parse(self.receive(timeout))

    def next_stan(self):
        self.stan += 1
        return "%06d" % self.stan

    def sign_in(self):
        _, reply = self.exchange(message("0800", {11: self.next_stan(), 41: self.tid, 42: self.merchant, 60: "00000000003",
                                                  62: b"Sequence No16310131020201030", 63: b"01 "}))
        if reply[39] == "00":
            self.batch = reply[60][2:8]
            self.cipher_62 = keys = reply[62]
            self.pik, self.mak = decrypt(self.tmk, keys[:16]), decrypt(self.tmk, keys[20:28])
            if kcv(self.pik) != keys[16:20] or kcv(self.mak) != keys[36:40]:
                raise ValueError("the check values of field 62 are wrong")
        return reply

    def sale_fields(self, pan, amount, *, pin=None, expiry="3012", instant=False, stan=None, chip=None):
        fields = {3: "280000" if instant else "000000", 4: "%012d" % amount, 11: stan or self.next_stan(), 22: "021" if pin else "022",
                  25: "00", 35: pan + "D" + expiry + "5201234567890"[:37 - len(pan) - 5], 41: self.tid, 42: self.merchant, 49: "156",
                  60: "22%s00050" % self.batch}
        if pin:
            fields.update({26: "06", 52: pin_block(self.pik, pin, pan), 53: "2600000000000000"})
        if chip:
            fields.update({2: pan, 14: expiry, 22: "051" if pin else "052", 23: "001", 55: chip})
        return fields

    def sale(self, pan, amount, timeout=None, **rest):
        return self.exchange(message("0200", self.sale_fields(pan, amount, **rest), self.mak), timeout)

    def reversal(self, fields, reason="98"):
        kept = {n: v for n, v in fields.items() if n in (2, 3, 4, 11, 14, 22, 23, 25, 41, 42, 49, 60)}
        return self.exchange(message("0400", {**kept, 39: reason}, self.mak))


def self_test():
    """The worked examples of the dialect's section 8."""
    assert des(bytes.fromhex("133457799BBCDFF1"), bytes.fromhex("0123456789ABCDEF")).hex().upper() == "85E813540F0AB405"
    assert cup_mac(b"\x22" * 8, bytes.fromhex("1234567890ABCDEFABCDEF1234567890")) == b"E267B6E2"
    assert pin_block(bytes.fromhex("4567C298FB0B045DAB54BF499E10EFCD"), "123456", "9001100000000027").hex().upper() == "3D87C8B8FA17C67C"
    assert kcv(bytes.fromhex("0123456789ABCDEF")).hex().upper() == "D5D44FF7"
    assert decrypt(b"\x11" * 16, bytes.fromhex("950973182317F80B")) == b"\x22" * 8


self_test()
