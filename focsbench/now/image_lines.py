"""Lines of the image list of NoW, as results name their images."""

from __future__ import annotations

from focsbench.user_files import is_plain_path


def is_image_line(text: str) -> bool:
    """Say whether a text is ``subject/challenge/image.jpg``, of any suffix, and no other path."""
    parts = text.split("/")
    return len(parts) == 3 and {"", ".", ".."}.isdisjoint(parts) and is_plain_path(text)
