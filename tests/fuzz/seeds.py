"""Seeds of the fuzz targets: real files and real bytes of a small case, made at run time."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from pymodbus.framer import FramerRTU
from scripted_meter import ScriptedMeter
from sealed_house import START_S, House, SealingMeter
from wattseal_host import wide_message
from wattseal_host.collect.registers import SLOT_BYTES_USED
from wattseal_host.collect.stream import crc16_arc
from wattseal_host.collect.tap import TO_HOST, TO_METER
from wattseal_host.customer import group_rounds
from wattseal_host.customer.disclose import make_disclosure
from wattseal_host.customer.group_store import Member
from wattseal_host.customer.openings import Opener
from wattseal_host.customer.releases import Releases
from wattseal_host.documents import Enrolment
from wattseal_host.encoding import to_base64url
from wattseal_host.engine import commitment_to
from wattseal_host.evidence import Evidence
from wattseal_host.joint_bundle import read_any
from wattseal_host.proof import Builder, Instance, gadgets, prove
from wattseal_host.strict_json import dumps
from wattseal_host.trust import Trust


class KnownMeter(SealingMeter):
    @property
    def configuration(self) -> Enrolment:
        return HOUSE.enrolment


def _chain(first: int) -> KnownMeter:
    meter = KnownMeter("fuzzed")
    meter.origin().reading(1).paired().reading(first)
    for value in range(6):
        meter.reading(value)
    return meter


METER, FORK = _chain(5), _chain(50)
HOUSE = House(METER, to_s=START_S + 6 * 1800)
TRUST: Trust = HOUSE.trust
BUNDLE: bytes = HOUSE.bill(consent=True).data
JOINT: bytes = Path(__file__).parents[1].joinpath("host/kept/joint-linear.json").read_bytes()


def frame(pdu: bytes) -> bytes:
    data = b"\x01" + pdu
    return data + FramerRTU.compute_CRC(data).to_bytes(2, "big")


def registers(data: bytes) -> bytes:
    return frame(b"\x03" + bytes([len(data)]) + data)


def modbus_exchanges() -> list[tuple[bytes, bytes]]:
    """(request, answer) of a whole collection over the utility port."""
    u32 = [len(METER.sealed), 0, 1, 1, START_S]
    status = b"".join(number.to_bytes(4, "big") for number in u32) + b"\0\7"
    identity = (
        b"WSL1\0\1" + METER.meter + METER.key + b"\0" + (1800).to_bytes(4, "big") + b"\0\0\0\1"
    )
    found = [
        (frame(b"\x03\0\0\0\x20"), registers(identity)),
        (frame(b"\x03\0\x40\0\x0b"), registers(status)),
        (frame(b"\x03\0\x80\0\x6c"), registers(slot(METER.sealed[-1]))),
        (frame(b"\x03\0\x80\0\x7f"), frame(b"\x83\3")),
    ]
    for seq, sealed in enumerate(METER.sealed):
        asked = b"\x14\x07\x06\0\1" + (120 * seq).to_bytes(2, "big")
        told = slot(sealed)
        answer = b"\x14" + bytes([len(told) + 2, len(told) + 1, 6]) + told
        found.append((frame(asked + (SLOT_BYTES_USED // 2).to_bytes(2, "big")), frame(answer)))
    return found


def slot(sealed: bytes) -> bytes:
    return (len(sealed).to_bytes(2, "big") + sealed).ljust(SLOT_BYTES_USED, b"\0")


def telegram(sealed: bytes) -> bytes:
    lines = b"1-3:0.2.8(50)\r\n1-0:1.7.0(00.123*kW)\r\n"
    body = (
        b"/WSL5\\w\r\n\r\n" + lines + b"0-0:96.128.0(" + sealed.hex().upper().encode() + b")\r\n!"
    )
    return body + b"%04X\r\n" % crc16_arc(body)


def dialogue() -> list[tuple[bytes, bytes]]:
    """The same over the customer port."""
    meter = ScriptedMeter(METER)
    asked = [b"?status\r\n", b"?history 0 4\r\n", b"?history 4 40\r\n", b"?pair 00\r\n"]
    return [(line, meter.answer(line)) for line in asked]


def container(kind: str, exchanges: list[tuple[bytes, bytes]]) -> bytes:
    lines = [dumps({"format": "wattseal-capture/1", "ports": [{"kind": kind, "port": "a"}]})]
    for at, pair in enumerate(exchanges):
        for to, data in zip((TO_METER, TO_HOST), pair, strict=True):
            chunk = {"at_us": START_S * 1_000_000 + at, "port": 0, "to": to}
            lines.append(dumps({**chunk, "data": to_base64url(data)}))
    return b"".join(line + b"\n" for line in lines)


def _stream(exchanges: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(one + other for one, other in exchanges)


@lru_cache
def small_proof() -> tuple[Instance, bytes]:
    """That the reading behind a commitment is 0 to 5, and its proof."""
    b = Builder()
    gadgets.range_check(b, b.input(0, 255, 4), 0, 5)
    circuit, assignment = b.finish()
    instance = Instance(circuit, [commitment_to(4, 99)], [], [(b"of", b"fuzz")])
    return instance, prove(instance, assignment, [99], entropy=bytes(32))


def _disclosure() -> bytes:
    return make_disclosure(
        ["sum(import)"], HOUSE.stretch(), Opener(METER.meter, METER.secrets),
        HOUSE.enrolment_jws.token, TRUST, Releases(METER.meter), "fuzz", "fuzz", consent=True,
    ).data  # fmt: skip


def _kept_tape() -> bytes:
    """The beginning of a kept tape, and its end."""
    lines = (Path(__file__).resolve().parents[1] / "tapes" / "record-1.tape").read_bytes()
    whole = lines.splitlines(keepends=True)
    return b"".join([*whole[:12], whole[-1]])


_TABLES = (
    b"# words\nfrom_kwh,to_kwh,eur_per_kwh\n0,100,0.2\n100,,0.3\n",
    b"tier,from_pct_baseline,to_pct_baseline,eur_per_kwh\n1,0,100,0.2\n2,100,,0.3\n",
    b"regime,from_kwh,to_kwh,eur_per_kwh,fixed\ntelescopic,0,50,3,35\nnontelescopic,50,,5,9\n",
    b"date,bands48\n2026-01-01," + b"NH" * 24 + b"\n",
)
_OFFER = json.dumps(
    {
        "meta": {"currency": "EUR", "timezone": "UTC", "unit": "kWh"},
        "tariff": {
            "kind": "tou",
            "import": {
                "bands": [{"id": "a", "rate": 0.2}, {"id": "b", "rate": 0.1}],
                "schedule": [
                    {"days": "all", "from": "22:00", "to": "06:00", "band": "b"},
                    {"days": "all", "from": "06:00", "to": "22:00", "band": "a"},
                ],
            },
            "supply": {"daily": 0.5},
        },
    }
).encode()


def _rate() -> bytes:
    """A URDB rate with everything an import takes."""
    hours = [[0] * 17 + [1] * 4 + [0] * 3] * 12
    rate = {
        "energyratestructure": [[{"max": 9, "rate": 0.1}, {"rate": 1}], [{"rate": 0.2, "adj": 1}]],
        "energyweekdayschedule": hours,
        "energyweekendschedule": [[0] * 24] * 12,
        "flatdemandstructure": [[{"rate": 2}]],
        "flatdemandmonths": [0] * 12,
        "demandratestructure": [[{"rate": 0}], [{"rate": 3}]],
        "demandweekdayschedule": hours,
        "demandweekendschedule": hours,
        "fixedchargefirstmeter": 5,
        "mincharge": 7,
    }
    return json.dumps(rate).encode()


@lru_cache
def seeds() -> dict[str, list[bytes]]:
    """Target -> seeds; each target has some, or this is a KeyError where it is asked for."""
    tokens = [HOUSE.enrolment_jws, HOUSE.contract_jws, HOUSE.tariff_jws]
    evidence = Evidence.of(METER.key, METER.sealed[3], FORK.sealed[3]).write()
    secrets = dumps(
        {
            "format": "wattseal-customer/1",
            "meter": METER.meter.hex(),
            "key": METER.key.hex(),
            "epochs": [{"epoch": 1, "secret": METER.secrets[1].hex()}],
        }
    )
    releases = {"format": "wattseal-releases/1", "meter": METER.meter.hex(), "made": []}
    modbus, spoken = modbus_exchanges(), dialogue()
    telegrams = b"".join(map(telegram, METER.sealed))
    answers = [answer for _, answer in modbus]
    lines = [line.split(b" ", 1)[1] for _, reply in spoken for line in reply.split(b"\r\n")[:-1]]
    share = {"meter": METER.meter.hex(), "key": METER.key.hex(), "share": "04" * 65}
    paired = {"epoch": 1, "confirmation": "5e" * 32, "random": "5f" * 32}
    opening = b"3 0 5 0 " + b"07" * 32
    from fuzz import access_seeds  # it takes the meter from here

    return {
        **access_seeds.seeds(),
        "arrival": [*METER.sealed, b"wattseal fuzz: next".join(METER.sealed), *FORK.sealed[3:5]],
        "bundle": [BUNDLE, json.dumps(json.loads(BUNDLE), indent=1).encode(), JOINT],
        "bundle-fields": [bytes(range(at, at + 40)) for at in (0, 40, 80)],
        "capture": [
            container("customer", spoken),
            container("utility", modbus),
            _stream(spoken),
            _stream(modbus),
            telegrams,
        ],
        "customer-files": [secrets, dumps(releases)],
        "disclosure": [
            _disclosure(),
            b"sum(import[2025-01-01..2025-01-02]) * 3 > count(export, 7)",
        ],
        "documents": [token.token.encode() for token in tokens],
        "evidence": [evidence],
        "group-papers": [group_rounds.join(Member.fresh(METER.meter)).encode()],
        "imports": [_rate(), _OFFER, *_TABLES],
        "load-csv": [b"start,kwh\n2026-01-01T00:00,0.5\n2026-01-01T00:30,0.25\n"],
        "message": [
            wide_message.write(one.statement, one.proof) for one in map(read_any, (BUNDLE, JOINT))
        ],
        "modbus-answers": answers,
        "modbus-stream": [_stream(modbus), *(one + other for one, other in modbus)],
        "payloads": [dumps(token.payload) for token in tokens],
        "price-csv": [
            b"start,price\n2026-01-01T00:00,0.5\n2026-01-01T00:30,-0.25\n",
            b"a,b,c\n2026-03-29 00:30:00+00:00,x,1e-3\n2026-03-29 01:30:00+00:00,y,7\n",
        ],
        "proof": [small_proof()[1]],
        "record": [*METER.sealed, METER.sealed[1][:-64]],
        "replies": [*lines, dumps(share), dumps(paired), opening],
        "tape": [_kept_tape()],
        "telegrams": [telegrams, _stream(spoken), telegrams[:700] + spoken[0][1] + telegrams[700:]],
        "trust": [TRUST.write()],
    }
