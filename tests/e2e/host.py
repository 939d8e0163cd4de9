"""An upstream host of the iso87-ascii dialect that does what a test tells it: answers, keeps silent, acknowledges later.

Written from the wire format, shared with nothing. One thread per connection; the test reads `seen` and sets the switches.
"""

import socket
import struct
import threading

# Everything up to field 11 and the fixed ones after it that a test looks at.
FIXED = {3: 6, 4: 12, 5: 12, 6: 12, 7: 10, 8: 8, 9: 8, 10: 8, 11: 6, 12: 6, 13: 4, 14: 4, 15: 4, 18: 4, 22: 3, 23: 3, 25: 2, 26: 2, 37: 12,
         38: 6, 39: 2, 41: 8, 42: 15, 49: 3, 52: 16, 53: 16, 70: 3, 90: 42}
VARIABLE = {2: 2, 32: 2, 33: 2, 35: 2, 36: 3, 44: 2, 48: 3, 54: 3, 55: 3, 59: 3, 60: 3, 61: 3, 62: 3, 63: 3}


def parse(text):
    bitmap = int(text[4:20], 16)
    at = 20
    if bitmap >> 63 & 1:
        bitmap = bitmap << 64 | int(text[20:36], 16)
        at = 36
    else:
        bitmap <<= 64
    fields = {}
    for number in range(2, 129):
        if not bitmap >> (128 - number) & 1:
            continue
        if number in VARIABLE:
            width = int(text[at:at + VARIABLE[number]])
            at += VARIABLE[number]
        else:
            width = FIXED[number]
        fields[number] = text[at:at + width]
        at += width
    if at != len(text):
        raise ValueError("field list and length differ: %d, %d" % (at, len(text)))
    return text[:4], fields


def encode(mti, fields):
    bitmap = 0
    for number in fields:
        bitmap |= 1 << (128 - number)
    secondary = any(n > 64 for n in fields)
    if secondary:
        bitmap |= 1 << 127
    text = mti + ("%032X" % bitmap if secondary else "%016X" % (bitmap >> 64))
    for number in sorted(fields):
        value = fields[number]
        text += ("%0*d" % (VARIABLE[number], len(value)) if number in VARIABLE else "") + value
    return text


class Host:
    """`answer(mti, fields)` gives the fields of the reply (39 and more), or None for silence."""

    def __init__(self, answer=None):
        self.answer = answer or (lambda mti, fields: {39: "00", 38: "A00001"} if mti == "0200" else {39: "00"})
        self.seen = []           # (mti, fields) of every message but network management
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.connections = []
        self.lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        data = b""
        while True:
            try:
                part = connection.recv(65536)
            except OSError:
                return
            if not part:
                return
            data += part
            while len(data) >= 2 and len(data) >= 2 + struct.unpack(">H", data[:2])[0]:
                size = struct.unpack(">H", data[:2])[0]
                self._message(connection, data[2:2 + size].decode("ascii"))
                data = data[2 + size:]

    def _message(self, connection, text):
        mti, fields = parse(text)
        if mti == "0800":
            return self.send(connection, "0810", {7: fields[7], 11: fields[11], 39: "00", 70: fields[70]})
        with self.lock:
            self.seen.append((mti, fields))
        more = self.answer(mti, fields)
        if more is None:
            return None
        kept = {n: fields[n] for n in (2, 3, 4, 7, 11, 12, 13, 32, 37, 41, 42, 49, 90) if n in fields}
        return self.send(connection, "%04d" % (int(mti) + 10), {**kept, **more})

    @staticmethod
    def send(connection, mti, fields):
        text = encode(mti, fields).encode("ascii")
        try:
            connection.sendall(struct.pack(">H", len(text)) + text)
        except OSError:
            pass

    def send_raw(self, data):
        """To every link, whatever it is."""
        with self.lock:
            for connection in self.connections:
                try:
                    connection.sendall(data)
                except OSError:
                    pass

    def drop(self):
        """Closes every link, as a host that falls over."""
        with self.lock:
            for connection in self.connections:
                connection.close()
            self.connections.clear()

    def close(self):
        self.listener.close()
        self.drop()
