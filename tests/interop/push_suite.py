"""What a server of another language and the client do with each other, over Push alone.

A suite says how its server is started; push_server.py says what it answers.
"""

import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from random import Random

HERE = Path(__file__).parent

SERVICE = "paket–dienst 📦"

TEXTS = [
    "",
    "plain",
    "Straße, naïve, e\u0301",
    "日本語, עברית, ไทย",
    "🦀 👩\u200d👩\u200d👧 \U0010ffff",
    '\u0000\u0001\u001f \b\f\n\r\t "\\/ \u007f',
    "\u2028\u2029\ufeff\ufffd",
    "' OR 1=1; --",
]

# The year 1, the last millisecond before the epoch, the epoch, the year 9999.
TIMESTAMPS = [-62_135_596_800_000, -1, 0, 1, 1_767_225_600_000, 253_402_300_799_999]

# The most bytes of an entry, and how many of them are its id: a tag, a length, 16 bytes.
ENTRY_BYTES_MAX = 1 << 20
EVENT_ID_BYTES = 18

# What may be otherwise the next time.
PASSING = """
    CANCELLED UNKNOWN DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED
    FAILED_PRECONDITION ABORTED UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED
""".split()

# The client has so many on their way at once.
IN_FLIGHT_MAX = 64


def event(number, note="", user_id=None, timestamp=0):
    details = {"number": number, "note": note, "insured": False, "tags": [], "stops": []}
    return {"timestamp": timestamp, "type": "parcel.sent", "user_id": user_id, "details": details}


def lost(user_id, timestamp):
    """An event without details."""
    return {"timestamp": timestamp, "type": "parcel.lost", "user_id": user_id, "details": None}


def arbitrary(number, random):
    """One of many; each field is absent, empty, strange and plain in some of them."""
    text, timestamp = lambda: random.choice(TEXTS), random.choice([*TIMESTAMPS, random.randrange(1 << 41)])
    user_id = random.choice([None, text(), f"u-{number}"])
    if random.random() < 0.1:
        return lost(user_id, timestamp)
    stops = [{"city": text()} | ({"zip": text()} if random.random() < 0.5 else {}) for _ in range(random.randrange(3))]
    details = {
        "number": random.choice([number, -(1 << 63), (1 << 63) - 1]),
        "note": text(),
        "insured": random.random() < 0.5,
        "tags": [text() for _ in range(random.randrange(4))],
        "stops": stops,
    }
    if random.random() < 0.5:
        details["weight"] = random.randrange(1, 1 << 20, 2) / 16
    return {"timestamp": timestamp, "type": "parcel.sent", "user_id": user_id, "details": details}


def largest(number, beyond=0):
    """An event with an entry of the most bytes, or so many beyond it."""
    service, event_type = SERVICE.encode(), b"parcel.sent"

    def entry_bytes(note_bytes):
        details = len(json.dumps(event(number)["details"], separators=(",", ":"))) + note_bytes
        # A tag and a length before each text; the length of the details has three bytes, the timestamp 0 has none.
        return 2 + len(service) + 2 + len(event_type) + 4 + details + EVENT_ID_BYTES

    return event(number, "x" * (ENTRY_BYTES_MAX + beyond - entry_bytes(0)))


class PushServer:
    """A server of another language, as a process that can die."""

    def __init__(self, command, file, port=0, dies_after=0):
        self.file = file
        self.process = subprocess.Popen([*command, file, str(port), str(dies_after)], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://"), "the server did not start"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def port(self):
        return self.url.rsplit(":", 1)[1]

    def stored(self):
        """Every event that it stored, and how often. Its death may have cut the last line."""
        return Counter(self.file.read_text().split("\n")[:-1])


class Delivery:
    """The client, as a process that delivers these events and ends."""

    def __init__(self, url, events, folder):
        file = folder / "events.ndjson"
        file.write_text("".join(json.dumps(event) + "\n" for event in events))
        command = [os.environ["LOGEATER_DELIVER"], url, SERVICE, file]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def report(self):
        """What became of the events, and how many requests were made again."""
        line, _ = self.process.communicate(timeout=150)
        assert self.process.returncode == 0
        report = json.loads(line)
        return report, report.pop("retries")


def as_stored(event):
    """What the server writes of an event: a field that is absent is not there, and the details are the text of the wire."""
    optional = {"user_id": event["user_id"]}
    if event["details"] is not None:
        optional["details"] = event["details"]
    fields = {name: value for name, value in optional.items() if value is not None}
    return {"timestamp": str(event["timestamp"]), "service": SERVICE, "type": event["type"]} | fields


def canonical(stored):
    return json.dumps(stored, sort_keys=True)


def read_back(lines):
    """The stored events, with their details as the object that they are."""
    found = Counter()
    for line, times in lines.items():
        stored = json.loads(line)
        if "details" in stored:
            stored["details"] = json.loads(stored["details"])
        found[canonical(stored)] += times
    return found


def expected(events):
    return Counter(canonical(as_stored(event)) for event in events)


def ends(emitted, delivered, rejected=0, dropped=0):
    """A report in which nothing is pending."""
    return {"emitted": emitted, "delivered": delivered, "rejected": rejected, "dropped": dropped, "pending": 0}


class PushSuite:
    def test_ten_thousand_events_are_read_back_equal(self, command, tmp_path):
        random = Random(1)
        events = [arbitrary(number, random) for number in range(9_998)] + [largest(9_998), largest(9_999)]
        with PushServer(command, tmp_path / "stored") as server:
            report, _ = Delivery(server.url, events, tmp_path).report()
            stored = read_back(server.stored())
        assert report == ends(emitted=10_000, delivered=10_000)
        assert (stored - expected(events), expected(events) - stored) == ({}, {})

    def test_an_event_one_byte_beyond_the_limit_is_not_sent(self, command, tmp_path):
        with PushServer(command, tmp_path / "stored") as server:
            report, _ = Delivery(server.url, [event(0), largest(1, beyond=1)], tmp_path).report()
            stored = read_back(server.stored())
        assert report == ends(emitted=2, delivered=1, dropped=1)
        assert stored == expected([event(0)])

    def test_what_the_server_refuses_costs_no_other_event(self, command, tmp_path):
        events = [event(number, user_id="refused" if number % 10 == 7 else None) for number in range(1_000)]
        with PushServer(command, tmp_path / "stored") as server:
            report, _ = Delivery(server.url, events, tmp_path).report()
            stored = read_back(server.stored())
        assert report == ends(emitted=1_000, delivered=900, rejected=100)
        assert stored == expected(event for event in events if event["user_id"] is None)

    def test_every_code_that_can_pass_is_tried_again(self, command, tmp_path):
        codes = ["INVALID_ARGUMENT", "OUT_OF_RANGE", *PASSING]
        events = [event(number, user_id=code) for number, code in enumerate(codes)]
        with PushServer(command, tmp_path / "stored") as server:
            report, retries = Delivery(server.url, events, tmp_path).report()
            stored = read_back(server.stored())
        assert retries > 0
        assert report == ends(emitted=16, delivered=14, rejected=2)
        assert stored == expected(events[2:])

    def test_a_server_that_dies_and_comes_back_gets_every_event(self, command, tmp_path):
        events = [event(number) for number in range(5_000)]
        with PushServer(command, tmp_path / "first", dies_after=1_000) as first:
            delivery = Delivery(first.url, events, tmp_path)
            first.process.wait(timeout=60)
        with PushServer(command, tmp_path / "second", first.port()) as second:
            report, retries = delivery.report()
            stored = read_back(first.stored()) + read_back(second.stored())
        assert retries > 0
        assert report == ends(emitted=5_000, delivered=5_000)
        assert stored.keys() == expected(events).keys()
        # A server that does not know ids has what it did not answer twice, and only that.
        repeated = stored - expected(events)
        assert 1 <= repeated.total() <= IN_FLIGHT_MAX
