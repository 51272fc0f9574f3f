"""A headless Chromium for the tests of pages."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")


class Browser:
    """One window, and what happened in it.

    Attributes:
        driver: Selenium's.
        url: of the mock.
    """

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver, self.url = driver, url

    def size(self, width: int, height: int = 900, *, theme: str = "light") -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def open(self, page: str) -> None:
        self.driver.get("about:blank")
        self.driver.get(f"{self.url}/_adjourn/{page}")

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self.until(lambda: next((each for each in self.all(selector) if each.is_displayed()), None), selector)

    def button(self, name: str) -> WebElement:
        def found() -> WebElement | None:
            named = self.driver.find_elements(By.XPATH, f"//button[normalize-space()={json.dumps(name)}]")
            return next((each for each in named if each.is_displayed()), None)

        return self.until(found, f"the button {name}")

    def row(self, text: str) -> WebElement:
        def found() -> WebElement | None:
            return next((each for each in self.all(".list .item") if text in each.text), None)

        return self.until(found, f"a row with {text!r}")

    def click(self, found: Callable[[], WebElement | None], what: str) -> None:
        """Click what is found, which may be drawn anew at any moment."""

        def clicked() -> bool:
            element = found()
            if element is None:
                return False
            element.click()
            return True

        self.until(clicked, what)

    def texts(self, selector: str) -> list[str]:
        return [each.text for each in self.all(selector)]

    def type(self, selector: str, text: str) -> None:
        field = self.one(selector)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(Keys.DELETE)
        field.send_keys(text)

    def until(self, found: Callable[[], T], what: str, seconds: float = 6) -> T:
        """What `found` returns, as soon as it is true."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if value := found():
                    return value
            except StaleElementReferenceException:
                pass
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {what}; the page has {self.one('body').text[-900:]!r}")
            time.sleep(0.02)

    def clipboard(self) -> str:
        self.driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite"]})
        return str(self.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])"))

    def violations(self, axe: str) -> list[dict[str, Any]]:
        """What axe-core finds: rules that are broken, with their impact."""
        self.driver.execute_script(axe)
        found = self.driver.execute_async_script("axe.run().then(arguments[0])")
        return [
            {"rule": each["id"], "impact": each["impact"], "first": each["nodes"][0]["html"][:200]}
            for each in found["violations"]
        ]

    def complaints(self) -> list[str]:
        """Errors and warnings in the console, except refusals, which the page reports itself."""
        return [
            each["message"]
            for each in self.driver.get_log("browser")
            if each["level"] in ("SEVERE", "WARNING") and "responded with a status of 4" not in each["message"]
        ]

    def requested(self) -> list[str]:
        """The URLs that the pages asked for."""
        messages = (json.loads(each["message"])["message"] for each in self.driver.get_log("performance"))
        return [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]


@contextmanager
def browser(url: str) -> Iterator[Browser]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("Chromium and its driver are needed to test pages: apt-get install chromium chromium-driver")
    options = Options()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    try:
        started = webdriver.Chrome(options=options, service=Service(driver))
    except WebDriverException as error:
        raise AssertionError(f"Chromium does not start: {error}") from None
    try:
        started.set_script_timeout(30)
        yield Browser(started, url)
    finally:
        started.quit()


def axe_core(folder: Path) -> str:
    """axe-core's script, from npm."""
    if shutil.which("npm") is None:
        pytest.skip("npm is needed to get axe-core")
    install = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(folder), "axe-core@4"]
    subprocess.run(install, check=True, capture_output=True, timeout=110)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
