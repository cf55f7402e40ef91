"""The provider's desk and the customer's secret file: pinned keys, modes, strict files."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from sealed_house import START_S, House, SealingMeter, calendar_tariff
from wattseal.errors import Misuse, Refused
from wattseal_host.collect.customer import Pairing
from wattseal_host.customer.readings import from_ledger
from wattseal_host.customer.store import Secrets
from wattseal_host.documents import Agreed, Contract
from wattseal_host.errors import Unusable
from wattseal_host.files import read_token, write_atomic
from wattseal_host.ledger import Ledger
from wattseal_host.provider.office import Office
from wattseal_host.trust import Trust
from wattseal_host.verify import verify_bundle


@pytest.fixture
def secrets(house: House) -> Secrets:
    meter = house.meter
    return Secrets(meter.meter, meter.key, {1: meter.secrets[1]})


def test_an_office_signs_and_files(tmp_path: Path, house: House) -> None:
    office = Office.create(tmp_path / "office")
    agreed = Agreed(bytes(32), 0, 10)
    with pytest.raises(Misuse, match="meter-not-enrolled"):
        office.agree(Contract("1", house.meter.meter, (agreed,)))
    office.enrol(house.enrolment)
    assert office.enrolments() == [house.enrolment]
    assert office.trust() == Trust((office.public,), (house.meter.key,))
    assert Trust.read(office.trust().write()) == office.trust()
    signed = office.publish(calendar_tariff(START_S, START_S + 86400))
    path = tmp_path / "office" / "tariffs" / f"{signed.digest.hex()}.jws"
    assert read_token(path) == signed.token
    assert Office(tmp_path / "office").public == office.public
    with pytest.raises(Misuse, match="key-exists"):
        Office.create(tmp_path / "office")


def test_secrets_are_for_their_owner(tmp_path: Path, secrets: Secrets) -> None:
    path = tmp_path / "secrets.json"
    secrets.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Secrets.load(path) == secrets
    assert secrets.epochs[1].hex() not in repr(secrets)
    path.chmod(0o640)
    with pytest.raises(Misuse, match="secret-exposed"):
        Secrets.load(path)
    path.chmod(0o600)
    value = json.loads(path.read_bytes())
    value["epochs"] *= 2
    write_atomic(path, json.dumps(value).encode(), 0o600)
    with pytest.raises(Unusable, match="secrets-malformed"):
        Secrets.load(path)


def test_a_meter_is_pinned_at_the_first_pairing(house: House, secrets: Secrets) -> None:
    meter = house.meter
    again = Pairing(meter.meter, meter.key, 2, bytes(32))
    assert sorted(Secrets.paired(again, secrets).epochs) == [1, 2]
    other = SealingMeter("other")
    with pytest.raises(Refused, match="meter-pinned"):
        Secrets.paired(Pairing(other.meter, other.key, 2, bytes(32)), secrets)
    with pytest.raises(Refused, match="meter-id"):
        Secrets.paired(Pairing(meter.meter, other.key, 2, bytes(32)))
    assert secrets.pinned(house.trust).meters == (meter.key,)
    with pytest.raises(Refused, match="untrusted-keys"):
        secrets.pinned(Trust(house.trust.providers, (other.key,)))


def test_readings_from_the_ledger_with_the_secret_alone(
    tmp_path: Path, house: House, secrets: Secrets
) -> None:
    with Ledger(tmp_path / "l.db") as ledger:
        ledger.add_meter(house.enrolment)
        ledger.append(house.meter.meter, house.meter.sealed, "utility")
        found = from_ledger(ledger, secrets, 0, 2**32)
        assert {o.seq: (o.value,) for o in found} == house.meter.values
        stranger = Secrets(secrets.meter, secrets.key, {1: bytes(32)})
        with pytest.raises(Refused, match="epoch-secret"):
            from_ledger(ledger, stranger, 0, 2**32)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"format":"wattseal-trust/2","providers":[],"meters":[]}',
        b'{"format":"wattseal-trust/1","providers":[{"key":"02"}],"meters":[]}',
        b'{"format":"wattseal-trust/1","providers":[{"key":"02' + b"ff" * 32 + b'"}],"meters":[]}',
        b'{"format":"wattseal-trust/1","providers":[],"meters":[],"more":1}',
    ],
)
def test_a_trust_file_is_taken_whole_or_not_at_all(data: bytes) -> None:
    with pytest.raises(Unusable, match="trust-malformed"):
        Trust.read(data)


def test_a_trusted_meters_id_must_be_its_keys(house: House) -> None:
    value = json.loads(house.trust.write())
    value["meters"][0]["meter"] = "00" * 16
    with pytest.raises(Unusable, match="trust-malformed"):
        Trust.read(json.dumps(value).encode())


def test_two_channels_are_billed_each_by_its_price() -> None:
    tariff = calendar_tariff(START_S, START_S + 86400)
    meter = SealingMeter("solar", channels=2).origin().reading(500, 2000)
    document = dict(tariff.document)
    document["parts"] = [
        *document["parts"],
        {"type": "flat", "name": "feed-in", "channel": "export", "price": -820},
    ]
    from wattseal_host.tariff import Tariff

    house = House(meter, Tariff.read(document), to_s=START_S + 1800)
    assert house.bill(consent=True).bundle.proof.fee == 500 * 1255 - 2000 * 820
    assert house.bill(consent=True).verdict.amount == "-0.10"


def test_of_several_providers_each_has_its_meters(house: House) -> None:
    bundle = house.bill().data
    other = SealingMeter("another provider").key
    both = (house.public, other)
    unbound = Trust(both, house.trust.meters)
    theirs = Trust(both, house.trust.meters, {house.meter.key: other})
    ours = Trust(both, house.trust.meters, {house.meter.key: house.public})
    for trust, code in (
        (unbound, "untrusted-keys"),
        (theirs, "untrusted-keys"),
        (ours, "accepted"),
    ):
        assert Trust.read(trust.write()) == trust
        assert verify_bundle(bundle, trust).code == code
    value = json.loads(ours.write())
    value["meters"][0]["provider"] = "SHA256:unknown"
    with pytest.raises(Unusable, match="trust-malformed"):
        Trust.read(json.dumps(value).encode())


def test_a_folder_that_is_not_there_is_named_as_it_was_asked_for(tmp_path: Path) -> None:
    """And not the temporary file that would have been made in it."""
    with pytest.raises(FileNotFoundError) as caught:
        write_atomic(tmp_path / "none" / "readings.csv", b"")
    assert caught.value.filename == str(tmp_path / "none" / "readings.csv")
