"""What anybody may know of the meter. The utility's side gets this, the log, and nothing else."""

from micropython import const

FIRMWARE_VERSION = "0.1.0"

CLOCK_SET = const(1)
LOG_INTACT = const(2)
PAIRED = const(4)
SETTINGS_REFUSED = const(8)
CALIBRATED = const(16)
SELF_TEST_PASSED = const(32)
SILENT = const(64)
CONSENTED = const(128)
FLASH_FAILS = const(256)
LOG_DAMAGED = const(512)

# Self-test bits: hash, curve, signature, log's end. Without the first three nothing is sealed.
SELF_TEST_FIT = const(7)
_SELF_TEST_ALL = const(15)


class Public:
    """Identity, fixed configuration, and status. No field depends on a reading.

    meter 16 bytes, key 33 bytes; interval_s, exponent, channel_set as in the ORIGIN event; boot
    and epoch counters; settings_refused: settings or calibration in use are not the file's;
    calibrated: the calibration in use is the file's. self_test: bits of `selftest`; events: an
    `Events`, once there is one.
    """

    def __init__(self, clock, log, meter, key, boot, epoch, config, settings_refused, calibrated):
        self.clock = clock
        self.meter = meter
        self.key = key
        self.boot = boot
        self.epoch = epoch
        self.interval_s, self.exponent, self.channel_set = config
        self.self_test = 0
        self.events = None
        self._log = log
        self._still = (SETTINGS_REFUSED if settings_refused else 0) | (
            CALIBRATED if calibrated else 0
        )

    def status(self):
        """Return the status bits."""
        bits = self._still
        if self.clock.is_set():
            bits |= CLOCK_SET
        if self._log.intact:
            bits |= LOG_INTACT
        if self._log.damaged:
            bits |= LOG_DAMAGED
        if self._log.failing():
            bits |= FLASH_FAILS
        if self.epoch:
            bits |= PAIRED
        if self.self_test == _SELF_TEST_ALL:
            bits |= SELF_TEST_PASSED
        events = self.events
        if events and events.closed:
            bits |= SILENT
        if events and events.consented():
            bits |= CONSENTED
        return bits
