"""The customer's consent that the utility port shows consumption, and what it then shows."""

from micropython import const
from wattseal.errors import Malformed, Refused
from wattseal.events import GIVEN, WITHDRAWN
from wattseal.hashing import hmac_sha256
from wattseal.labels import METER_CHALLENGE
from wattseal.orders import CHALLENGE_BYTES, consent_proof

from meter.energy import UJ_PER_WH

_VALID_MS = const(60_000)


class Consent:
    """Who proves to know the epoch secret decides; `events` tells the chain. Others: as named."""

    def __init__(self, clock, keys, events, metering):
        self._clock = clock
        self._keys = keys
        self._events = events
        self._metering = metering
        self._challenge = b""
        self._given_ms = 0

    def disclosed(self):
        """Return what the utility may see, None without consent (see `sunspec`)."""
        if not self._events.consented():
            return None
        sensor = self._metering.sensor
        energy = self._metering.energy
        return (
            sensor.current_ma, sensor.voltage_mv, sensor.mains_mhz, energy.power_mw,
            sensor.apparent_mva, sensor.reactive_mvar, energy.export_uj // UJ_PER_WH,
            energy.import_uj // UJ_PER_WH,
        )

    def challenge(self):
        """Return (whether consent is given, a fresh challenge), which replaces the one before."""
        self._challenge = hmac_sha256(self._keys.random(METER_CHALLENGE), METER_CHALLENGE)[
            :CHALLENGE_BYTES
        ]
        self._given_ms = self._clock.monotonic_ms()
        return self._events.consented(), self._challenge

    def take_challenge(self):
        """Return the challenge, which serves once; b"" if there is none, or it is too old."""
        challenge = self._challenge
        self._challenge = b""
        late = self._clock.monotonic_ms() - self._given_ms > _VALID_MS
        return b"" if late else challenge

    async def decide(self, state, proof):
        """Give or withdraw consent; in the chain on return.

        Refused `consent-proof` for a wrong or late proof, `consent-busy` where the chain takes no
        consent now. Malformed `bad-command` for another state than GIVEN and WITHDRAWN.
        """
        if state not in (GIVEN, WITHDRAWN):
            raise Malformed("bad-command")
        challenge = self.take_challenge()
        keys = self._keys
        if (
            not challenge
            or proof != consent_proof(keys.epoch_secret, keys.meter, keys.epoch, challenge, state)
        ):
            raise Refused("consent-proof")
        if not await self._events.consent(state):
            raise Refused("consent-busy")
