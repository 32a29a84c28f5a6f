"""The fingerprints of protocol cards, without importing the protocols every time.

A card is made by code, so one that was made by a version of the code is the card of that version.
"""

from __future__ import annotations

import re
from contextlib import suppress

from focsbench import registry
from focsbench.errors import StorageError
from focsbench.files import write_atomically
from focsbench.paths import cache_dir
from focsbench.registry import Kind


def card_fingerprint(protocol: str, version: str) -> str:
    """Return the SHA-256 of a protocol's card.

    Args:
        protocol: its registered name.
        version: hash of its code (:class:`.sources.SourceTree`).
    """
    kept = cache_dir() / "cards" / f"{protocol}-{version[:32]}.txt"
    try:
        text = kept.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        text = ""
    if re.fullmatch("[0-9a-f]{64}", text):
        return text
    fingerprint: str = registry.load(Kind.PROTOCOL, protocol)().card.fingerprint()
    with suppress(OSError, StorageError):  # without a cache it is made again next time
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(kept, f"{fingerprint}\n".encode())
    return fingerprint
