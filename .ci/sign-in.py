"""A sign-in with Chromium: ADDRESS EMAIL PASSWORD. Prints the code that the application gets."""

import shutil
import sys
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import sync_playwright

address, email, password = sys.argv[1:]
redirect_uri = parse_qs(urlsplit(address).query)["redirect_uri"][0]
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"),
        args=["--no-sandbox", "--host-resolver-rules=MAP id.example.com 127.0.0.1"],
    )
    page = browser.new_page(ignore_https_errors=True)
    page.goto(address)
    page.fill("[autocomplete=username]", email)
    page.fill("[type=password]", password)
    with page.expect_request(lambda request: request.url.startswith(redirect_uri)) as arrived:
        page.keyboard.press("Enter")
    print(parse_qs(urlsplit(arrived.value.url).query)["code"][0])
    browser.close()
