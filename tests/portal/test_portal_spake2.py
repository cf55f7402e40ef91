"""The scripts' cryptography in a real Chromium: RFC 9382's vectors, and the protocol package on
random inputs."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from portal_bench import Server
from wattseal import export, keytree, labels, p256, spake2
from wattseal.hkdf import hkdf_sha256
from wattseal.record import meter_id
from wattseal_host.portal.site import Site
from wattseal_host.portal.tables import MEMORY, Accounts
from wattseal_host.units import ROUNDING_MODES, divide_rounded

VECTORS = Path(__file__).parents[1] / "protocol" / "rfc9382.json"
RANDOM = random.Random(9382)
ORIGIN = "https://portal.example"


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """A page of the portal, which may import the portal's modules."""
    server = Server(Site(Accounts(MEMORY)))
    context = browser.new_context(base_url=server.url)
    opened = context.new_page()
    opened.goto("/log-on")
    yield opened
    context.close()
    server.close()


def run(page: Any, script: str, value: Any) -> Any:
    """The script's answer; it has the modules' exports and `value` in scope."""
    names = "bytes, hex, big, ascii, hkdf, label, number, constants, spake2, recipient"
    body = f"""async (value) => {{
      const {{ bytes, hex, big, ascii, hkdf, label, number }} = await import("/static/bytes.js");
      const spake2 = await import("/static/spake2.js");
      const recipient = await import("/static/recipient.js");
      const constants = (await import("/protocol.js")).default;
      return (async ({names}) => {{ {script} }})({names});
    }}"""
    return page.evaluate(body, value)


def test_the_vectors_of_rfc_9382(page: Any) -> None:
    vectors = json.loads(VECTORS.read_text())
    found = run(
        page,
        """
        const told = [];
        for (const v of value) {
          const w = BigInt("0x" + v.w), x = BigInt("0x" + v.x), y = BigInt("0x" + v.y);
          const names = [ascii(v.first), ascii(v.second)], none = new Uint8Array();
          const a = spake2.share(0, w, x), b = spake2.share(1, w, y);
          const first = await spake2.finish(0, w, x, a, b, names, none);
          const second = await spake2.finish(1, w, y, b, a, names, none);
          first.check(second.own);
          second.check(first.own);
          told.push([a, b, first.key, second.key, first.own, second.own].map(hex));
        }
        return told;
        """,
        vectors,
    )
    for v, told in zip(vectors, found, strict=True):
        assert told == [
            v["share_first"], v["share_second"], v["key"], v["key"],
            v["confirm_first"], v["confirm_second"],
        ]  # fmt: skip


def test_hkdf_and_passwords_agree(page: Any) -> None:
    cases = [[RANDOM.randbytes(RANDOM.randrange(1, 80)).hex() for _ in range(3)] for _ in range(20)]
    found = run(
        page,
        """
        const told = [];
        for (const [secret, salt, info] of value) {
          const w = await spake2.passwordScalar(bytes(secret), bytes(info));
          const keys = await hkdf(bytes(secret), bytes(salt), bytes(info), 77);
          told.push([hex(keys), hex(big(w, 32))]);
        }
        return told;
        """,
        cases,
    )
    for (secret, salt, info), told in zip(cases, found, strict=True):
        s, a, i = map(bytes.fromhex, (secret, salt, info))
        assert told[0] == hkdf_sha256(s, a, i, 77).hex()
        assert int(told[1], 16) == spake2.password_scalar(s, i)


def test_an_export_between_the_browser_and_the_protocol_package(page: Any) -> None:
    """Random PINs, periods and sessions: one side in the browser, the other in Python."""
    secret = RANDOM.randrange(1, p256.N)
    key = p256.encode_point(p256.multiply(secret, p256.G))
    meter = meter_id(key)
    for case in range(4):
        pin, session = f"{RANDOM.randrange(10**6):06}", RANDOM.randbytes(16)
        start_s = RANDOM.randrange(2**31)
        asked = (ORIGIN.encode(), start_s, start_s + 86400, 1800 * case, key, session)
        page.evaluate("() => { window.told = {}; }")
        told = {
            "origin": ORIGIN, "start": start_s, "end": start_s + 86400, "granularity": 1800 * case,
            "key": key.hex(), "session": session.hex(), "pin": pin,
        }  # fmt: skip
        share = run(
            page,
            """
            const asked = { ...value, key: bytes(value.key), session: bytes(value.session) };
            window.one = new recipient.Recipient(asked);
            return hex(await window.one.share(value.pin));
            """,
            told,
        )
        w = spake2.password_scalar(pin.encode(), labels.EXPORT_PIN)
        ephemeral = RANDOM.randrange(1, p256.N)
        own = spake2.share(spake2.SECOND, w, ephemeral)
        bound = export.binding(*asked)
        keys = spake2.finish(
            spake2.SECOND, w, ephemeral, own, bytes.fromhex(share), (ORIGIN.encode(), meter), bound
        )
        confirmation = run(page, "return hex(await window.one.answer(bytes(value)));", own.hex())
        keys.check(bytes.fromhex(confirmation))
        cipher = export.Cipher(keys.key, bound)
        items = [
            export.item(export.SUM, 1, 5, 77, 2**40 + case, RANDOM.randbytes(32)),
            export.item(export.BLOCK, 0, keytree.BLOCK_RECORDS, 64, 0, RANDOM.randbytes(32)),
        ]
        chunk = cipher.seal(0, True, b"".join(items))
        found = run(
            page,
            """
            await window.one.confirmed(bytes(value.confirmation));
            await window.one.open(0, true, bytes(value.chunk));
            return window.one.items.map(
              (i) => [i.kind, i.channel, i.count, i.seq, String(i.total), hex(i.secret)]);
            """,
            {"confirmation": keys.own.hex(), "chunk": chunk.hex()},
        )
        for item, one in zip(items, found, strict=True):
            kind, channel, count, seq, total, hidden = export.decode_item(item)
            assert one == [kind, channel, count, seq, str(total), hidden.hex()]


@pytest.mark.parametrize(
    "bad", ["", "04" + "00" * 64, "02" + p256.encode_point(p256.G).hex()[2:], "00" * 65]
)
def test_a_share_that_is_no_point_is_refused(page: Any, bad: str) -> None:
    told = run(
        page,
        """
        const names = [ascii("a"), ascii("b")], own = spake2.share(0, 5n, 7n);
        try {
          await spake2.finish(0, 5n, 7n, own, bytes(value), names, new Uint8Array());
        } catch (error) { return error.message; }
        return "";
        """,
        bad,
    )
    assert told == "share"


def test_a_confirmation_of_another_pin_is_refused(page: Any) -> None:
    told = run(
        page,
        """
        const names = [ascii("a"), ascii("b")], none = new Uint8Array();
        const a = spake2.share(0, 5n, 7n), b = spake2.share(1, 6n, 8n);
        const first = await spake2.finish(0, 5n, 7n, a, b, names, none);
        const second = await spake2.finish(1, 6n, 8n, b, a, names, none);
        const told = [];
        for (const one of [second.own, first.own, none]) {
          try { first.check(one); told.push("passed"); } catch (error) { told.push(error.message); }
        }
        return told;
        """,
        None,
    )
    assert told == ["pin"] * 3


def test_no_secret_label_of_the_meter_is_told(page: Any) -> None:
    told = run(page, "return constants.labels;", None)
    assert told["METER_ID"] == labels.METER_ID.hex()
    assert not [name for name in told if name.startswith("METER_") and name != "METER_ID"]
    assert told["EXPORT_PIN"] == labels.EXPORT_PIN.hex()


def test_amounts_are_rounded_as_on_the_host(page: Any) -> None:
    cases = [
        [RANDOM.randrange(-500, 500), RANDOM.choice([1, 2, 7, 10, 100]), mode]
        for mode in ROUNDING_MODES
        for _ in range(30)
    ]
    found = page.evaluate(
        """async (cases) => {
          const { divideRounded } = await import("/static/cost.js");
          return cases.map(([n, d, m]) => Number(divideRounded(BigInt(n), BigInt(d), m)));
        }""",
        cases,
    )
    assert found == [divide_rounded(*case) for case in cases]
