"""Whether a request for an export may be served. Loaded for one (see `once`)."""

from wattseal.export import binding
from wattseal.manifest import ONE_TIME, SIGNATURE_BYTES, decode, digest
from wattseal.record import decode_body

from meter import desk_codes as d
from meter.applet_files import path
from meter.begins import begins
from meter.plan import Plan

BRINGS = (
    "meter.applet_files", "meter.begins", "wattseal.export", "wattseal.hkdf", "wattseal.manifest",
)


def judge(desk):
    """Return (0, the Plan), or (why the request is refused, None)."""
    if desk.notice.lines:
        return d.BUSY, None  # it stands where this would be asked
    plan = Plan(desk.message[1])
    manifest = _manifest(desk, plan.name)
    if not manifest:
        return d.UNKNOWN, None
    log = desk.log
    newest = decode_body(log.body(log.count - 1)) if log.count else None
    if not newest or newest.end_s < plan.end_s:
        return d.PERIOD, None
    now_s = max(desk.clock.utc_s(), newest.end_s)  # a clock may be lost, or set back
    wide = plan.granularity_s
    finest = manifest.granularity_s
    if (
        not plan.start_s < plan.end_s
        or wide < finest
        or wide % desk.public.interval_s
        # Sums that begin elsewhere would tell finer ones by their differences.
        or (finest and (plan.start_s % finest or plan.end_s % finest or wide % finest))
        or finest % desk.public.interval_s
        or (manifest.reach_s and plan.start_s < now_s - manifest.reach_s)
        or _too_soon(desk, plan.name, now_s - manifest.every_s)
    ):
        return d.SCOPE, None
    if manifest.kind == ONE_TIME and not desk.notice.has_display:
        return d.REFUSED, None  # who would be asked could read neither this nor the PIN
    if not _in_the_log(desk, plan):
        return d.PERIOD, None
    plan.kind = manifest.kind
    plan.every_s = manifest.every_s
    plan.reads = manifest.reads
    plan.origin = manifest.origin
    plan.recipient_key = manifest.recipient_key
    plan.bound = binding(
        plan.origin, plan.start_s, plan.end_s, wide, desk.keys.public, plan.session
    )
    return 0, plan


def _too_soon(desk, name, latest_s):
    """Tell whether the export before this one began, or may have begun, after a time."""
    begun_s = desk.events.exported_s(name)
    return begun_s and desk.hall.served.get(name, begun_s) > latest_s


def _manifest(desk, name):
    if not desk.events.approved(name):
        return None
    data = desk.storage.read(path(name))[:-SIGNATURE_BYTES]
    return decode(data) if data and digest(data) == name else None


def _in_the_log(desk, plan):
    """Tell whether the period is sealed, kept, and all this customer's; note where it lies."""
    log = desk.log
    plan.epoch = desk.keys.epoch
    plan.first = begins(log, plan.start_s, log.oldest)
    plan.end = begins(log, plan.end_s, plan.first)
    if log.oldest:
        oldest = log.body(log.oldest)
        if not oldest or decode_body(oldest).start_s > plan.start_s:
            return False
    # Those after the first reading are of its epoch, or of a later one.
    for seq in range(plan.first, plan.end):
        body = log.body(seq)
        record = decode_body(body) if body else None
        if record is None or record.channels:
            return record is not None and record.epoch == plan.epoch
    return False
