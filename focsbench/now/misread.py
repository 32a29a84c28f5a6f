"""What is said about mesh files that the official evaluation takes for other meshes."""

from __future__ import annotations

from pathlib import Path

from focsbench.geometry.diagnosis_finding import Finding, warning
from focsbench.geometry.io import official_misreadings

MISREAD = "misread_by_official_tool"


def misread_findings(path: Path, notes: frozenset[str]) -> list[Finding]:
    """Return one warning per thing in a file that the official tool would misread.

    Args:
        path: the mesh; its suffix counts.
        notes: of :func:`focsbench.geometry.io.read_mesh_with_notes`.
    """
    return [
        warning(
            MISREAD,
            f"the file is read as meant here, but the official evaluation would not: {mistake}; "
            "write plain triangles, as `focsbench now pack` does.",
        )
        for mistake in official_misreadings(path, notes)
    ]
