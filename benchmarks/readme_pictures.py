"""Make the pictures and numbers of README.md again from the folder of a run.

    focsbench run-all --output RUN
    python benchmarks/readme_pictures.py RUN

Pictures go to ``docs/pictures/``, small enough for a repository. What stands between the two marks
in README.md is replaced: the name of the run, its leaderboard, its pictures with their captions,
and the claims that it does not reproduce. No number is typed by hand. With Chromium, its driver
and selenium there is also a picture of the HTML report.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
BEGIN, END = "<!-- run: begin -->", "<!-- run: end -->"
# Name in the reports, width in pixels, what is said of it where the run wrote no caption.
SHOWN = (
    ("figure4", 1200, ""),
    ("cumulative_error", 1000, "Share of scan points (NoW) within x mm of the reconstruction."),
    ("error_maps", 1000, ""),
)
PAGE = "report"
WINDOW = (1280, 860)
COLOURS = 256  # of drawings, which are stored as palettes
# Pictures with many colours, which become JPEG files.
PHOTOGRAPHS = frozenset({"figure4", "error_maps", PAGE})
MOST_BYTES = 1_000_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and renew pictures and text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder that run-all wrote")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    parser.add_argument("--pictures", type=Path, default=PICTURES)
    options = parser.parse_args(arguments)
    reports = options.run / "reports"
    options.pictures.mkdir(parents=True, exist_ok=True)
    shown = [
        (shrink(reports / f"{name}.png", options.pictures, width), caption(reports, name, text))
        for name, width, text in SHOWN
    ]
    page = photograph(reports / "report.html", options.pictures)
    if page is not None:
        shown.append((page, "`report.html`: everything above, to sort, hover, turn and compare."))
    size = sum(path.stat().st_size for path, _ in shown)
    if size > MOST_BYTES:
        raise SystemExit(f"the pictures have {size} bytes, more than {MOST_BYTES}: shrink them")
    replace_between(options.readme, section(reports, shown))
    print(f"{options.readme}: {len(shown)} pictures, {size} bytes")


def shrink(source: Path, folder: Path, width: int) -> Path:
    """Scale a picture down: what has many colours becomes JPEG, drawings PNG with a palette."""
    with Image.open(source) as picture:
        height = round(picture.height * width / picture.width)
        small = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    if source.stem in PHOTOGRAPHS:
        target = folder / f"{source.stem}.jpg"
        small.save(target, quality=85, optimize=True, progressive=True)
    else:
        target = folder / f"{source.stem}.png"
        small.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
    return target


def photograph(page: Path, folder: Path) -> Path | None:
    """Take a picture of the error maps on the page, where a browser is there."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        print("no picture of the HTML report: Chromium with its driver is not installed")
        return None
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (
            "--headless --no-sandbox --disable-gpu --enable-unsafe-swiftshader --no-first-run "
            "--disable-background-networking --disable-component-update --disable-sync "
            f"--hide-scrollbars --user-data-dir={profile}"
        ).split():
            options.add_argument(flag)
        chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            size = {"width": WINDOW[0], "height": WINDOW[1], "deviceScaleFactor": 1}
            command = "Emulation.setDeviceMetricsOverride"
            chrome.execute_cdp_cmd(command, {**size, "mobile": False})
            chrome.get(page.resolve().as_uri())
            chrome.execute_script(
                "document.documentElement.style.scrollBehavior = 'auto';"
                "const [left, right] = document.querySelectorAll('.map-method');"
                "if (left) { left.value = 'mofa';"
                " left.dispatchEvent(new Event('change')); location.hash = 'maps'; }"
            )
            time.sleep(3)  # meshes are drawn after the script has returned
            shot = Path(profile) / f"{PAGE}.png"
            chrome.save_screenshot(str(shot))
        finally:
            chrome.quit()
        return shrink(shot, folder, WINDOW[0])


def section(reports: Path, shown: Sequence[tuple[Path, str]]) -> str:
    """Return the text between the marks."""
    title = read(reports / "report.md").partition("\n")[0].removeprefix("# Results: ")
    table, notes = leaderboard(read(reports / "leaderboard.md"))
    pictures = [
        f"![{path.stem.replace('_', ' ')}](docs/pictures/{path.name})\n\n{text}"
        for path, text in shown
    ]
    headline, missed = claims(read(reports / "findings.md"))
    parts = [f"From a run ({title}):", pictures[0], table, notes, *pictures[1:], headline]
    if missed:
        parts += ["What did not hold:", "\n".join(missed)]
    return "\n\n".join(parts)


def read(path: Path) -> str:
    """Read a text file of the reports."""
    return path.read_text(encoding="utf-8")


def caption(reports: Path, name: str, text: str) -> str:
    """Return the caption that the run wrote for a picture, or the text."""
    page = reports / f"{name}.md"
    return read(page).rstrip().rpartition("\n\n")[2] if page.is_file() else text


def leaderboard(page: str) -> tuple[str, str]:
    """Return the table with intervals, or without where there are none, and its notes."""
    plain, _, intervals = page.partition("## 95 % intervals")
    lines = (intervals or plain).splitlines()
    table = [line for line in lines if line.startswith("|")]
    last = len(lines) - lines[::-1].index(table[-1])
    notes = [line for line in lines[last:] if line.startswith("- ")]
    until = next((i for i, line in enumerate(lines[last:]) if line.startswith("#")), None)
    kept = [line for line in lines[last:][:until] if line.startswith("- ")] if until else notes
    return "\n".join(table), "\n".join(kept)


def claims(findings: str) -> tuple[str, list[str]]:
    """Return the first sentence about the claims, and the ones that failed with their numbers."""
    _title, headline, text, *_ = findings.split("\n\n")
    missed: list[str] = []
    wanted = False
    for line in text.splitlines():
        if line.startswith("- "):
            wanted = line.startswith("- **not reproduced")
            missed += [line] if wanted else []
        elif wanted and line.strip().startswith("- fails: "):
            missed.append(line)
            wanted = False  # the check that fails most stands first
    return headline.partition(";")[0].rstrip(".") + ".", missed


def replace_between(path: Path, text: str) -> None:
    """Put text between the two marks of a file."""
    before, begin, rest = read(path).partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{path}: put the lines {BEGIN} and {END} around the text to renew")
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
