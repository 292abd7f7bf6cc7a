"""How zip archives begin and end. Files of all kinds are looked at for it, so it stands apart from what reads archives.

Format: APPNOTE.TXT of PKWARE, 4.3.7 and 4.3.16.
"""

from __future__ import annotations

LOCAL_SIGNATURE = b"PK\x03\x04"
"""Before each member."""

END_SIGNATURE = b"PK\x05\x06"
"""Before the end of the directory; an archive without members begins with it."""


def find_zip_signature(head: bytes) -> bool:
    """Whether *head*, the first bytes of a file, starts a zip archive."""
    return head.startswith((LOCAL_SIGNATURE, END_SIGNATURE))
