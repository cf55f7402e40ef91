"""What anybody may know of the meter. The utility's side gets this, the log, and nothing else."""

from micropython import const

FIRMWARE_VERSION = "0.1.0"

CLOCK_SET = const(1)
LOG_INTACT = const(2)
PAIRED = const(4)
SETTINGS_REFUSED = const(8)


class Public:
    """Identity, fixed configuration, and status. No field depends on a reading.

    meter 16 bytes, key 33 bytes; interval_s, exponent, channel_set as in the ORIGIN event; boot
    and epoch counters; settings_refused: the settings in use are not the file's.
    """

    def __init__(self, clock, log, meter, key, boot, epoch, config, settings_refused):
        self.clock = clock
        self.meter = meter
        self.key = key
        self.boot = boot
        self.epoch = epoch
        self.interval_s, self.exponent, self.channel_set = config
        self._log = log
        self._settings_refused = settings_refused

    def status(self):
        """Return the status bits."""
        bits = SETTINGS_REFUSED if self._settings_refused else 0
        if self.clock.is_set():
            bits |= CLOCK_SET
        if self._log.intact:
            bits |= LOG_INTACT
        if self.epoch:
            bits |= PAIRED
        return bits
