"""Where a time is in the log."""


def begins(log, time_s, lowest):
    """Return the first sequence number from `lowest` on whose record begins at a time or later.

    log.count if there is none. OSError where the log cannot be read there.
    """
    highest = log.count
    while lowest < highest:
        middle = (lowest + highest) // 2
        body = log.body(middle)
        if not body:
            raise OSError("log")
        if int.from_bytes(body[30:34], "big") < time_s:
            lowest = middle + 1
        else:
            highest = middle
    return lowest
