#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Opens the pages that report-html.sh has made in a headless Chromium: report-html.py DIRECTORY [SHOTS]"""

import json
import os
import pathlib
import sys
import traceback

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

work = pathlib.Path(sys.argv[1])
shots = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
# seconds of the processor, of two cores of 2026; several times what it takes
LOAD_MAX, SORT_MAX, FILTER_MAX = 20, 12, 4
PATIENCE = 240
passed = failed = 0


def browser(scripts=True):
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1500,1000",
                     f"--user-data-dir={work}/profile-{scripts}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    driver.set_page_load_timeout(300)
    driver.set_script_timeout(300)
    return driver


def cpu(driver):
    """Of the busiest renderer that the driver has started, in seconds so far."""
    children, most = {}, 0
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            fields = pathlib.Path(entry.path, "stat").read_text().rpartition(") ")[2].split()
            command = pathlib.Path(entry.path, "cmdline").read_bytes()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append((int(entry.name), int(fields[11]) + int(fields[12]), command))
    todo = [driver.service.process.pid]
    while todo:
        for pid, ticks, command in children.get(todo.pop(), ()):
            todo.append(pid)
            if b"--type=renderer" in command:
                most = max(most, ticks)
    return most / os.sysconf("SC_CLK_TCK")


def check(what, got, want=True):
    global passed, failed
    if got == want:
        passed += 1
    elif isinstance(got, list) and isinstance(want, list) and len(got) == len(want) > 20:
        failed += 1
        print(f"FAIL: {what}:", *(f"{a} in the place of {b}" for a, b in zip(got, want) if a != b), sep="\n  ")
    else:
        failed += 1
        print(f"FAIL: {what}: {str(got)[:2000]}, not {str(want)[:2000]}")


def opened(driver, name):
    before = cpu(driver)
    driver.get_log("performance")
    driver.get((work / f"{name}.html").as_uri())
    return cpu(driver) - before


def asked_for(driver):
    """What the page has requested over any protocol, itself first, and what its policy has stopped."""
    messages = [json.loads(line["message"])["message"] for line in driver.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages
             if m["method"] == "Network.requestWillBeSent" and m["params"]["documentURL"] == driver.current_url]
    return asked, [line["message"] for line in driver.get_log("browser")]


def rows(driver):
    """What each row says, of those that are to be seen."""
    return driver.execute_script(
        "return Array.from(document.querySelectorAll('#outputs tbody tr')).filter((row) => !row.hidden)"
        ".map((row) => Array.from(row.cells, (cell) => (cell.querySelector('bdi') || cell).textContent.trim()))"
    )


def frames(driver):
    """What the page does in the next frame has been done and drawn."""
    driver.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))")


def shown(driver, want):
    WebDriverWait(driver, PATIENCE).until(lambda d: d.find_element(By.ID, "count").text == want)


def names(driver):
    return [row[1] for row in rows(driver)]


def head(driver, title):
    return next(h for h in driver.find_elements(By.CSS_SELECTOR, "#outputs th") if h.text.strip("\u2191\u2193 ") == title)


def sorts(driver, title, keys=False):
    """Presses the head of a column; the order that it says it has."""
    button = head(driver, title).find_element(By.TAG_NAME, "button")
    if keys:
        button.send_keys(Keys.ENTER)
    else:
        button.click()
    return head(driver, title).get_attribute("aria-sort")


def small():
    driver = browser()
    opened(driver, "small")
    asked, said = asked_for(driver)
    check("what is asked for", asked, [(work / "small.html").as_uri()])
    check("what the browser has to say", said, [])
    # tables stay tables for those who cannot see them, though rows are grids
    roles = [driver.find_element(By.CSS_SELECTOR, s).aria_role for s in ("#outputs", "#outputs tbody tr", "#outputs tbody td", "#outputs th", "svg.line")]
    check("roles", roles, ["table", "row", "cell", "columnheader", "image"])
    check("files", sorted(names(driver)), sorted(["out/h", "out/a.o", "out/b.o", "out/prog", "out/doc"]))
    verdicts = {row[1]: row[0] for row in rows(driver)}
    check("verdicts", verdicts, {"out/h": "changed", "out/a.o": "changed", "out/b.o": "new", "out/prog": "changed", "out/doc": "changed"})
    # the first change, in the words, the drawing and the table
    first = driver.find_element(By.CSS_SELECTOR, ".firstline a")
    check("the first change", first.text, "out/h")
    check("its row", [r.text for r in driver.find_elements(By.CSS_SELECTOR, "tr.first .flag")], ["first change"])
    check("its mark", driver.find_element(By.CSS_SELECTOR, "svg text.first").text, "first change: out/h")
    marks = driver.find_elements(By.CSS_SELECTOR, ".builds details[open] svg a use")
    check("marks of the last build", len(marks), 4)
    check("shapes and colours", len({(m.get_attribute("href"), m.value_of_css_property("fill")) for m in marks}), 1)
    # the chain on a click
    row = next(r for r in driver.find_elements(By.CSS_SELECTOR, "#outputs tbody tr") if "out/prog" in r.text)
    row.find_element(By.CSS_SELECTOR, "td.k").click()
    chain = WebDriverWait(driver, PATIENCE).until(lambda d: row.find_element(By.CSS_SELECTOR, ".chain"))
    lines = [(len(li.find_elements(By.XPATH, "ancestor::ul")), li.find_element(By.TAG_NAME, "a").text) for li in chain.find_elements(By.TAG_NAME, "li")]
    check("the chain", lines, [(1, "out/a.o"), (2, "out/h")])
    # it takes the whole width, and the cells stay in their columns
    lefts = [[cell.rect["x"] for cell in r.find_elements(By.CSS_SELECTOR, "td.v, td.p, td.n, th")] for r in (row, driver.find_element(By.CSS_SELECTOR, "tbody tr:not(.open)"))]
    check("columns of an open row", lefts[0], lefts[1])
    check("it is to be seen", chain.is_displayed() and "made again after" in chain.text)
    chain.find_elements(By.TAG_NAME, "a")[1].click()
    WebDriverWait(driver, PATIENCE).until(lambda d: d.find_element(By.CSS_SELECTOR, "tr.first details").get_attribute("open"))
    check("where a link leads", "out/h" in driver.find_element(By.XPATH, "//li[@id][ancestor::tr[contains(@class,'first')]]/ancestor::tr").text)
    row.find_element(By.CSS_SELECTOR, "td.k").click()
    WebDriverWait(driver, PATIENCE).until(lambda d: not row.find_element(By.TAG_NAME, "details").get_attribute("open"))
    row.find_element(By.TAG_NAME, "summary").send_keys(Keys.ENTER)
    WebDriverWait(driver, PATIENCE).until(lambda d: row.find_element(By.TAG_NAME, "details").get_attribute("open"))
    check("a second chain", len(row.find_elements(By.CSS_SELECTOR, "#outputs li[id] > .chain")), 2)
    driver.quit()


def without_scripts():
    driver = browser(scripts=False)
    opened(driver, "small")
    check("tools without a script", driver.find_element(By.ID, "tools").is_displayed(), False)
    table = driver.find_elements(By.CSS_SELECTOR, "#outputs tbody tr")
    check("rows without a script", sorted(r.find_element(By.CSS_SELECTOR, "td.p bdi").text for r in table),
          sorted(["out/h", "out/a.o", "out/b.o", "out/prog", "out/doc"]))
    check("buttons that do nothing", [b for b in driver.find_elements(By.TAG_NAME, "button") if b.is_displayed()], [])
    row = next(r for r in table if "out/prog" in r.text)
    row.find_element(By.TAG_NAME, "summary").click()
    link = row.find_element(By.CSS_SELECTOR, ".after a")
    check("its cause", (link.text, link.is_displayed()), ("out/a.o", True))
    check("it has room", row.find_element(By.CSS_SELECTOR, "td.h").size["width"] > 1000)
    link.click()
    target = driver.find_element(By.CSS_SELECTOR, ":target")
    row = target.find_element(By.XPATH, "ancestor::tr")
    check("where it leads", row.find_element(By.CSS_SELECTOR, "td.p bdi").text, "out/a.o")
    check("which is to be seen", target.is_displayed() and row.find_element(By.CSS_SELECTOR, ".after a").text == "out/h")
    driver.quit()


def large(name):
    told = json.loads((work / f"{name}.json").read_text())
    n = len({json.loads(line).get("path") for line in open(work / name, encoding="utf-8", errors="surrogatepass")} - {None})
    driver = browser()
    load = opened(driver, name)
    asked, said = asked_for(driver)
    check(f"{name}: what is asked for", asked, [(work / f"{name}.html").as_uri()])
    check(f"{name}: what the browser has to say", said, [])
    shown(driver, f"{n} of {n} files")
    all_rows = rows(driver)
    check(f"{name}: rows", len(all_rows), n)
    odd = {row[1].rpartition("/drivers/")[2] for row in all_rows if row[1].startswith("/build/out/drivers/") and "subsystem" not in row[1]}
    check(f"{name}: odd names", odd, {"</script><b>&amp;\"'.o", "a b\\tc.o", "line\\nfeed.o", "\\377\\376.o", "\\342\\200\\256gnp.o", "\u4f60\u597d.o", "]]>.o", "\\033[31m.o"})
    if shots:
        for scheme in ("light", "dark"):
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
            driver.save_screenshot(str(shots / f"{name}-{scheme}.png"))
            driver.execute_script("document.querySelector('#tools').scrollIntoView()")
            driver.save_screenshot(str(shots / f"{name}-{scheme}-table.png"))
            driver.execute_script("scrollTo(0, 0)")
    # numbers, the largest first, then the other way; and by the keyboard
    before = cpu(driver)
    check(f"{name}: order of bytes", sorts(driver, "Bytes"), "descending")
    frames(driver)
    sort = cpu(driver) - before
    sizes = [int(row[2]) for row in rows(driver)]
    check(f"{name}: by size", sizes, sorted(sizes, reverse=True))
    check(f"{name}: order of bytes again", sorts(driver, "Bytes", keys=True), "ascending")
    check(f"{name}: by size, the other way", [int(row[2]) for row in rows(driver)], sorted(sizes))
    check(f"{name}: order of paths", sorts(driver, "File"), "ascending")
    paths = names(driver)
    check(f"{name}: by path", paths, sorted(paths, key=lambda p: p.encode("utf-16-be")))
    check(f"{name}: one order at a time", len(driver.find_elements(By.CSS_SELECTOR, "th[aria-sort]")), 1)
    # the filter
    words = driver.find_element(By.ID, "words")
    want = [row for row in all_rows if "subsystem1/" in (row[1] + " " + row[6]) and "object-7" in (row[1] + " " + row[6])]
    before = cpu(driver)
    words.send_keys("SUBSYSTEM1/ object-7")
    shown(driver, f"{len(want)} of {n} files")
    frames(driver)
    narrow = cpu(driver) - before
    check(f"{name}: words", sorted(r[1] for r in rows(driver)), sorted(r[1] for r in want))
    driver.find_element(By.ID, "reset").click()
    shown(driver, f"{n} of {n} files")
    box = driver.find_element(By.CSS_SELECTOR, "#tools input[value=changed]")
    box.click()
    n_changed = sum(row[0] == "changed" for row in all_rows)
    shown(driver, f"{n - n_changed} of {n} files")
    check(f"{name}: without what has changed", {row[0] for row in rows(driver)}, {row[0] for row in all_rows} - {"changed"})
    box.send_keys(" ")
    shown(driver, f"{n} of {n} files")
    driver.find_element(By.CSS_SELECTOR, "#build option[value='2']").click()
    in_second = driver.execute_script("return document.querySelectorAll('#outputs tr[data-b=\"2\"]').length")
    shown(driver, f"{in_second} of {n} files")
    frames(driver)
    check(f"{name}: of one build", len(rows(driver)), in_second)
    driver.find_element(By.ID, "reset").click()
    # the chain of what was made of everything, in the last build, as --json has it
    why = [e for e in told["in_order"] if e["path"] == "/build/out/vmlinux"][-1]
    row = driver.find_element(By.XPATH, "//tr[td/bdi[.='/build/out/vmlinux']]")
    driver.execute_script("arguments[0].scrollIntoView()", row)
    row.find_element(By.TAG_NAME, "summary").click()
    entry = f".//li[@id][span/b[.='{why['verdict']}']]"
    chain = WebDriverWait(driver, PATIENCE).until(lambda d: row.find_element(By.XPATH, entry + "/div[@class='chain']"))
    links = [a.text for a in chain.find_elements(By.CSS_SELECTOR, ":scope > ul > li > a")]
    check(f"{name}: the chain begins", links, why["after"][: len(links)] or "somewhere")
    check(f"{name}: the chain goes on", any("object-" in a.text for a in chain.find_elements(By.CSS_SELECTOR, "ul ul a")))
    if shots:
        driver.save_screenshot(str(shots / f"{name}-chain.png"))
    print(f"{name}: {(work / f'{name}.html').stat().st_size >> 10} KiB, load {load:.1f} s, sort {sort:.1f} s, filter {narrow:.1f} s")
    check(f"{name}: seconds to load", load < LOAD_MAX)
    check(f"{name}: seconds to sort", sort < SORT_MAX)
    check(f"{name}: seconds to filter", narrow < FILTER_MAX)
    driver.quit()


if shots:
    shots.mkdir(parents=True, exist_ok=True)
for test in (small, without_scripts, lambda: large("400"), lambda: large("20000")):
    try:
        test()
    except Exception:  # pylint: disable=broad-except
        failed += 1
        print("FAIL:", traceback.format_exc())
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
