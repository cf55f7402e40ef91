"""Every domain label of the protocol (SPEC.md section 1.3).

Each hash and each HMAC message begins with exactly one of them. A label ends in a NUL byte and
holds no other, so none is a prefix of another.
"""

METER_ID = b"wattseal/1/meter-id\0"
GENESIS = b"wattseal/1/genesis\0"
RECORD = b"wattseal/1/record\0"
BLOCK_KEY = b"wattseal/1/block-key\0"
BLINDING = b"wattseal/1/blinding\0"
PAD = b"wattseal/1/pad\0"
EPOCH_ID = b"wattseal/1/epoch-id\0"
EPOCH_SECRET = b"wattseal/1/epoch-secret\0"
INVERSION = b"wattseal/1/inversion-blinding\0"
BATCH = b"wattseal/1/batch\0"
CLOCK_ORDER = b"wattseal/1/clock-order\0"
CLOSE_ORDER = b"wattseal/1/close-order\0"
CONSENT_PROOF = b"wattseal/1/consent-proof\0"
PRICE_LIST = b"wattseal/1/price-list\0"
PRICES_PROOF = b"wattseal/1/prices-proof\0"
CALIBRATION = b"wattseal/1/calibration\0"
FIRMWARE = b"wattseal/1/firmware\0"
PAIRING_PIN = b"wattseal/1/pairing-pin\0"
EXPORT_PIN = b"wattseal/1/export-pin\0"
APPLET = b"wattseal/1/applet\0"
APPLET_PROOF = b"wattseal/1/applet-proof\0"
EXPORT_STANDING = b"wattseal/1/export-standing\0"
EXPORT_REQUEST = b"wattseal/1/export-request\0"
EXPORT_KEYS = b"wattseal/1/export-keys\0"
EXPORT_STREAM = b"wattseal/1/export-stream\0"
EXPORT_TAG = b"wattseal/1/export-tag\0"
EXPORT_CHUNK = b"wattseal/1/export-chunk\0"
EXPORT_TRANSCRIPT = b"wattseal/1/export-transcript\0"

# The meter's own: nothing outside of it has to repeat what they derive.
METER_DEVICE_KEY = b"wattseal/1/meter/device-key\0"
METER_OWNER_SECRET = b"wattseal/1/meter/owner-secret\0"
METER_PAIRING_RANDOM = b"wattseal/1/meter/pairing-random\0"
METER_CHALLENGE = b"wattseal/1/meter/challenge\0"
METER_PIN = b"wattseal/1/meter/pin\0"
METER_EPHEMERAL = b"wattseal/1/meter/ephemeral\0"

# The second generator: a domain separation tag of RFC 9380 and the message hashed under it.
GENERATOR_DST = b"WATTSEAL-V1-P256_XMD:SHA-256_SSWU_RO_"
GENERATOR_H = b"wattseal/1/generator/H"
