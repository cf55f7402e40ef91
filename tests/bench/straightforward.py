"""The straightforward verifier: what one writes first, and the oracle of all the fast paths.

Every record's own signature by OpenSSL, every commitment decompressed and multiplied on its own,
one addition after another; record fields taken straight from their offsets in SPEC.md 3.1. Of the
project's code it uses the curve's single operations, the tariff's arithmetic and JWS.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from gmpy2 import mpz
from wattseal import p256
from wattseal.errors import Malformed, Refused
from wattseal.generators import H
from wattseal.p256 import G, N
from wattseal_host.bundle import Bundle
from wattseal_host.documents import open_contract, open_enrolment
from wattseal_host.tariff import open_tariff
from wattseal_host.trust import Trust

LABEL = b"wattseal/1/record\0"


def verify(data: bytes, sealed: Sequence[bytes], trust: Trust, full_width: bool = False) -> str:
    """The code of a bill: "accepted" or why not. sealed: the period's records, signatures and all.

    full_width: every multiplication runs over 256 bits, as a general library's does, whatever
    the price; otherwise over the bits the price has.
    """
    try:
        _verify(Bundle.read(data), sealed, trust, full_width)
    except (Malformed, Refused) as error:
        return error.code
    return "accepted"


def _verify(bundle: Bundle, sealed: Sequence[bytes], trust: Trust, full_width: bool) -> None:
    said, proof = bundle.statement, bundle.proof
    enrolment = open_enrolment(bundle.enrolment, trust.providers)[0]
    if enrolment.key not in trust.meters:
        raise Refused("untrusted-keys")
    contract, contract_jws = open_contract(bundle.contract, trust.providers)
    tariff, tariff_jws = open_tariff(bundle.tariffs[0], trust.providers)
    if contract.meter != enrolment.meter:
        raise Refused("contract-meter")

    bodies = [record[:-64] for record in sealed]
    check_chain(sealed, enrolment.key, said.before)
    from_s, to_s = _number(bodies[0], 30), _number(bodies[-1], 30) + _number(bodies[-1], 34)
    agreed = contract.tariffs_for(from_s, to_s)
    if [one.digest for one in agreed] != [tariff_jws.digest]:
        raise Refused("contract-tariff")

    total, magnitude = None, 0
    for body in bodies:
        if body[1] == 3:
            continue
        start_s, end_s = _number(body, 30), _number(body, 30) + _number(body, 34)
        if start_s < tariff.from_s or end_s > tariff.to_s:
            raise Refused("tariff-period")
        for channel, name in enumerate(enrolment.channels):
            over = tariff.steps(name).over(start_s, end_s)
            rule = tariff.long_records
            price = rule.price(over) if len(over) > 1 and rule is not None else over[0][1]
            at = 41 + 38 * channel
            x, y = p256.decode_point(body[at : at + 33])
            total = p256.add(total, _times(price, (mpz(x), mpz(y)), full_width))
            magnitude += abs(price)
    if abs(proof.fee) > magnitude * (2**32 - 1):
        raise Refused("proof-range")
    opened = p256.add(p256.multiply(mpz(proof.fee % N), G), p256.multiply(mpz(proof.blinding), H))
    if total != opened:
        raise Refused("proof-false")

    found = {
        "contract": contract_jws.digest,
        "tariffs": (tariff_jws.digest,),
        "meter": enrolment.meter,
        "key": enrolment.key,
        "from_s": from_s,
        "to_s": to_s,
        "before": bodies[0][-32:],
        "last": hashlib.sha256(LABEL + bodies[-1]).digest(),
        "currency": tariff.currency,
        "amount": tariff.amount(proof.fee, enrolment.unit, from_s, to_s),
    }
    for name, value in found.items():
        if getattr(said, name) != value:
            raise Refused(f"statement-{name.removesuffix('_s')}")


def check_chain(sealed: Sequence[bytes], key: bytes, before: bytes) -> None:
    """One meter, no gap in numbers or time, every link and every signature."""
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
    meter = hashlib.sha256(b"wattseal/1/meter-id\0" + key).digest()[:16]
    first = sealed[0]
    seq, end_s = _number(first, 26), _number(first, 30)
    previous = before if seq else hashlib.sha256(b"wattseal/1/genesis\0" + key).digest()
    for record in sealed:
        body, signature = record[:-64], record[-64:]
        if body[2:18] != meter:
            raise Refused("chain-meter")
        if _number(body, 26) != seq:
            raise Refused("chain-sequence")
        if body[-32:] != previous:
            raise Refused("chain-link")
        if _number(body, 30) != end_s:
            raise Refused("chain-time")
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        try:
            public.verify(utils.encode_dss_signature(r, s), LABEL + body, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as error:
            raise Refused("chain-signature") from error
        previous = hashlib.sha256(LABEL + body).digest()
        seq, end_s = seq + 1, end_s + _number(body, 34)


def _times(price: int, point: tuple[mpz, mpz], full_width: bool) -> tuple[mpz, mpz] | None:
    if full_width:
        return p256.multiply(price % N + (N if price % N < 1 << 255 else 0), point)
    return p256.multiply(abs(price), point if price >= 0 else p256.negate(point))


def _number(record: bytes, at: int) -> int:
    return int.from_bytes(record[at : at + 4], "big")
