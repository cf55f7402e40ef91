"""`wattseal customer consents|revoke`: who may have what of the meter, and no longer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattseal_host.cli import output

if TYPE_CHECKING:
    from wattseal_host.customer.applets import Applet
    from wattseal_host.customer.store import Secrets

_Port = Annotated[str, typer.Option(help="The meter's customer port.")]
_Secrets = Annotated[Path | None, typer.Option("--secrets", help="The customer's secret file.")]
_SURE_DIGITS = 32  # 128 bits: nobody finds another applet that begins with them
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def consents(
    port: _Port,
    approve: Annotated[
        str,
        typer.Option(
            help="Approve the waiting applet with this digest; its beginning does where a terminal "
            "can ask."
        ),
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing: 32 digits of the digest do.")
    ] = False,
    secrets: _Secrets = None,
    as_json: _Json = False,
) -> None:
    """Who may have what: live values on the utility port, and the applets on the meter."""
    from wattseal_host.collect.customer import CustomerPort
    from wattseal_host.customer import applets

    with CustomerPort(port) as customer:
        if approve:
            held = _held(secrets)
            chosen = _agreed(applets.listed(customer), approve, yes)
            applets.decide(customer, held, chosen.digest, True)
        live = customer.consent()[0]
        told = [applet.describe() for applet in applets.listed(customer)]
    lines = [f"live values on the utility port: {'shown' if live else 'not shown'}"]
    lines += [_line(applet) for applet in told] or ["no applet may export"]
    output.emit({"live": live, "applets": told}, lines, as_json)


def revoke(
    port: _Port,
    secrets: Annotated[Path, typer.Option("--secrets", help="The customer's secret file.")],
    applet: Annotated[str, typer.Argument(help="An applet's digest (or its beginning), or all.")],
    as_json: _Json = False,
) -> None:
    """Withdraw an applet, or all of them and live values: from now on nothing leaves for them."""
    from wattseal_host.collect.customer import CustomerPort
    from wattseal_host.customer import applets
    from wattseal_host.customer import consent as live

    held = _held(secrets)
    with CustomerPort(port) as customer:
        there = [one for one in applets.listed(customer) if one.approved]
        chosen = there if applet == "all" else [_chosen(there, applet)]
        for one in chosen:
            applets.decide(customer, held, one.digest, False)
        if applet == "all":
            live.decide(customer, held, False)
    names = [one.manifest.name.decode() for one in chosen]
    output.emit(
        {"withdrawn": [one.digest.hex() for one in chosen]},
        [f"withdrawn: {name}" for name in names] or ["there was nothing to withdraw"],
        as_json,
    )


def _held(secrets: Path | None) -> Secrets:
    from wattseal.errors import Misuse

    from wattseal_host.customer.store import Secrets

    if secrets is None:
        raise Misuse("secrets", "an approval needs --secrets")
    return Secrets.load(secrets)


def _chosen(there: list[Applet], digest: str) -> Applet:
    from wattseal.errors import Refused

    found = [one for one in there if one.digest.hex().startswith(digest.lower())]
    if len(digest) < 4 or len(found) != 1:
        raise Refused("applet-unknown", f"{len(found)} applets begin with {digest}")
    return found[0]


def _agreed(there: list[Applet], digest: str, yes: bool) -> Applet:
    """The applet to approve. Whoever asks for it chooses its digest's first digits, and which one
    waits: a beginning alone is no name. So it is shown and asked for, or named by 128 bits."""
    from wattseal.errors import Misuse, Refused

    chosen = _chosen(there, digest)
    whole = chosen.digest.hex()
    if len(digest) >= (_SURE_DIGITS if yes else len(whole)):
        return chosen
    if yes or not sys.stdin.isatty():
        raise Misuse("applet-digest", f"say {_SURE_DIGITS} digits with --yes, or all of them")
    for line in (_line(chosen.describe()), whole):
        typer.echo(output.plain(line), err=True)
    if not typer.confirm("Shall it have that?", err=True):
        raise Refused("applet-declined", "nothing was approved")
    return chosen


def _line(applet: dict[str, object]) -> str:
    state = "approved" if applet["approved"] else "waits"
    how = "each by a PIN" if applet["each_by_pin"] else "without a PIN"
    often = f", {applet['every_s']} s apart" if applet["every_s"] else ""
    what, far = applet["granularity_s"], applet["reach_s"]
    fine = f"not finer than {what} s" if what else "every reading"
    back = f"the last {far} s" if far else "all there is"
    return (
        f"{str(applet['digest'])[:_SURE_DIGITS]}  {state}: {how}{often}, {applet['reads']}, "
        f"{fine}, {back}; {applet['name']} {applet['version']} by {applet['publisher']} "
        f"({applet['publisher_key']}) for {applet['recipient']}"
    )
