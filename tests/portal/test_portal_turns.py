"""Whose turn it is: strangers at one's meter, and requests that wait for it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from handed_file import file_of
from peer_meter import PeerMeter
from portal_bench import Clock
from relay_bench import Bench, Customer, to_the_pin
from sealed_house import SealingMeter
from wattseal.errors import Refused
from wattseal_host.portal import handed
from wattseal_host.portal.asking import SERVING
from wattseal_host.portal.tables import Account, Accounts
from wattseal_host.portal.turns import OF_A_METER, OF_AN_ACCOUNT, OWNER_S, Turns


def strangers(bench: Bench, house: SealingMeter, count: int) -> list[Customer]:
    found = [Customer(bench.server.url) for _ in range(count)]
    for number, one in enumerate(found):
        one.sign_up(f"stranger{number}", house.meter)
    return found


def test_strangers_keep_nobody_from_a_meter_of_theirs(
    customer: Customer, meter: PeerMeter, bench: Bench, house: SealingMeter
) -> None:
    """Two accounts that ask as often as they may, against one that has typed a PIN before."""
    others = strangers(bench, house, 2)
    customer.type_pin(to_the_pin(customer, meter))
    customer.until("done")
    bench.clock.ahead_s += OWNER_S + 1  # and everybody is logged off
    for number, one in enumerate(others):
        one.log_on(f"stranger{number}")
    for _ in range(12):
        for one in others:
            one.ask()
        bench.clock.ahead_s += 7
    refused = [one.ask() for one in others]
    assert any(answer.status_code == 429 for answer in refused)
    customer.log_on("ada")
    answer = customer.ask()
    assert answer.status_code == 200 and "Too many tries" not in answer.text
    bench.clock.ahead_s += 60
    for one in others:
        assert "Another request is in hand" in one.ask().text  # it is the owner's turn
    bench.clock.ahead_s += OWNER_S + 1
    others[0].log_on("stranger0")
    assert "Another request is in hand" not in others[0].ask().text


def test_who_has_typed_a_pin_is_kept_with_the_account(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'portal.db'}"
    accounts = Accounts(url)
    ada, bob = (accounts.add(name, "x", bytes(16)) for name in ("ada", "bob"))
    for _ in range(2):
        accounts.prove(ada.number)
    accounts.close()
    accounts = Accounts(url)
    assert accounts.proved(ada) and not accounts.proved(bob)
    accounts.remove(ada)
    accounts.prove(ada.number)  # an export that ends after its account did
    assert not accounts.proved(ada)
    accounts.close()


def test_a_wrong_pin_proves_nothing(customer: Customer, meter: PeerMeter, bench: Bench) -> None:
    pin = to_the_pin(customer, meter)
    customer.type_pin("000000" if pin != "000000" else "000001")
    customer.until("failed")
    account = bench.site.accounts.named("ada")
    assert account is not None and not bench.site.accounts.proved(account)


def test_requests_of_one_account_that_wait(
    customer: Customer, meter: PeerMeter, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer.ask(mode="browser")
    (session,) = bench.site.sessions._sessions.values()
    assert session.asking is not None and bench.site.exports is not None
    session.asking.phase = SERVING
    go_on = threading.Event()
    inside: list[int] = []

    def slow(asking: object, number: int) -> bytes:
        inside.append(number)
        go_on.wait(20)
        return b"x"

    monkeypatch.setattr(bench.site.exports, "chunk", slow)
    answers: list[int] = []
    cookies = customer.http.cookies

    def get(number: int) -> None:
        other = Customer(bench.server.url, cookies=cookies)
        answers.append(other.http.get(f"/export/chunk/{number}").status_code)

    threads = [threading.Thread(target=get, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    while len(answers) < 12 - OF_AN_ACCOUNT:
        threads[0].join(0.05)
    assert len(inside) == OF_AN_ACCOUNT and set(answers) == {503}
    assert customer.http.get("/export").status_code == 429
    go_on.set()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] * OF_AN_ACCOUNT + [503] * (12 - OF_AN_ACCOUNT)
    assert customer.http.get("/export/chunk/1").status_code == 200


def test_accounts_of_one_meter_share() -> None:
    turns = Turns()
    accounts = [Account(number, str(number), "x", bytes(16)) for number in range(9)]
    held = [turns.of(account) for account in accounts[:OF_A_METER]]
    for one in held:
        one.__enter__()
    with pytest.raises(Refused, match="too-often"), turns.of(accounts[8]):
        pass
    with turns.of(Account(10, "other", "x", bytes([1] * 16))):
        pass
    for one in held:
        one.__exit__(None, None, None)
    with turns.of(accounts[8]):
        pass


def test_readings_lie_in_one_place(house: SealingMeter, clock: Clock) -> None:
    """An array that grew would have left copies that nobody overwrites."""
    found = handed.read(file_of(house), house.meter)
    for packed in found.values.values():
        assert len(packed) == 8 * 96 and packed.__alloc__() <= len(packed) + 1
    assert found.column()[7] == 3_141_592_653
