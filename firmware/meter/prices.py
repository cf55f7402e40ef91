"""`?prices`: the customer loads the price list the display goes by. Loaded for a command only.

    ?prices               #prices {json}     the list at work, and a challenge
    ?prices AT HEX        #prices {json}     the next bytes of a new list, AT bytes into it
    ?prices HEX64         #prices {json}     a proof: the new list is at work

The list is what `price_list` reads. The proof is the customer's, under the epoch secret; a list
goes with its epoch, since who moves in has another contract.
"""

from hashlib import sha256

from micropython import const
from wattseal.errors import Malformed, Refused
from wattseal.labels import PRICE_LIST
from wattseal.orders import prices_proof

from meter.price_list import HEAD, NAME, TAG_BYTES, PriceList, load

BRINGS = ("meter.price_list",)
NEW = "prices.new"
_MOST_BYTES = const(16384)
_AT_ONCE = const(512)  # bytes that go to the flash together
_ANSWER = '#prices {{"bytes":{},"tag":"{}","from_s":{},"until_s":{},"challenge":"{}"}}'

# What `state`, a bytearray, holds: bytes of the new list that are not on the flash yet.


async def answer(words, state, storage, consent, keys, line):
    """Do one command, whose words these are, and answer it by the coroutine `line`.

    Malformed `bad-command`, `price-list`; Refused `consent-proof`; OSError if the flash refuses.
    """
    if len(words) == 2:
        _take(_number(words[0]), words[1], state, storage)
    elif words:
        _begin(words[0], state, storage, consent, keys)
    prices = load(storage, keys.epoch)
    await line(
        _ANSWER.format(
            _size(storage) + len(state), prices.tag.hex() if prices else "",
            prices.from_s if prices else 0, prices.until_s if prices else 0,
            "" if words else consent.challenge()[1].hex(),
        )
    )


def _take(at, word, state, storage):
    try:
        data = bytes.fromhex(word.decode())
    except ValueError:
        raise Malformed("bad-command") from None
    if at == 0:
        state[:] = b""
        _forget(storage)
    if not data or at != _size(storage) + len(state) or at + len(data) > _MOST_BYTES:
        raise Malformed("price-list")
    state.extend(data)
    if len(state) >= _AT_ONCE:
        _write(state, storage)


def _begin(word, state, storage, consent, keys):
    challenge = consent.take_challenge()
    if state:
        _write(state, storage)
    size = _size(storage)
    digest = sha256(PRICE_LIST)
    for at in range(0, size, _AT_ONCE):
        digest.update(storage.read_at(NEW, at, _AT_ONCE))
    digest = digest.digest()
    proof = prices_proof(keys.epoch_secret, keys.meter, keys.epoch, challenge, digest)
    if not challenge or word != proof.hex().encode():
        raise Refused("consent-proof")
    check(storage, NEW, size)
    with storage.create(NAME) as file:
        file.write(digest[:TAG_BYTES] + keys.epoch.to_bytes(4, "big"))
        for at in range(0, size, _AT_ONCE):
            file.write(storage.read_at(NEW, at, _AT_ONCE))
    _forget(storage)


def check(storage, name, size):
    """Malformed `price-list` unless a file of this size is a list the display can go by."""
    head = storage.read_at(name, 0, HEAD) if size >= HEAD else b""
    prices = PriceList(storage, name, 0, head) if head else None
    if not (
        prices and prices.version == 1 and prices.ways in (1, 2) and prices.scale <= 18
        and prices.length == size and prices.offsets and prices.count
        and prices.from_s < prices.until_s
        and all([32 < ord(letter) < 127 for letter in prices.currency])
    ):
        raise Malformed("price-list")
    before = -1
    for number in range(prices.count):
        since_s = prices.entry(number)[0]
        if since_s <= before or since_s >= prices.until_s or (
            not number and since_s > prices.from_s
        ):
            raise Malformed("price-list")
        before = since_s


def _write(state, storage):
    storage.append(NEW, state)
    state[:] = b""


def _size(storage):
    try:
        return storage.size(NEW)
    except OSError:
        return 0


def _forget(storage):
    if _size(storage):
        storage.remove(NEW)


def _number(word):
    if not 0 < len(word) <= 10 or not word.isdigit():
        raise Malformed("bad-command")
    return int(word)
