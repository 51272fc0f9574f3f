"""The dashboard and the reference in a real browser."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from browser import Browser, axe_core, browser
from selenium.webdriver.common.keys import Keys
from sessions_api import CHAT

from adjourn_mock import MockServer, create_app

NASTY = '<img src=x onerror="document.title=1"><script>document.title=1</script>&amp;'
VIEWS = ("journal", "sessions", "chats", "faults", "environment")


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.fixture(scope="module")
def window(server: MockServer) -> Iterator[Browser]:
    with browser(server.url) as window:
        yield window
        # Of all that was done here: no error in the console, no request that leaves the machine.
        assert window.complaints() == []
        assert {
            url for url in window.requested() if not url.startswith((server.url, "about:", "data:", "blob:"))
        } == set()


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_core(tmp_path_factory.mktemp("axe"))


class Dev:
    """The environment that the page shows, called from elsewhere."""

    def __init__(self, server: MockServer) -> None:
        self.api = httpx.Client(base_url=server.url, headers=server.headers)
        self.control = httpx.Client(base_url=f"{server.url}/_adjourn/environments/dev")
        self.url = f"{server.url}/_adjourn/environments/dev"
        self.operations = list(server.app.service.contract.operations)
        rule = server.app.service.contract.operations["closeSession"].body
        assert rule is not None
        self.reason_limit = rule.schema.definition["properties"]["reason"]["maxLength"]

    def create(self, external_id: str, **members: Any) -> dict[str, Any]:
        answer = self.api.post("/api/v1/sessions", json={**CHAT, "externalId": external_id, **members})
        answer.raise_for_status()
        made: dict[str, Any] = answer.json()
        return made

    def say(self, external_id: str, text: str, part: str) -> httpx.Response:
        message = {"id": "m", "role": "user", "parts": [{"type": "text", "text": text}]}
        body = {"kind": "message", "payload": {"trigger": "submit-message", "message": message}}
        return self.api.post(
            f"/realtime/v1/sessions/{external_id}/in/append", json=body, headers={"X-Part-Id": part}
        ).raise_for_status()

    def out(self, external_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control.get("/out", params={"session": external_id}).json()["records"]
        return found

    def close(self, external_id: str, **body: Any) -> httpx.Response:
        return self.api.post(f"/api/v1/sessions/{external_id}/close", json=body)


@pytest.fixture
def dev(server: MockServer, window: Browser) -> Iterator[Dev]:
    """The environment as it was at the start, and a window of 1600 pixels."""
    dev = Dev(server)
    dev.control.post("/reset").raise_for_status()
    window.size(1600)
    yield dev
    dev.api.close()
    dev.control.close()


def test_a_close_elsewhere_is_seen_live(dev: Dev, window: Browser) -> None:
    dev.create("chat_1")
    window.open("#/sessions")
    assert "open" in window.row("chat_1").text
    dev.close("chat_1", reason="done")
    window.until(lambda: "closed" in window.row("chat_1").text, "the session is closed")
    dev.create("chat_2")
    window.row("chat_2")
    window.until(lambda: "2 sessions" in window.one("#facts").text, "the count")


def test_an_exchange_is_opened_and_copied_as_curl(dev: Dev, window: Browser, server: MockServer) -> None:
    # Requests of unknown callers stay in the list from test to test: an id that none of them names.
    dev.create("chat_curl")
    window.open("#/journal")
    dev.close("chat_curl", reason="it's \u00fc")
    window.click(lambda: window.row("chat_curl\nclosed"), "a row")
    detail = window.until(lambda: window.one(".detail h2").text.startswith("POST") and window.one(".detail"), "detail")
    assert "it's \u00fc" in detail.text
    assert "tr_dev_adjourn" not in window.one("html").text
    window.button("Copy as curl").click()
    line = window.until(window.clipboard, "the clipboard")
    assert "$TRIGGER_SECRET_KEY" in line
    done = subprocess.run(
        ["sh", "-c", f"{line} --silent"],
        env={"TRIGGER_SECRET_KEY": server.secret_key, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["closedReason"] == "it's \u00fc"
    assert shlex.split(line)[0] == "curl"


def test_a_refusal_shows_its_clause_and_what_differs(dev: Dev, window: Browser, server: MockServer) -> None:
    dev.create("chat_1")
    assert dev.close("chat_1", reason="x" * 300).status_code == 400
    dev.api.post("/api/v1/sessions/chat_1/close")
    httpx.post(f"{window.url}/api/v1/sessions/chat_1/close", headers={"Authorization": "Bearer tr_dev_nobody"})
    window.open("#/journal")
    window.click(lambda: window.row("reason.limit"), "a row")
    statement = server.app.service.contract.clauses["reason.limit"].statement
    window.until(lambda: statement in window.one(".detail").text, "what the clause says")
    window.click(lambda: window.row("unknown key"), "a row")
    window.until(lambda: "belongs to no environment" in window.one(".detail").text, "whose it is")
    window.click(lambda: window.row("differs"), "a row")
    window.until(lambda: "The server dialect answers" in window.one(".detail").text, "what the other dialect answers")


def test_the_journal_is_filtered_and_paused(dev: Dev, window: Browser) -> None:
    window.open("#/journal")
    for number in range(5):
        dev.create(f"chat_{number}")
    dev.close("nobody")
    window.row("id.unknown")
    window.type("input[aria-label='Search the journal']", "nobody")
    window.until(lambda: len(window.all(".list .item")) == 1, "one row")
    window.type("input[aria-label='Search the journal']", " ")
    window.one("input[aria-label='Search the journal']").send_keys(Keys.BACKSPACE)
    window.one("select[aria-label='Status'] option[value='4']").click()
    window.until(lambda: all("\n40" in row for row in window.texts(".list .item")), "only refusals")
    window.one("select[aria-label='Status'] option[value='']").click()
    window.one("select[aria-label='Operation'] option[value='closeSession']").click()
    window.until(lambda: all("closeSession" in row for row in window.texts(".list .item")), "closes alone")
    window.one("select[aria-label='Operation'] option[value='']").click()
    window.button("Pause").click()
    dev.close("somebody")
    window.until(lambda: "1 waiting" in window.one(".summary").text, "it waits")
    assert all("somebody" not in row for row in window.texts(".list .item"))
    window.button("Resume").click()
    window.row("somebody")
    window.button("Clear").click()
    window.until(lambda: "0 exchanges" in window.one("#facts").text, "it is empty")
    window.until(lambda: all("unknown key" in row for row in window.texts(".list .item")), "so is the list")


def test_a_fault_is_switched_on_and_off(dev: Dev, window: Browser) -> None:
    dev.create("chat_1")
    window.open("#/faults")
    window.type("input[aria-label='Search faults']", "later-close-replaces")
    window.click(lambda: window.row("later-close-replaces-reason"), "a row")
    window.button("Enable").click()
    window.until(lambda: "1 fault enabled" in window.one("#facts").text, "it is on")
    dev.close("chat_1", reason="first")
    assert dev.close("chat_1", reason="second").json()["closedReason"] == "second"
    window.one(".active button").click()
    window.until(lambda: "No fault is enabled" in window.one(".active").text, "it is off")
    assert dev.close("chat_1", reason="third").json()["closedReason"] != "third"


def test_a_network_fault_takes_its_parameters(dev: Dev, window: Browser) -> None:
    window.open("#/faults")
    window.click(lambda: window.row("answers an error status"), "a row")
    fields = window.all(".detail form label")
    next(each for each in fields if each.text.startswith("status")).find_element("css selector", "input").send_keys(
        "503"
    )
    next(each for each in fields if each.text.startswith("Number of requests")).find_element(
        "css selector", "input"
    ).send_keys("1")
    window.button("Enable").click()
    window.until(lambda: "1 left" in window.one(".active").text, "it is on")
    assert [dev.close("nobody").status_code for _ in range(2)] == [503, 404]


def test_a_session_is_made_and_closed_from_the_page(dev: Dev, window: Browser) -> None:
    window.open("#/sessions")
    window.button("New session").click()
    window.type("dialog label:nth-of-type(1) input", "from the page")
    window.type("dialog label:nth-of-type(4) input", "one, two")
    window.button("Create").click()
    window.row("from the page")
    window.type(".detail form input", "seen enough")
    window.button("Close the session").click()
    window.until(lambda: "closed" in window.row("from the page").text, "it is closed")
    row = dev.api.get("/api/v1/sessions/from%20the%20page").json()
    assert (row["closedReason"], row["tags"]) == ("seen enough", ["one", "two"])
    window.button("New session").click()
    window.type("dialog label:nth-of-type(1) input", "session_reserved")
    window.button("Create").click()
    window.until(lambda: "friendly id" in window.one("#notices .bad").text, "the refusal")


def test_sessions_are_searched_and_filtered(dev: Dev, window: Browser) -> None:
    dev.create("alpha", tags=["blue"])
    dev.create("beta", type="support")
    dev.close("beta")
    dev.create("gamma", expiresAt="2020-01-01T00:00:00Z")
    window.open("#/sessions")
    window.until(lambda: len(window.all(".list .item")) == 3, "three rows")
    assert "expired" in window.row("gamma").text
    for selector, text, name in (
        ("input[aria-label='Search sessions']", "ALPH", "alpha"),
        ("input[aria-label='Tag']", "blue", "alpha"),
        ("input[aria-label='Type']", "support", "beta"),
    ):
        window.type(selector, text)
        window.until(lambda name=name: [name in row for row in window.texts(".list .item")] == [True], text)
        window.type(selector, " ")
        window.one(selector).send_keys(Keys.BACKSPACE)
        window.until(lambda: len(window.all(".list .item")) == 3, "all again")
    window.one("select[aria-label='State'] option[value='CLOSED']").click()
    window.until(lambda: ["beta" in row for row in window.texts(".list .item")] == [True], "closed")


def test_the_records_of_a_chat_are_seen_live_and_opened(dev: Dev, window: Browser) -> None:
    dev.create("chat_1")
    window.open("#/sessions")
    window.click(lambda: window.row("chat_1"), "a row")
    window.button("Its chat").click()
    window.until(lambda: "0 in, 0 out" in window.one(".summary").text, "nothing yet")
    dev.say("chat_1", "what is new?", "part-7")
    row = window.row("part-7")
    assert [*row.text.splitlines()[1:]] == ["in", "0", "message submit-message", "what is new?", "part-7"]
    window.row("turn-complete")
    window.row("echo: what is new?")
    dev.control.post("/out", json={"session": "chat_1", "data": {"type": "data-late"}})
    dev.control.post("/out", json={"session": "chat_1", "command": "trim"})
    window.row("command\ntrim")
    window.until(lambda: "1 in, 10 out; run EXECUTING" in window.one(".summary").text, "a record that no exchange has")
    window.click(lambda: window.row("part-7"), "the message")
    detail = window.until(lambda: window.one(".detail h2").text == "in 0" and window.one(".detail").text, "the record")
    assert '"submit-message"' in detail
    window.click(lambda: window.row("turn-complete"), "the record with a token")
    window.until(lambda: window.one(".detail h2").text == "out 7", "the record")
    text = window.one("html").get_attribute("innerHTML")
    assert ("eyJ..." in text, "eyJh" in text) == (True, False)
    window.one("select[aria-label='Channel'] option[value='in']").click()
    window.until(lambda: len(window.all(".list .item")) == 1, "one channel")
    window.one("select[aria-label='Channel'] option[value='']").click()
    dev.close("chat_1", reason="signed out")
    window.row("message close")
    window.type("input[aria-label='Session']", "nobody")
    window.until(lambda: "no session 'nobody'" in window.one(".summary").text, "it is unknown")


def test_a_chat_is_written_to_from_the_page(dev: Dev, window: Browser) -> None:
    dev.create("chat_1")
    window.open("#/chats")
    window.until(lambda: "0 in, 0 out" in window.one(".summary").text, "the newest session")
    window.button("Agent, run, append").click()
    window.type(".detail form:nth-of-type(1) textarea", '{"type": "data-mine"}')
    window.button("Append").click()
    window.row("data-mine")
    window.one(".detail form:nth-of-type(1) option[value='control']").click()
    window.type(".detail form:nth-of-type(1) input[placeholder]", '{"session-closed": "true"}')
    window.button("Append").click()
    window.row("turn-complete")
    data, control = dev.out("chat_1")
    assert data["data"] == {"type": "data-mine"}
    assert dict(control["headers"]) == {"trigger-control": "turn-complete", "session-closed": "true"}

    window.one(".detail form:nth-of-type(3) option[value='CRASHED']").click()
    window.button("Set the state").click()
    window.until(lambda: "run CRASHED" in window.one(".summary").text, "the run")

    script = ".detail form:nth-of-type(2) textarea"
    window.type(script, '{"rules": [{"turns": [{"text": "for all"}]}], "onClose": "announce"}')
    window.button("Set the script").click()
    window.until(lambda: dev.control.get("/agent").json()["onClose"] == "announce", "the script")
    window.one(".detail form:nth-of-type(2) option[value='session']").click()
    window.type(script, '{"turns": [{"text": "for one"}]}')
    window.button("Set the script").click()
    window.until(lambda: len(dev.control.get("/agent").json()["rules"]) == 2, "the rule")
    assert dev.control.get("/agent").json()["rules"][0]["session"] == "chat_1"
    dev.say("chat_1", "hi", "p")
    window.row("for one")
    window.type(script, "not JSON")
    window.button("Set the script").click()
    window.until(lambda: "JSON" in window.one("#notices .bad").text, "why not")
    window.button("Echo again").click()
    window.until(lambda: dev.control.get("/agent").json()["rules"] == [], "the echo")


def test_a_chat_is_written_to_with_the_keyboard_alone(dev: Dev, window: Browser) -> None:
    dev.create("chat_1")
    dev.say("chat_1", "hi", "part-7")
    window.open("#/chats")
    window.row("part-7")
    window.one(".list").send_keys(Keys.END)
    window.until(lambda: window.one(".detail h2").text == "in 0", "the oldest record")
    window.one(".list").send_keys(Keys.SHIFT, Keys.TAB)
    focused = window.driver.switch_to.active_element
    assert focused.text == "Agent, run, append"
    focused.send_keys(Keys.ENTER)
    window.until(lambda: window.one(".detail h2").text == "chat_1", "the forms")
    window.one(".detail").send_keys(Keys.TAB, Keys.TAB, Keys.TAB, Keys.ENTER)
    window.until(lambda: len(dev.out("chat_1")) == 9, "a record is appended")
    window.one(".detail").send_keys(Keys.ESCAPE)
    window.until(lambda: window.driver.switch_to.active_element == window.one(".list"), "the list")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_axe_finds_nothing_serious_in_the_forms_of_a_chat(
    dev: Dev, window: Browser, axe: str, theme: str, width: int
) -> None:
    dev.create("chat_1")
    window.size(width, theme=theme)
    window.open("#/chats")
    window.until(lambda: "0 in, 0 out" in window.one(".summary").text, "the newest session")
    window.button("Agent, run, append").click()
    window.button("Set the state")
    assert [each for each in window.violations(axe) if each["impact"] in ("serious", "critical", "moderate")] == []
    assert window.driver.execute_script("return document.documentElement.scrollWidth") <= width


def test_the_clock_the_dialect_and_the_key(dev: Dev, window: Browser) -> None:
    window.open("#/environment")
    window.button("Freeze").click()
    window.until(lambda: "(frozen)" in window.one("#facts").text, "the clock stands")
    before = dev.control.get("/clock").json()["now"]
    window.type("input[placeholder='90s, 2h, 1d']", "1d")
    window.button("Advance").click()
    window.until(lambda: dev.control.get("/clock").json()["now"] != before, "a day later")
    window.until(lambda: "documented" in window.one("#facts").text, "the dialect")
    window.one("select[aria-label='Dialect'] option[value='server']").click()
    window.until(lambda: "dialect server" in window.one("#facts").text, "the other dialect")
    dev.control.patch(dev.url, json={"dialect": "documented"})
    assert "tr_dev_adjourn" not in window.one("html").get_attribute("innerHTML")
    window.button("Show the key").click()
    window.until(lambda: "tr_dev_adjourn" in window.one(".settings pre").text, "the key")
    window.button("Mask the key").click()
    window.until(lambda: "tr_dev_adjourn" not in window.one(".settings pre").text, "the mask")


def test_a_reset_asks_first(dev: Dev, window: Browser) -> None:
    dev.create("chat_1")
    window.open("#/environment")
    window.button("Reset").click()
    window.one("dialog button[value='no']").click()
    assert dev.control.get(dev.url).json()["sessions"] == 1
    window.button("Reset").click()
    window.one("dialog button[value='yes']").click()
    window.until(lambda: "0 sessions" in window.one("#facts").text, "it is empty")
    assert dev.control.get(dev.url).json()["sessions"] == 0


def test_an_environment_is_made_and_deleted(dev: Dev, window: Browser, server: MockServer) -> None:
    window.open("#/environment")
    window.type("input[placeholder='kind and number']", "made here")
    window.button("New environment").click()
    window.until(lambda: window.texts(".settings h2")[:1] == ["made here"], "it is shown")
    httpx.delete(f"{server.url}/_adjourn/environments/made%20here").raise_for_status()
    window.until(lambda: window.texts(".settings h2")[:1] == ["dev"], "another one is shown when it is gone")


def test_5000_sessions_without_stutter(dev: Dev, window: Browser) -> None:
    dev.control.put("/state", json={"sessions": [{"externalId": f"chat_{n}"} for n in range(5000)]}, timeout=30)
    window.open("#/sessions")
    window.until(lambda: "of 5000" in window.one(".summary").text, "the count")
    frames = window.driver.execute_async_script(
        """
        const done = arguments[0], list = document.querySelector(".list"), times = [];
        let last = performance.now();
        const step = (now) => {
          times.push(now - last);
          last = now;
          list.scrollTop += 1700;
          if (times.length < 150) requestAnimationFrame(step); else done(times);
        };
        requestAnimationFrame(step);
        """
    )
    assert sorted(frames)[len(frames) // 2] < 50, "half of the frames come within 50 ms"
    window.until(lambda: window.one(".summary").text.startswith("5000 of 5000"), "all were loaded as it went down", 30)
    assert len(window.all(".list .item")) < 100, "only what can be seen is in the page"
    window.one(".list").send_keys(Keys.HOME)
    window.row("chat_4999")


def test_the_journal_shows_which_session_was_closed_by_whom_with_which_reason(dev: Dev, window: Browser) -> None:
    dev.create("chat_1")
    dev.api.headers["User-Agent"] = "my-chat/1"
    dev.close("chat_1", reason="signed out")
    dev.close("chat_1", reason="again")
    dev.close("nobody")
    dev.create("chat_2")
    for width, client in ((1400, ["my-chat/1"]), (400, [])):
        window.size(width)
        window.open("#/journal")
        window.until(lambda: "5 of 5 exchanges" in window.one(".summary").text, "the count of the list")
        assert "5 exchanges" in window.one("#facts").text
        told = {"chat_1", "nobody", "closed", "closed before", "id.unknown", *client}
        shown = [text.splitlines() for text in window.texts(".list .item") if "unknown key" not in text]
        refused, repeated, first = (
            [part for part in row if part in told or part.endswith("signed out")] for row in shown[1:4]
        )
        assert [" ".join(row) for row in (refused, repeated, first)] == [
            " ".join(["nobody", "id.unknown", *client]),
            " ".join(["chat_1", "closed before signed out", *client]),
            " ".join(["chat_1", "closed signed out", *client]),
        ]


@pytest.mark.parametrize("width", [400, 1400])
def test_the_table_of_sessions_has_state_time_and_reason_under_heads(dev: Dev, window: Browser, width: int) -> None:
    dev.control.post("/clock", json={"freeze": "2026-01-01T00:00:00Z"})
    dev.create("chat_1")
    dev.close("chat_1", reason="signed out")
    window.size(width)
    window.open("#/sessions")
    text = window.row("chat_1").text
    assert all(part in text for part in ("closed", "chat_1", "2026-01-01 00:00:00", "signed out"))
    heads = [each.text for each in window.all(".list [role='columnheader']") if each.is_displayed()]
    assert heads[:4] == ["State", "Session", "Closed at", "Reason"]
    assert window.driver.execute_script("return document.documentElement.scrollWidth") <= width
    assert "1 of 1 sessions" in window.one(".summary").text
    assert "1 session" in window.one("#facts").text


def test_names_and_limits_come_from_the_document_in_force(dev: Dev, window: Browser) -> None:
    dev.create("chat_1")
    window.open("#/journal")
    names = [*dev.operations, "none"]
    window.until(
        lambda: (
            [each.get_attribute("value") for each in window.all("select[aria-label='Operation'] option")][1:] == names
        ),
        "the operations",
    )
    window.open("#/sessions")
    window.click(lambda: window.row("chat_1"), "a row")
    assert window.one(".detail form input").get_attribute("maxlength") == str(dev.reason_limit)


def test_the_keyboard_is_enough(dev: Dev, window: Browser) -> None:
    for number in range(30):
        dev.create(f"chat_{number}")
    window.open("#/sessions")
    window.row("chat_29")
    listed = window.one(".list")
    listed.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    window.until(lambda: window.one(".detail h2").text == "chat_28", "the second is open")
    listed.send_keys(Keys.END)
    window.until(lambda: window.one(".detail h2").text == "chat_0", "the last is open")
    selected = window.one(".item[aria-selected='true']")
    assert listed.get_attribute("aria-activedescendant") == selected.get_attribute("id")


def test_narrow_windows_open_a_row_over_the_list(dev: Dev, window: Browser) -> None:
    dev.create("chat_1")
    window.size(400)
    for view in VIEWS:
        window.open(f"#/{view}")
        window.one("#facts strong")
        assert window.driver.execute_script("return document.documentElement.scrollWidth") <= 400, view
    window.open("#/sessions")
    window.click(lambda: window.row("chat_1"), "a row")
    window.until(lambda: window.one(".detail h2").text == "chat_1", "the session")
    assert not window.one(".detail").find_elements("css selector", ".list")
    window.button("Back").click()
    window.until(
        lambda: window.row("chat_1").is_displayed() and not [d for d in window.all(".detail") if d.is_displayed()],
        "the list",
    )


def test_what_is_in_the_data_is_text(dev: Dev, window: Browser) -> None:
    dev.create(NASTY, tags=[NASTY[:100]], type=NASTY[:60], metadata={NASTY: NASTY})
    dev.api.post(
        f"/api/v1/sessions/{NASTY.replace('/', '%2F').replace('?', '%3F').replace('#', '%23')}/close",
        json={"reason": NASTY},
    )
    for view in ("sessions", "journal"):
        window.open(f"#/{view}")
        window.click(lambda view=view: window.row("<"), "a row")
        window.until(lambda: "onerror" in window.one(".detail").text, "the data")
        assert window.all(".detail img, .list img, .detail script, .list script") == []
        assert window.driver.title != "1"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_axe_finds_nothing_serious(dev: Dev, window: Browser, axe: str, theme: str, width: int) -> None:
    dev.create("chat_1", tags=["a"])
    dev.say("chat_1", "hi", "part-7")
    dev.close("chat_1", reason="x" * 300)
    dev.control.post("/faults", json={"fault": "latency", "parameters": {"milliseconds": 1}, "times": 1})
    window.size(width, theme=theme)
    for page in (*(f"#/{view}" for view in VIEWS), "docs"):
        window.open(page)
        window.one("#facts strong" if page != "docs" else "#closeSession")
        if page in ("#/journal", "#/sessions", "#/chats", "#/faults"):
            window.until(lambda: window.all(".list .item"), "rows")
            if width > 1000:
                window.click(lambda: window.all(".list .item")[0], "the first row")
                window.one(".detail h3, .detail form")
        serious = [each for each in window.violations(axe) if each["impact"] in ("serious", "critical")]
        assert serious == [], page


def test_the_reference_is_read_and_tried(dev: Dev, window: Browser) -> None:
    dev.create("chat_1")
    window.open("docs#closeSession")
    section = window.one("#closeSession")
    assert "At most 1024 bytes" in section.text
    assert "reason.limit" in section.text
    section.find_element("css selector", "details.card summary").click()
    window.button("Use the first environment's key").click()
    window.until(lambda: window.one("#closeSession form input[type=password]").get_attribute("value"), "the key")
    window.type("#closeSession form label:nth-of-type(1) input", "chat_1")
    section.find_element("css selector", "form button.primary").click()
    window.until(lambda: '"closedReason": "user signed out"' in section.text, "the answer")
    window.type("#search", "listSessions")
    window.until(lambda: not section.is_displayed(), "the search")


def test_a_control_token_is_asked_for() -> None:
    with MockServer(create_app(control_token="let me in")) as server, browser(server.url) as window:
        window.open("")
        window.type("dialog input", "let me in")
        window.button("Continue").click()
        window.until(lambda: window.one("#connection").text == "live", "it is live")


def test_a_mock_that_was_away_is_found_again() -> None:
    app = create_app()
    with MockServer(app) as server, browser(server.url) as window:
        window.open("")
        window.until(lambda: window.one("#connection").text == "live", "it is live")
        port = int(server.url.rpartition(":")[2])
        server.stop()
        window.until(lambda: window.one("#connection").text == "reconnecting", "it is away")
        with MockServer(create_app(), port=port):
            window.until(lambda: window.one("#connection").text == "live", "it is live again", 20)
