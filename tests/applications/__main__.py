"""Run finished applications against Porta: `python -m tests.applications [NAME...]`.

Each is installed into `build/applications/`, started with the configuration that its documentation
tells, and used by Chromium: a person signs in and out, and a stranger is refused. Some need Node.js
and npm, Go, or Java and Maven. One line each; exit 1 when one fails.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.applications import (
    actual_budget,
    allauth,
    jupyterhub,
    node_red,
    oauth2_proxy,
    panel,
    pgadmin,
    spring_boot,
    streamlit,
    superset,
    synapse,
)
from tests.applications.application import Application, Place, Registration
from tests.applications.running import Porta, installed, serving
from tests.flows.chromium import FLAGS
from tests.world.machine import browser_fault, find_chromium

APPLICATIONS = tuple(
    module.APPLICATION
    for module in (
        actual_budget,
        allauth,
        jupyterhub,
        node_red,
        oauth2_proxy,
        panel,
        pgadmin,
        spring_boot,
        streamlit,
        superset,
        synapse,
    )
)
ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "applications"
"""In no folder whose name begins with a dot: servers of files (Express) send nothing out of one."""
_PATIENCE = 60_000  # milliseconds


def main(names: list[str]) -> int:
    known = {application.client_id: application for application in APPLICATIONS}
    if unknown := set(names) - known.keys():
        print(f"unknown: {', '.join(sorted(unknown))}. Known: {', '.join(known)}")
        return 2
    if fault := browser_fault():
        print(fault)
        return 1
    chosen = [known[name] for name in names or known]
    seeds = sorted((ROOT / "examples" / "applications").glob("*.yaml"))
    people = Path(__file__).with_name("people.yaml")
    with Porta(FOLDER / "porta", [*seeds, people]) as porta, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS])
        results = [
            _try(application, porta.client(application.client_id), browser)
            for application in chosen
        ]
        browser.close()
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


def _try(application: Application, client: Registration, browser: Browser) -> bool:
    began = time.monotonic()
    try:
        place, versions = installed(application, FOLDER)
        steps = _use(application, place, client, browser)
    except Exception:
        print(f"{application.name:16} FAILED after {time.monotonic() - began:.0f} s")
        traceback.print_exc(file=sys.stdout)
        return False
    named = f"{application.name:16} {versions}".rstrip()
    print(f"{named}: {steps}, {time.monotonic() - began:.0f} s", flush=True)
    return True


def _use(application: Application, place: Place, client: Registration, browser: Browser) -> str:
    steps = {"signed in": application.sign_in, "signed out": application.sign_out}
    with serving(application, application.configure(place, client), place):
        _walk(steps, place, browser)
        if application.refuse is not None:
            _walk({"a stranger refused": application.refuse}, place, browser)
            steps["a stranger refused"] = application.refuse
    return ", ".join(steps)


def _walk(steps: Mapping[str, Callable[[Page], None]], place: Place, browser: Browser) -> None:
    """Take the steps in a browser without a past."""
    context = browser.new_context(locale="en-US")
    context.set_default_timeout(_PATIENCE)
    page = context.new_page()
    try:
        for name, step in steps.items():
            step(page)
            page.screenshot(path=place.folder / f"{name.replace(' ', '-')}.png")
    except Exception:
        page.screenshot(path=place.folder / "failed.png")
        print(f"at {page.url}; see {place.folder}")
        raise
    finally:
        context.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
