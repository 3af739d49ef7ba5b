#!/usr/bin/env python3
"""Makes tokens.json: tokens and what belongs to them, by an implementation of its own.

Written from docs/tokens.md and not from the Rust sources, with the cryptography of OpenSSL; AES-GCM-SIV is written from RFC
8452, as not every OpenSSL has it:

    apt-get install python3-cryptography
    python3 sessions-core/tests/vectors/make.py > sessions-core/tests/vectors/tokens.json

It has no randomness, so it makes the same file each time. `tests/engine/vectors.rs` reads that, and runs this.
"""

import hashlib
import hmac
import json
import sys
from base64 import b64encode, urlsafe_b64encode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

NOW = 1_767_225_600_000  # the beginning of 2026
VERSION = b"\x01"


def made(label, length):
    """Bytes that look random."""
    return hashlib.shake_256(label.encode()).digest(length)


# The parts of the document, in its order.


def text(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def lp(*parts):
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def hkdf(salt, key, info):
    return HKDF(SHA256(), 32, salt, info).derive(key)


def purpose(mode, application, name):
    return lp(mode, application.encode(), name.encode())


CHACHA = b"HKDF-SHA256+CHACHA20-POLY1305"


def key_id(key, suite=b""):
    return hashlib.sha256(hkdf(b"sessions", key, b"key id" + suite)).digest()[:4]


def derived_key(secret):
    return hkdf(b"sessions", secret, b"key")


def subkey(key, algorithm, purpose):
    return hkdf(b"sessions", key, algorithm + purpose)


def context(key_id, algorithm, purpose):
    return purpose + VERSION + key_id + algorithm


def aes(key, block):
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)


def dot(a, b):
    """a * b * x^-128, in the field of POLYVAL."""
    product = 0
    for bit in range(128):
        if a >> bit & 1:
            product ^= b << bit
    for _ in range(128):
        if product & 1:
            product ^= 1 << 128 | 1 << 127 | 1 << 126 | 1 << 121 | 1
        product >>= 1
    return product


def polyval(key, data):
    state = 0
    for at in range(0, len(data), 16):
        block = data[at : at + 16]
        state = dot(state ^ int.from_bytes(block, "little"), int.from_bytes(key, "little"))
    return state.to_bytes(16, "little")


def aes_256_gcm_siv(key, nonce, data, additional):
    parts = [aes(key, part.to_bytes(4, "little") + nonce)[:8] for part in range(6)]
    of_hash, of_cipher = b"".join(parts[:2]), b"".join(parts[2:])
    padded = b"".join(text + bytes(-len(text) % 16) for text in (additional, data))
    lengths = b"".join((8 * len(text)).to_bytes(8, "little") for text in (additional, data))
    hashed = polyval(of_hash, padded + lengths)
    hashed = bytes(a ^ b for a, b in zip(hashed, nonce + bytes(4)))
    tag = aes(of_cipher, hashed[:15] + bytes([hashed[15] & 0x7F]))
    counter, rest = int.from_bytes(tag[:4], "little"), tag[4:15] + bytes([tag[15] | 0x80])
    stream = b"".join(
        aes(of_cipher, ((counter + block) % (1 << 32)).to_bytes(4, "little") + rest) for block in range(len(data) // 16 + 1)
    )
    return bytes(a ^ b for a, b in zip(data, stream)) + tag


def encrypted(key, purpose, data, label):
    algorithm = b"AES-256-GCM-SIV"
    nonce = made(label, 12)
    of_purpose = subkey(key, algorithm, purpose)
    sealed = aes_256_gcm_siv(of_purpose, nonce, data, context(key_id(key), algorithm, purpose))
    return VERSION + key_id(key) + nonce + sealed


def encrypted_with_chacha(key, purpose, data, label):
    name = key_id(key, CHACHA)
    salt = made(label, 24)
    one_time = HKDFExpand(SHA256(), 32, salt).derive(subkey(key, CHACHA, purpose))
    sealed = ChaCha20Poly1305(one_time).encrypt(bytes(12), data, context(name, CHACHA, purpose))
    return VERSION + name + salt + sealed


def signed(key, purpose, data, label):
    algorithm = b"HMAC-SHA256"
    code = hmac.digest(subkey(key, algorithm, purpose), context(key_id(key), algorithm, purpose) + data, "sha256")
    return VERSION + key_id(key) + data + code


def number(value):
    if value < 251:
        return bytes([value])
    for mark, length in ((251, 2), (252, 4), (253, 8)):
        if value < 1 << 8 * length:
            return bytes([mark]) + value.to_bytes(length, "little")
    raise ValueError(value)


def optional(value):
    return b"\0" if value is None else b"\1" + value


def session_id(handle):
    if len(handle) == 16:
        return number(0) + handle
    return number(1) + number(len(handle)) + handle


def fingerprint(version, form, shape):
    return hashlib.sha256(lp(version.to_bytes(4, "big"), form, shape)).digest()[:16]


def header(handle, times):
    remembered = times["remembered_secs"]
    not_after = times["not_after"]
    return b"".join(
        (
            number(1) + fingerprint(1, b"vector", b"text"),
            session_id(handle),
            number(times["issued"]),
            number(times["created"]),
            optional(None if times["authenticated"] is None else number(times["authenticated"])),
            number(times["last_seen"]),
            number(times["idle_deadline"]),
            number(times["absolute_deadline"]),
            optional(None if not_after is None else number(not_after)),
            optional(None if remembered is None else number(remembered) + number(0)),
            number(times["mark"]),
        )
    )


def by_value(handle, times, payload):
    head = header(handle, times)
    return len(head).to_bytes(2, "big") + head + payload


def storage_key(application, name, handle):
    return hashlib.sha256(lp(application.encode(), name.encode(), handle)).digest()


def mask(application, name, handle, by, secret, salt):
    info = lp(b"next", application.encode(), name.encode(), handle)
    return bytes(a ^ b for a, b in zip(hkdf(salt, by, info), secret))


# The vectors.

PLACES = [("", "login"), ("shop", "login"), ("shöp & söhne", "X-Cart")]
PROTECTIONS = {
    "encrypted": encrypted,
    "encrypted with chacha20-poly1305": encrypted_with_chacha,
    "signed": signed,
}


def times(**others):
    return {
        "issued": NOW,
        "created": NOW - 60_000,
        "authenticated": None,
        "last_seen": NOW - 1,
        "idle_deadline": NOW + 1_800_000,
        "absolute_deadline": NOW + 43_200_000,
        "not_after": None,
        "remembered_secs": None,
        "mark": NOW,
    } | others


def values():
    kinds = [
        ("empty", times(), made("handle", 16), ""),
        ("a user", times(authenticated=NOW - 5), made("handle 2", 16), "alice@example.org"),
        (
            "remembered",
            times(not_after=NOW + 86_400_000, remembered_secs=2_592_000, created=200, authenticated=60_000),
            made("handle 3", 64),
            "ä" * 300,
        ),
    ]
    for application, name in PLACES:
        for what, when, handle, payload in kinds:
            for protection, protect in PROTECTIONS.items():
                label = f"{application} {name} {what} {protection}"
                key = made(f"key {label}", 32)
                data = by_value(handle, when, payload.encode())
                token = protect(key, purpose(b"by-value", application, name), data, f"nonce {label}")
                yield {
                    "application": application,
                    "name": name,
                    "protection": protection,
                    "key": b64encode(key).decode(),
                    "key_id": token[1:5].hex(),
                    "id": text(handle),
                    "times": when,
                    "payload": payload,
                    "token": text(token),
                }


def ids():
    for application, name in PLACES:
        for length in (16, 17, 64):
            handle, secret = made(f"handle {length}", length), made(f"secret {application} {length}", 32)
            key = made(f"key {application} {length}", 32)
            yield {
                "application": application,
                "name": name,
                "id": text(handle),
                "storage_key": storage_key(application, name, handle).hex(),
                "secret_hash": hashlib.sha256(secret).hexdigest(),
                "token": text(handle + secret),
                "key": b64encode(key).decode(),
                "signed_token": text(signed(key, purpose(b"by-id", application, name), handle + secret, "")),
            }


def renewals():
    for application, name in PLACES:
        handle = made(f"handle of {application}", 16)
        one, other, salt = made("one", 32), made("other", 32), made(f"salt {name}", 16)
        yield {
            "application": application,
            "name": name,
            "id": text(handle),
            "shown": text(handle + one),
            "shown_hash": hashlib.sha256(one).hexdigest(),
            "successor": text(handle + other),
            "successor_hash": hashlib.sha256(other).hexdigest(),
            "salt": salt.hex(),
            "mask": mask(application, name, handle, one, other, salt).hex(),
        }


def derived():
    for length in (32, 64, 100):
        secret = made(f"secret of {length}", length)
        key = derived_key(secret)
        yield {"secret": secret.hex(), "key": b64encode(key).decode(), "key_id": key_id(key).hex()}


vectors = {
    "now": NOW,
    "by_value": list(values()),
    "by_id": list(ids()),
    "renewals": list(renewals()),
    "derived_keys": list(derived()),
}
sys.stdout.buffer.write(json.dumps(vectors, indent=1, ensure_ascii=False).encode() + b"\n")
