"""Papers the provider signed and has put others in place of: good by themselves, and refused."""

from __future__ import annotations

from pathlib import Path

from replaced_house import EDGE_S, TO_S
from test_joint_bill import filed, replaced
from test_shaped_tariffs import FLAT, VAT
from wattseal.record import decode_sealed
from wattseal_host.provider.batch import Checker, Desk
from wattseal_host.replacement import Replacement
from wattseal_host.stretch import Stretch
from wattseal_host.verify import verify_bundle


def test_a_link_by_which_less_is_billed_and_a_contract_taken_away(tmp_path: Path) -> None:
    case = replaced(FLAT, VAT)
    folder = tmp_path / "office"
    archive = filed(case, folder)
    honest = case.bill(full=True)
    old, new = case.meters
    first = Replacement.of(decode_sealed(old.sealed[-1]), new.meter, EDGE_S)
    case.links = [first.sign(case.provider)]
    later = Stretch.from_sealed(new.sealed).period(EDGE_S, TO_S)
    cheaper = case.bill([case.stretches()[0], later], full=True)
    assert cheaper.bundle.statement.amount < honest.bundle.statement.amount
    desk = Desk(folder, archive.public, case.trust, case.ledger(tmp_path / "ledger.db"))
    with Checker(desk) as checker:
        assert checker.check(honest.data).accepted
        assert verify_bundle(cheaper.data, case.trust).accepted
        assert checker.check(cheaper.data).code == "replacement-superseded"
        link = folder / f"replacements/{old.meter.hex()}.jws"
        kept = link.read_text()
        link.unlink()
        assert checker.check(honest.data).code == "replacement-unknown"
        link.write_text(kept)
        (folder / f"contracts/{case.contract_jws[1].digest.hex()}.jws").unlink()
        assert checker.check(honest.data).code == "contract-unknown"
