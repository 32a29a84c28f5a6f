"""Fuzzing of all readers of strangers' files: mutated harmless files, in processes with limits.

Coverage-guided, with a loop of our own instead of atheris (libFuzzer for Python). Most of a format
lies in its structure: lengths, checksums, packed members, counts in headers. Mutations have to know
those (``structures.py``), which libFuzzer's do not; a finding must not end the run, as it does
there; and atheris rewrites the bytecode of what it watches, which numba then has to compile. What
libFuzzer would add is that inputs which reach new lines are kept and mutated further, and that
takes thirty lines here (``reached.py``). Neither sees into compiled libraries.

``python tests/fuzz/run.py --minutes 60`` fuzzes; the test suite runs a few inputs of every reader
and all that were ever found (``found/``).
"""
