"""Make the picture of the guides from the real page: python mock_server/tests/picture.py"""

from __future__ import annotations

from pathlib import Path

import httpx
from browser import browser
from sessions_api import CHAT

from adjourn_mock import MockServer

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "dashboard.png"


def main() -> None:
    with MockServer(id_seed=1) as server, browser(server.url) as window:
        with httpx.Client(base_url=server.url, headers=server.headers) as client:
            for number in range(1, 13):
                client.post(
                    "/api/v1/sessions", json={**CHAT, "externalId": f"chat_{number}", "tags": ["beta"][: number % 2]}
                )
            for number in range(2, 12, 3):
                client.post(f"/api/v1/sessions/chat_{number}/close", json={"reason": "user signed out"})
            client.post("/api/v1/sessions/nobody/close", json={})
            client.post("/api/v1/sessions/chat_1/close", json={"reason": "x" * 300})
            client.post("/api/v1/sessions/chat_1/close", content=b"", headers={"Content-Type": "application/json"})
            httpx.post(
                f"{server.url}/api/v1/sessions/chat_1/close", headers={"Authorization": "Bearer tr_dev_mistyped"}
            )
            client.post("/api/v1/sessions/chat_3/close", json={"reason": "user signed out"})
        window.size(1400, 760)
        window.open("#/journal")
        window.row("reason.limit").click()
        window.until(lambda: window.one(".detail").text.startswith("POST"), "the exchange")
        window.driver.save_screenshot(str(PICTURE))


if __name__ == "__main__":
    main()
