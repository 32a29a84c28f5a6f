"""Characters that are not ASCII in LaTeX: what a stock installation can print, and the rest."""

from __future__ import annotations

import re
import unicodedata

TIE = "†"
SYMBOLS = {
    "±": r"$\pm$",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "—": "---",
    "–": "--",
    "−": "$-$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    TIE: r"$^{\dagger}$",
}
# Of the letters of western and central Europe, those that its standard fonts do not have.
_MISSING = frozenset("«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ")
_PRINTABLE = frozenset("‘’“”…€•")


def latex_characters(text: str) -> str:
    """Replace what pdfLaTeX without further packages would stop at.

    Args:
        text: LaTeX whose special characters are escaped already.

    Returns:
        The same with symbols as commands, Greek letters as formulas, and characters that no font
        has without their accents, or else as their number.
    """
    return re.sub(r"[^\n -~]", lambda match: _latex(match[0]), text)


def _latex(character: str) -> str:
    if character in SYMBOLS:
        return SYMBOLS[character]
    kind = unicodedata.category(character)
    if kind in ("Cc", "Zs", "Zl", "Zp"):
        return " "
    if kind in ("Cf", "Mn", "Me"):
        return ""
    if character in _PRINTABLE or ("¡" <= character < "ſ" and character not in _MISSING):
        return character
    return _greek(character) or _plain(character) or f"(U+{ord(character):04X})"


def _greek(character: str) -> str:
    case, _, letter = unicodedata.name(character, "").removeprefix("GREEK ").partition(" LETTER ")
    if not "α" <= character <= "ω" or case != "SMALL" or letter in ("OMICRON", "FINAL SIGMA"):
        return ""
    return f"$\\{letter.lower().replace('lamda', 'lambda')}$"


def _plain(character: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character)
    return "".join(each for each in decomposed if each.isascii() and each.isalnum())
