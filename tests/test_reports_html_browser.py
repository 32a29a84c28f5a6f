"""The page in headless Chromium: no error, no request, and everything that moves does move."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from reports_support import LABELS, make_context, with_pictures, with_scans

from focsbench.reports.html.report import Html

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no Chromium with its driver")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",  # WebGL in software
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 120  # seconds, for a machine with other work
DESKTOP, PHONE = (1280, 900), (390, 844)
METHODS = ("mean_face", "mofa", "ablation_baseline", "focs", "ground_truth")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("run")
    made = with_scans(with_pictures(make_context(root), root, size=48))
    labels = {method: LABELS[method] for method in METHODS}
    return Html().write(replace(made, labels=labels, config={"seed": 0}))[0]


@pytest.fixture(scope="module")
def browser(page: Path, tmp_path_factory: pytest.TempPathFactory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        driver.set_page_load_timeout(PATIENCE)
        driver.set_script_timeout(PATIENCE)
        resize(driver, DESKTOP)
        driver.get_log("performance")  # of the empty first page
        driver.get(page.as_uri())
        wait(driver, "return document.querySelectorAll('.mesh canvas, #curve-plot svg').length > 2")
        yield driver
    finally:
        driver.quit()


def resize(driver, size):
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def wait(driver, script, *arguments):
    return WebDriverWait(driver, PATIENCE).until(lambda d: d.execute_script(script, *arguments))


def find(driver, selector):
    return driver.find_element(By.CSS_SELECTOR, selector)


def show(driver, selector):
    """Bring an element to the middle of the window, below the navigation."""
    found = find(driver, selector)
    driver.execute_script(
        "document.documentElement.style.scrollBehavior = 'auto';"
        "arguments[0].scrollIntoView({block: 'center'})",
        found,
    )
    return found


def column(driver, place):
    """Texts of a column of the leaderboard, rows that are shown only."""
    return driver.execute_script(
        "return [...document.querySelectorAll('#leaderboard-table tbody tr')]"
        ".filter((row) => !row.hidden).map((row) => row.children[arguments[0]].textContent)",
        place,
    )


def test_nothing_is_wrong_and_nothing_is_asked_for(browser, page: Path):
    errors = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert errors == []
    messages = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    requests = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert page.as_uri() in requests
    others = [url for url in requests if not url.startswith(("data:", "blob:", "chrome:"))]
    assert others == [page.as_uri()]


def test_headings_sort(browser):
    heading = show(browser, "#leaderboard-table thead tr:last-child th")
    heading.find_element(By.TAG_NAME, "button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    rising = [float(text) for text in column(browser, 1)]
    assert rising == sorted(rising)
    heading.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert heading.get_attribute("aria-sort") == "descending"
    assert [float(text) for text in column(browser, 1)] == rising[::-1]


def test_rows_and_columns_are_filtered(browser):
    everything = column(browser, 0)
    assert set(everything) == {LABELS[method] for method in METHODS}
    search = show(browser, "#leaderboard-table .search")
    search.send_keys("mof")
    assert column(browser, 0) == ["MoFA"]
    assert find(browser, "#leaderboard-table .status").text == f"1 of {len(METHODS)} rows"
    search.clear()
    search.send_keys(" ", Keys.BACKSPACE)
    find(browser, "#leaderboard-table .kind[value='ablation']").click()
    assert set(everything) - set(column(browser, 0)) == {"Baseline"}
    shown = "return [...document.querySelectorAll('#leaderboard-table [data-group]')]"
    shown += ".filter((cell) => !cell.hidden && cell.dataset.group === 'F1 of masks').length"
    assert browser.execute_script(shown) > 0
    find(browser, "#leaderboard-table .columns[value='F1 of masks']").click()
    assert browser.execute_script(shown) == 0


def test_claims_are_shown_by_verdict(browser):
    chip = show(browser, ".chip.not-testable-here")
    visible = "return document.querySelectorAll('.claim.not-testable-here:not([hidden])').length"
    assert browser.execute_script(visible) == 0
    chip.click()
    assert browser.execute_script(visible) == int(chip.find_element(By.TAG_NAME, "b").text) > 0


def test_a_curve_tells_its_value(browser):
    plot = show(browser, "#curve-plot .nsewdrag")
    ActionChains(browser).move_to_element(plot).move_by_offset(3, 2).perform()
    text = wait(
        browser,
        "const layer = document.querySelector('#curve-plot .hoverlayer');"
        "return layer.textContent.includes('%') ? layer.textContent : null",
    )
    assert "FOCS" in text
    assert "mm" in text


def eyes(driver):
    """Where the cameras of both meshes are."""
    return driver.execute_script(
        "return [...document.querySelectorAll('.mesh')]"
        ".map((mesh) => { const {x, y, z} = mesh._fullLayout.scene._scene.getCamera().eye;"
        " return [x, y, z]; })"
    )


def apart(one, other):
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def test_meshes_turn_together(browser):
    mesh = show(browser, ".mesh")
    front = eyes(browser)
    assert apart(front[0], front[1]) < 1e-6
    ActionChains(browser).move_to_element(mesh).click_and_hold().move_by_offset(
        60, 0
    ).move_by_offset(30, 10).release().perform()
    WebDriverWait(browser, PATIENCE).until(lambda d: apart(eyes(d)[0], front[0]) > 0.1)
    WebDriverWait(browser, PATIENCE).until(lambda d: apart(*eyes(d)) < 1e-3)
    turned = eyes(browser)[1]
    mesh.send_keys(Keys.ARROW_LEFT, Keys.ARROW_UP)
    WebDriverWait(browser, PATIENCE).until(lambda d: apart(eyes(d)[1], turned) > 0.1)
    find(browser, "[data-yaw='0']").click()
    WebDriverWait(browser, PATIENCE).until(lambda d: apart(eyes(d)[0], [0, 0, 1.5]) < 1e-3)


def test_a_picture_chooses_the_map(browser):
    thumb = show(browser, ".thumb[data-person='2'][data-method='mofa']")
    thumb.click()
    assert Select(find(browser, ".map-method")).first_selected_option.text == "MoFA"
    assert Select(find(browser, "#map-person")).first_selected_option.text.startswith("subject-")
    assert find(browser, "#map-person").get_attribute("value") == "2"
    assert thumb.get_attribute("aria-pressed") == "true"
    mean = thumb.find_element(By.TAG_NAME, "span").text
    assert mean in find(browser, ".map-mean").text


def test_the_line_between_two_pictures_moves(browser):
    slider = show(browser, ".slider")
    cut = "return getComputedStyle(document.querySelector('.slider')).getPropertyValue('--cut')"
    before = browser.execute_script(cut)
    slider.find_element(By.TAG_NAME, "input").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert (before, browser.execute_script(cut)) == ("50%", "52%")
    Select(find(browser, "#gallery-right")).select_by_visible_text("MoFA, mask")
    assert find(browser, ".slider .right").text == "no mask"
    Select(find(browser, "#gallery-right")).select_by_visible_text("FOCS, mask")
    assert find(browser, ".slider .right img").get_attribute("alt").endswith("FOCS, mask")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_is_wider_than_the_window(browser, size):
    resize(browser, size)
    wait(browser, "return innerWidth === arguments[0]", size[0])
    wide = "return document.documentElement.scrollWidth"
    assert browser.execute_script(wide) <= size[0]
    resize(browser, DESKTOP)
