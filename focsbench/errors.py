"""The errors a user may see. Each message is one sentence: what is wrong, where, what to do."""

LONGEST_SHOWN = 80  # characters of what a stranger wrote


def shown(value: object) -> str:
    """Return what a file says for a sentence: quoted, escaped, and cut where it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def one_line(text: str) -> str:
    """Return a text without its line breaks: lists, tables and logs have one line for each."""
    return " ".join(filter(None, map(str.strip, text.splitlines())))


def brief(reason: object) -> str:
    """Return what another library says for a sentence: one line, cut where it is long."""
    text = " ".join(str(reason).split()) or type(reason).__name__
    text = text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
    return text if len(text) <= 2 * LONGEST_SHOWN else f"{text[: 2 * LONGEST_SHOWN]}..."


class FocsbenchError(Exception):
    """Base of every error that the command line prints as one sentence (exit code 1)."""


class ConfigError(FocsbenchError):
    """A profile, an option or a field of them has a value that cannot be used."""


class InputError(FocsbenchError):
    """A file of the user's (mesh, image, mask, landmarks, list) is missing or unusable."""


class CacheError(FocsbenchError):
    """A cached artefact of the project is missing or damaged."""


class StorageError(FocsbenchError):
    """Results cannot be written: the disk is full, or a folder may not be written."""


class TrainingError(FocsbenchError):
    """Training cannot go on: a loss is not finite or a mask collapsed."""
