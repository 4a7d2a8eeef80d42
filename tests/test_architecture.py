"""The floors and the doors of the house: who may import whom, and who may not await."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("porta", "handlers", "storage")

# Floors, the highest first; a module belongs to the longest prefix that fits it.
FLOORS: dict[str, int] = {
    "porta.__main__": 6,
    "handlers": 5,
    "porta.jobs": 5,
    "porta.cli": 5,
    "porta.dev": 5,
    "porta.provider": 4,
    "porta.authn": 4,
    "porta.services": 4,
    "porta.protocol": 3,
    "porta.browser": 3,
    "porta.browser.session_uses": 1,
    "porta.audit": 3,
    "porta.limits.rate_limits": 3,
    "porta.limits.request_limits": 3,
    "porta.tenants.resolve": 3,
    "porta.runtime": 2,
    "porta.observability.clock_skew": 2,
    "porta.tenants.tenant": 2,
    "porta.observability": 1,
    "porta.tenants": 1,
    "porta.limits": 1,
    "porta.config": 1,
    "porta.pages": 1,
    "porta.text": 1,
    "porta.security": 1,
    "porta": 1,
    "storage": 1,
}
ROOT_MODULES = {"__main__", "errors", "runtime", "version"}
SIBLINGS = ("porta.provider", "porta.authn", "porta.services")
PURE = ("porta.protocol", "porta.security")

# One door a driver: the modules that alone import it.
DOORS: dict[str, tuple[str, ...]] = {
    "aiopg": ("storage.postgres.driver",),
    "psycopg2": ("storage.postgres.driver", "storage.postgres.connect", "storage.postgres.dsn"),
    "redis": ("storage.redis.discovery",),
    "hiredis": ("storage.redis.connection",),
    "jose": ("porta.security.jwt",),
    "joserfc": ("porta.security.jwt",),
    "argon2": ("porta.security.passwords",),
    "pyotp": ("porta.authn.totp",),
    "aiosmtplib": ("porta.mailer",),
    "aiosmtpd": ("porta.dev.mail_catcher",),
    "babel": ("porta.pages.render", "porta.pages.languages"),
    "tornado": (
        "handlers",
        "porta.pages.render",
        "porta.dev.web",
        "porta.dev.client",
        "porta.dev.mail_catcher",
    ),
    "httpx": ("porta.outbound",),
    "tinycss2": ("porta.pages.custom_css", "porta.pages.css_values", "porta.pages.css_schemes"),
    "click": ("porta.cli", "porta.dev", "porta.__main__"),
    "zxcvbn": ("porta.security.password_rules",),
    "uvloop": ("handlers", "porta.cli", "porta.dev"),
}

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}


def _floor(module: str) -> int:
    prefix = max((p for p in FLOORS if _within(module, p)), key=len)
    return FLOORS[prefix]


def _within(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


def _imports(module: str, *, runtime_only: bool = False) -> Iterator[str]:
    """Every module that `module` imports, `from x import y` counted as x.y where that is one."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    skipped = _type_checking_nodes(tree) if runtime_only else set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute here"
            source = node.module or ""
            for alias in node.names:
                full = f"{source}.{alias.name}"
                yield full if full in MODULES else source


def _type_checking_nodes(tree: ast.Module) -> set[ast.AST]:
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down_the_floors(module: str) -> None:
    upward = [
        imported
        for imported in _imports(module)
        if imported.split(".")[0] in PACKAGES and _floor(imported) > _floor(module)
    ]
    assert upward == []


def test_every_package_has_a_floor() -> None:
    """A new folder would otherwise be taken for the ground floor, whatever is in it."""
    packages = {f"porta.{path.parent.name}" for path in (ROOT / "porta").glob("*/*.py")}
    assert packages
    assert packages - FLOORS.keys() == set()


def test_the_root_of_porta_holds_what_belongs_to_no_folder() -> None:
    modules = {path.stem for path in (ROOT / "porta").glob("*.py")} - {"__init__"}
    assert modules == ROOT_MODULES


@pytest.mark.parametrize("module", [m for m in MODULES if _within(m, "storage")])
def test_storage_knows_nothing_above_it(module: str) -> None:
    above = [i for i in _imports(module) if i.split(".")[0] in ("porta", "handlers", "tornado")]
    assert above == []


@pytest.mark.parametrize("module", [m for m in MODULES if m.split(".")[0] != "handlers"])
def test_only_the_front_door_imports_handlers(module: str) -> None:
    if module != "porta.__main__":
        assert [i for i in _imports(module) if i.split(".")[0] == "handlers"] == []


@pytest.mark.parametrize("module", MODULES)
def test_siblings_do_not_meet(module: str) -> None:
    own = [s for s in SIBLINGS if _within(module, s)]
    if own:
        met = [i for i in _imports(module) if any(_within(i, s) for s in SIBLINGS if s not in own)]
        assert met == []


@pytest.mark.parametrize("module", MODULES)
def test_a_driver_has_one_door(module: str) -> None:
    trespassed = [
        imported
        for imported in _imports(module)
        if imported.split(".")[0] in DOORS
        and not any(_within(module, door) for door in DOORS[imported.split(".")[0]])
    ]
    assert trespassed == []


@pytest.mark.parametrize("module", [m for m in MODULES if any(_within(m, p) for p in PURE)])
def test_the_protocol_and_its_cryptography_do_no_io(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    if module != "porta.security.passwords":  # hashing takes tens of milliseconds: an executor
        awaits = [n for n in ast.walk(tree) if isinstance(n, ast.Await | ast.AsyncFunctionDef)]
        assert awaits == []
    forbidden = {"time", "socket", "os", "asyncio"}
    assert [i for i in _imports(module) if i.split(".")[0] in forbidden] == []


@pytest.mark.parametrize("module", [m for m in MODULES if _within(m, "porta.protocol")])
def test_the_protocol_is_handed_time_and_chance(module: str) -> None:
    allowed = (
        "storage.models",
        "porta.protocol",
        "porta.errors",
        "porta.config.system",
        "porta.text",
    )
    for imported in _imports(module):
        assert imported.split(".")[0] not in ("secrets", "random", "datetime", "uuid")
        if imported.split(".")[0] in PACKAGES:
            assert any(_within(imported, prefix) for prefix in allowed), imported


def _documented() -> set[str]:
    """Every module that the tree of docs/architecture.md names, but the goals (°)."""
    document = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = document.split("## The tree")[1].split("```")[1]
    named, folders = set(), [""]
    for line in tree.splitlines():
        entry = line.strip()
        depth = (len(line) - len(line.lstrip())) // 2
        names = re.split(r"  |(?<=/)  ", entry)[0].split()
        del folders[depth + 1 :]
        for name in names:
            if name.endswith("/"):
                folders.append(f"{folders[depth]}{name}")
            elif name.endswith(".py"):
                named.add(f"{folders[depth]}{name}")
    return {path for path in named if path.split("/")[0] in PACKAGES}


def test_the_document_names_every_module_where_it_is() -> None:
    modules = {
        str(path.relative_to(ROOT)) for path in MODULES.values() if path.name != "__init__.py"
    }
    documented = _documented()
    assert documented - modules == set(), "in docs/architecture.md only"
    assert modules - documented == set(), "missing in docs/architecture.md"


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {
        module: {i for i in _imports(module, runtime_only=True) if i in MODULES and i != module}
        for module in MODULES
    }
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module in done:
            return
        for imported in graph[module]:
            visit(imported, (*path, module))
        done.add(module)

    for module in graph:
        visit(module, ())


def test_data_folders_are_no_packages() -> None:
    """A package named `locale` at the root would shadow the standard library's."""
    assert not (ROOT / "locale" / "__init__.py").exists()
    assert not (ROOT / "templates" / "__init__.py").exists()
    assert "locale" in sys.stdlib_module_names


def test_every_module_says_what_it_is() -> None:
    silent = [
        module
        for module, path in MODULES.items()
        if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []
