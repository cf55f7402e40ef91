"""The customer port: telegrams, and a line protocol between them.

A command is a line `?name arguments`; every line of an answer begins with `#` and holds neither
`/` nor `!`, so that telegram readers skip it. Telegrams and lines are written whole, one at a
time.

    ?status               #status {json}
    ?measurement          #measurement {json}          (of the last burst; sums since boot)
    ?pair HEX130          #pair {json}                 (a share, in the minute after the button)
    ?pair HEX64 HEX64     #pair {json}                 (confirmation and random bytes, after it)
    ?consent              #consent {json}              (and a challenge)
    ?consent STATE HEX64  #consent {json}              (1 gives, 2 withdraws; with a proof)
    ?applet               #applet {json} ...           #end COUNT
    ?applet STATE HEX64 HEX64   #applet {json}         (1 approves, 2 withdraws; digest, proof)
    ?history FROM COUNT   #record SEQ HEX ...          #end NEXT
    ?openings FROM COUNT  #opening SEQ CHANNEL VALUE FLAGS BLINDINGHEX ...   #end NEXT
    ?bill ...             #bill {json}                 (see `bill`)
    ?prices ...           #prices {json}               (see `prices`)

Anything else is answered by `#error CODE`, once for each line.
"""

import asyncio

from micropython import const
from wattseal.errors import Malformed, Refused

from meter.energy import UJ_PER_WH
from meter.once import once
from meter.p1 import Telegrams
from meter.public import FIRMWARE_VERSION
from meter.watchdog import CUSTOMER

_LONGEST_LINE = const(140)
_WRITTEN_MS = const(10_000)

_STATUS = (
    '#status {{"version":"{}","meter":"{}","key":"{}","epoch":{},"boot":{},"next_seq":{},'
    '"oldest_seq":{},"interval_s":{},"unit_exponent":{},"channel_set":{},"register_wh":{},'
    '"export_wh":{},"sealed_units":[{}],"clock_s":{},"clock_set":{},"power_mw":{},"power_w":{},'
    '"voltage_mv":{},"current_ma":{},"pairing_open":{},"pairing_pending":{},"status":{}}}'
)


class CustomerPort:
    """Serves one stream. `metering` gives registers and power, the others what their names say."""

    def __init__(
        self, stream, clock, metering, pairing, keys, openings, log, public, telegram_ms,
        consent, watchdog, hall,
    ):
        self._stream = stream
        self._clock = clock
        self._metering = metering
        self._pairing = pairing
        self._keys = keys
        self._openings = openings
        self._log = log
        self._public = public
        self._telegram_ms = telegram_ms
        self._telegrams = Telegrams(public.meter)
        self._consent = consent
        self._watchdog = watchdog
        self._hall = hall
        self._turn = asyncio.Lock()
        self._bill = []
        self._prices = bytearray()

    async def send_telegrams_forever(self):
        """Send a telegram at each multiple of the telegram period of UTC."""
        clock = self._clock
        period = clock.utc_ms() // self._telegram_ms
        while True:
            await asyncio.sleep_ms(clock.ms_until_multiple(self._telegram_ms))
            if clock.utc_ms() // self._telegram_ms == period:
                continue  # ticks and clock disagree by a fraction: woken a little early
            period = clock.utc_ms() // self._telegram_ms
            sensor = self._metering.sensor
            energy = self._metering.energy
            try:
                telegram = self._telegrams.build(
                    clock.utc_s(), energy, energy.power_mw, sensor.voltage_mv,
                    sensor.current_ma, self._log.newest,
                )
            except MemoryError:  # one is left out, which readers know of noisy lines
                continue
            await self._write(telegram)

    async def answer_forever(self):
        """Read commands and answer them, one after the other."""
        line = bytearray()
        too_long = False
        while True:
            for byte in await self._stream.read(64):
                if byte not in b"\r\n":
                    if len(line) < _LONGEST_LINE:
                        line.append(byte)
                    else:
                        too_long = True
                elif line:
                    await self._answer(b"" if too_long else bytes(line))
                    line = bytearray()
                    too_long = False

    async def _write(self, data):
        self._watchdog.promise(CUSTOMER, _WRITTEN_MS)
        async with self._turn:
            self._stream.write(data)
            await self._stream.drain()
        self._watchdog.rest(CUSTOMER)

    async def _line(self, text):
        await self._write((text + "\r\n").encode())

    async def _answer(self, line):
        words = line.split(b" ")
        command = words[0]
        try:
            if command == b"?status" and len(words) == 1:
                await self._line(self._status())
            elif command == b"?measurement" and len(words) == 1:
                await self._line(once("questions", "measurement", self._metering))
            elif command == b"?pair" and len(words) in (2, 3):
                await once("questions", "pair", words, self._public, self._pairing, self._line)
            elif command == b"?consent" and len(words) in (1, 3):
                if len(words) == 3:
                    await self._consent.decide(_number(words[1]), hex_of(words[2]))
                await self._line(self._consented())
            elif command == b"?applet" and len(words) in (1, 4):
                if len(words) == 4:
                    await once(
                        "applets", "decide", self._hall, self._consent, _number(words[1]),
                        hex_of(words[2]), hex_of(words[3]),
                    )
                await once("applets", "tell", self._hall, self._line)
            elif command == b"?history" and len(words) == 3:
                await self._history(_number(words[1]), _number(words[2]))
            elif command == b"?openings" and len(words) == 3:
                await once(
                    "questions", "list_openings", _number(words[1]), _number(words[2]),
                    self._log, self._keys, self._openings, self._line,
                )
            elif command == b"?bill" and len(words) <= 4:
                await once(
                    "bill", "answer", words[1:], self._bill, self._log, self._openings,
                    self._keys, self._line,
                )
            elif command == b"?prices" and len(words) <= 3:
                await once(
                    "prices", "answer", words[1:], self._prices, self._hall.storage, self._consent,
                    self._keys, self._line,
                )
            else:
                raise Malformed("bad-command")
        except (Malformed, Refused) as error:
            await self._line("#error " + error.code)
        except OSError:
            await self._line("#error flash-failed")
        except MemoryError:
            await self._line("#error no-memory")

    def _status(self):
        public = self._public
        energy = self._metering.energy
        sensor = self._metering.sensor
        return _STATUS.format(
            FIRMWARE_VERSION, public.meter.hex(), public.key.hex(), public.epoch, public.boot,
            self._log.count, self._log.oldest, public.interval_s, public.exponent,
            public.channel_set, energy.import_uj // UJ_PER_WH, energy.export_uj // UJ_PER_WH,
            ",".join([str(units) for units in self._metering.sealed_units()]),
            self._clock.utc_s(), json_of(self._clock.is_set()), energy.power_mw,
            energy.power_mw // 1000, sensor.voltage_mv, sensor.current_ma,
            json_of(self._pairing.is_open()), json_of(bool(self._keys.pending)), public.status(),
        )

    def _consented(self):
        given, challenge = self._consent.challenge()
        return f'#consent {{"given":{json_of(given)},"challenge":"{challenge.hex()}"}}'

    async def _history(self, first, count):
        end = min(first + count, self._log.count)
        for seq in range(first, end):
            await self._line(f"#record {seq} {present(self._log.read(seq)).hex()}")
        await self._line(f"#end {max(first, end)}")

def json_of(flag):
    """Return a truth value as JSON has it."""
    return "true" if flag else "false"


def present(data):
    """Return a record's bytes; Refused `record-gone` if there are none."""
    if not data:
        raise Refused("record-gone")
    return data


def hex_of(word, length=32):
    """Return so many bytes of hexadecimal digits; Malformed `bad-command` for anything else."""
    try:
        data = bytes.fromhex(word.decode())
    except ValueError:
        data = b""
    if len(word) != 2 * length or len(data) != length:
        raise Malformed("bad-command")
    return data


def _number(word):
    """Return the value of 1 to 10 decimal digits; Malformed `bad-command` for anything else."""
    if not 0 < len(word) <= 10 or not word.isdigit():
        raise Malformed("bad-command")
    return int(word)
