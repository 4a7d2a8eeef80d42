"""The floors and the doors of the house: who may import whom, and who may not await."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from porta.config.system import Config
from storage.models.artifacts import ARTIFACTS

ROOT = Path(__file__).parent.parent
PACKAGES = ("porta", "handlers", "storage")

# Floors, the highest first; a module belongs to the longest prefix that fits it.
FLOORS: dict[str, int] = {
    "porta.__main__": 6,
    "handlers": 5,
    "porta.jobs": 5,
    "porta.outbox": 1,
    "porta.images": 1,
    "porta.outbound": 1,
    "porta.emails": 1,
    "porta.cli": 5,
    "porta.admin_client": 1,
    "porta.dev": 5,
    "porta.provider": 4,
    "porta.authn": 4,
    "porta.services": 4,
    "porta.administration": 4,
    "porta.protocol": 3,
    "porta.browser": 3,
    "porta.browser.session_uses": 1,
    "porta.audit": 3,
    "porta.audit.tail": 1,
    "porta.limits.rate_limits": 3,
    "porta.limits.mailed_links": 3,
    "porta.limits.own_changes": 3,
    "porta.limits.request_limits": 3,
    "porta.tenants.resolve": 3,
    "porta.tenants.home_realms": 3,
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
    "webauthn": ("porta.security.passkeys",),
    "aiosmtplib": ("porta.emails.mailer",),
    "aiosmtpd": ("porta.dev.mail_catcher",),
    "dns": ("porta.outbound.dns",),
    "babel": ("porta.pages.template_functions", "porta.pages.render", "porta.pages.catalogs"),
    "tornado": (
        "handlers",
        "porta.pages.render",
        "porta.pages.template_functions",
        "porta.pages.themes",
        "porta.outbound",
        "porta.dev.web",
        "porta.dev.pages",
        "porta.dev.client",
        "porta.dev.relying_party",
        "porta.dev.mail_catcher",
        "porta.dev.instances",
        "porta.admin_client.http",
        "porta.admin_client.loopback",
    ),
    "httpx": ("porta.outbound",),
    "obstore": ("storage.stores.asset_bucket",),
    "xml": ("porta.images.svg",),
    "tinycss2": tuple(
        f"porta.pages.{name}"
        for name in ("custom_css", "css_values", "css_schemes", "css_selectors")
    ),
    "click": ("porta.cli", "porta.dev", "porta.__main__"),
    "zxcvbn": ("porta.security.password_rules",),
    "uvloop": ("handlers", "porta.cli", "porta.dev", "porta.jobs.process"),
}

# Who opens connections to others (decisions/0042): a server through porta.outbound alone.
CALLERS = ("porta.outbound", "porta.admin_client", "porta.dev", "porta.cli.health")
_CALLS = re.compile(
    r"(tornado\.(\w*httpclient|tcpclient|websocket)|urllib\.request|http\.client|httpcore|requests)\b"
)

MOST_ANCESTORS = 3

LONGEST = 275
"""Lines of a module: 250, and a tenth of grace until it is parted."""
LONGER = {
    "handlers.base": "what every handler is: a method each of Tornado's that it answers for",
    "porta.pages.values": "a table: what each page is given",
}
"""Modules of more lines, and why; none of them has many more."""
_GENERATED = "porta.admin_client.resources"

LONGEST_FUNCTION = 40
"""Lines of a function beside its docstring: thirty fit a screen, and a third of grace."""
LONGER_FUNCTIONS = {
    "porta.config.production.production_problems": "a table: what is refused, and what to do",
}
"""Functions of more lines, and why."""

_SQL = re.compile(r"\b(SELECT .+ FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b", re.DOTALL)

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


def _each(modules: Iterable[str]) -> Callable[[Callable[[str], None]], Callable[[], None]]:
    """Hold each of `modules` to a check: one test, which names all that fail it.

    As a test of its own each would cost more to report than to look at, thousands of times.
    """

    modules = list(modules)

    def decorate(check: Callable[[str], None]) -> Callable[[], None]:
        def test() -> None:
            assert modules, "what holds of no module holds nothing"
            faults = {}
            for module in modules:
                try:
                    check(module)
                except AssertionError as fault:
                    faults[module] = str(fault)
            assert faults == {}, "\n".join(f"{module}: {said}" for module, said in faults.items())

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return decorate


@cache
def _imports(module: str, *, runtime_only: bool = False) -> tuple[str, ...]:
    """Every module that `module` imports, `from x import y` counted as x.y where that is one."""
    return tuple(_imported(module, runtime_only))


def _imported(module: str, runtime_only: bool) -> Iterator[str]:
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


@_each(MODULES)
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


@_each([m for m in MODULES if _within(m, "storage")])
def test_storage_knows_nothing_above_it(module: str) -> None:
    above = [i for i in _imports(module) if i.split(".")[0] in ("porta", "handlers", "tornado")]
    assert above == []


@_each([m for m in MODULES if _within(m, "porta.admin_client")])
def test_the_client_of_the_admin_api_needs_nothing_of_a_server(module: str) -> None:
    """Whoever administers from elsewhere imports no database, and no setting of a server."""
    ours = [i for i in _imports(module) if i.split(".")[0] in PACKAGES]
    assert [i for i in ours if not _within(i, "porta.admin_client")] == []


@_each([m for m in MODULES if m.split(".")[0] != "handlers"])
def test_only_the_front_door_imports_handlers(module: str) -> None:
    if module != "porta.__main__":
        assert [i for i in _imports(module) if i.split(".")[0] == "handlers"] == []


@_each([m for m in MODULES if _within(m, "handlers")])
def test_handlers_translate_and_leave_storage_alone(module: str) -> None:
    known = ("storage.errors", "storage.models")
    below = [i for i in _imports(module) if i.split(".")[0] == "storage"]
    assert [i for i in below if not any(_within(i, each) for each in known)] == []
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    assert [text for text in texts if isinstance(text, str) and _SQL.search(text)] == []


def _handlers() -> dict[str, list[str]]:
    """Every class of the handlers with those of its ancestors that are ours, mixins and all."""
    bases: dict[str, list[str]] = {}
    for module in (m for m in MODULES if _within(m, "handlers")):
        for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                assert node.name not in bases, f"{node.name} is two classes"
                bases[node.name] = [ast.unparse(base).split(".")[-1] for base in node.bases]

    def ancestors(name: str) -> set[str]:
        # A body is called what the command of a service is that it reads under more names.
        own = [base for base in bases[name] if base in bases and base != name]
        return set(own).union(*map(ancestors, own))

    return {name: sorted(ancestors(name)) for name in bases}


@pytest.mark.parametrize(("handler", "ancestors"), _handlers().items())
def test_no_handler_has_more_than_three_ancestors(handler: str, ancestors: list[str]) -> None:
    """What else a handler has in common with others is an object, or a function, that it names."""
    assert len(ancestors) <= MOST_ANCESTORS, handler


# What `tests/factories.py` makes, made elsewhere all the same: each with the reason.
MADE_ELSEWHERE = {
    "tests/storage/repositories/test_clients.py": "asks what the record says by default",
    "tests/porta/protocol/requests/test_authorization_request.py": "asks what parsing makes of it",
}
_FACTORIES = ROOT / "tests" / "factories.py"


def _records(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """The classes of ours that a module of the tests imports: their name there, and their own."""
    return {
        alias.asname or alias.name: alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES
        for alias in node.names
    }


def _made(path: Path) -> dict[int, str]:
    """Each class of ours that a module calls, by the line: `Client(...)`, `clients.Client(...)`."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    ours = _records(nodes)
    made = {}
    for node in nodes:
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            if called.value.id in ours:
                made[called.lineno] = called.attr
        elif isinstance(called, ast.Name) and called.id in ours:
            made[called.lineno] = ours[called.id]
    return {line: name for line, name in made.items() if name[0].isupper()}


def test_issue6_1_one_module_makes_the_records_of_tests() -> None:
    """Their defaults stand there alone, so that a new column needs a word in one place."""
    known = set(_made(_FACTORIES).values())
    assert {"Organization", "User", "Client", "Session", "AccessToken", "Interaction"} <= known
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if path != _FACTORIES and "node_modules" not in path.parts:
            lines = {line: name for line, name in _made(path).items() if name in known}
            if lines:
                where = path.relative_to(ROOT).as_posix()
                found[where] = [f"{where}:{line} makes {name}" for line, name in lines.items()]
    others = [
        line for where, lines in found.items() if where not in MADE_ELSEWHERE for line in lines
    ]
    assert not others, "tests/factories.py makes them"
    assert found.keys() >= MADE_ELSEWHERE.keys(), "an exception that nobody needs any more"


def test_nothing_is_named_for_no_use() -> None:
    vague = {"util", "utils", "utilities", "helper", "helpers", "misc", "common"}
    parts = {part: module for module in MODULES for part in module.split(".")}
    parts |= {path.stem: str(path) for path in (ROOT / "tests").rglob("*.py")}
    assert {module for part, module in parts.items() if part in vague} == set()


def test_every_process_collects_the_same_tests() -> None:
    """The processes that share the tests compare their names: none of them is made by chance."""
    made = [
        f"{path.relative_to(ROOT)}:{decorator.lineno}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for text in [path.read_text(encoding="utf-8")]
        if re.search(_CHANCE, text)
        for module in [ast.parse(text)]
        for chance in [re.compile("|".join((_CHANCE, *_given_by_chance(module))))]
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in node.decorator_list
        if chance.search(ast.unparse(decorator))
    ]
    assert made == []


_CHANCE = r"\b(uuid[14]|token_\w+|random|randint|urandom|new_id)\("


def _given_by_chance(module: ast.Module) -> list[str]:
    """Patterns of the names of a module that are given a text, and that by chance."""
    texts = re.compile(rf"f['\"].*{_CHANCE}|(str\()?{_CHANCE}")
    return [
        rf"\b{target.id}\b"
        for node in module.body
        if isinstance(node, ast.Assign) and texts.match(ast.unparse(node.value))
        for target in node.targets
        if isinstance(target, ast.Name)
    ]


def _how_to_add() -> list[tuple[str, str, str]]:
    """The rows of the table "How to add", but the goals (°)."""
    document = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    lines = document.split("## How to add")[1].split("##")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return [(what, write, line) for what, write, line in rows[2:] if not what.endswith("°")]


def _file(named: str) -> Path:
    """Return the file, or the folder, that the document names without `porta/`."""
    found = [base / named for base in (ROOT, ROOT / "porta") if (base / named).exists()]
    assert found, f"{named} is not there"
    return found[0]


def _defined(path: Path) -> set[str]:
    """The names that a module gives something to, or a class."""
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    names = {node.name for node in nodes if isinstance(node, ast.ClassDef)}
    for node in nodes:
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def test_every_artifact_has_its_line_with_its_store_and_its_lifetime() -> None:
    """Of the storage router; ttls with a key are the defaults of `Config`."""
    document = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    lines = document.split("| artifact | store |")[1].split("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    told = {row[0]: (row[1].lower(), row[2]) for row in rows if "°" not in row[0]}
    stores = {kind.__name__: each.store.value for kind, each in ARTIFACTS.items()}
    assert {
        name: store.replace("postgresql", "postgres") for name, (store, _) in told.items()
    } == stores
    seconds = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
    for _, lifetime in told.values():
        for key, count, unit in re.findall(r"`(\w+)` (\d+) (\w+)", lifetime):
            assert getattr(Config(), key) == int(count) * seconds[unit], key


@pytest.mark.parametrize(("what", "write", "line"), _how_to_add())
def test_how_to_add_names_tables_that_exist(what: str, write: str, line: str) -> None:
    del what
    quoted = re.findall(r"`([^`]+)`", line)
    for name, following in zip(quoted, [*quoted[1:], ""], strict=True):
        if "/" in name:
            assert _file(name)
        else:
            assert name in _defined(_file(following)), f"{name} in {following}"
    for path, name in re.findall(r"`([\w/]+/x\.py)` with `([A-Z]+)`", write):
        folder = _file(path.removesuffix("/x.py"))
        made = {module.stem for module in folder.glob("*.py") if name in _defined(module)}
        table = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
        read = (n for n in ast.walk(table) if isinstance(n, ast.Attribute) and n.attr == name)
        listed = {n.value.id for n in read if isinstance(n.value, ast.Name)}
        assert made
        assert listed == made, f"each {name} of {folder.name} has its line"
    for path in re.findall(r"`([\w/<>]+/)(?:x\.[a-z]+)?`", write):
        assert _file(path.split("<")[0])


# Who may see the rows of every organization (decisions/0036), each with the reason.
EVERYWHERE = {
    "porta.config.known": "the caches of configuration are read for many organizations at once",
    "porta.runtime": "the tail of the audit trail reads what is sealed of every organization",
    "porta.services.startup": "keys and costs of the whole installation",
    "porta.services.invitation_acceptance": "who invites is of another organization",
    "porta.services.setup": "who made a set-up link is of another organization",
    "porta.services.own_data": "hands out and erases a person, who asked for it themselves",
    "porta.services.self_registration": "makes an account where an organization lets people",
    "porta.administration.access": "a token is looked for before its organization is known",
    "handlers.admin_api.handler": "administrators of the installation; services hold the border",
    "porta.authn.federation.joining": "makes an account where a connection may",
    "handlers.ops.root": "in development, links to every organization",
    "porta.cli.commands": "commands of an operator",
    "porta.dev.seed": "seeds a database of one's own",
    **dict.fromkeys(
        (f"porta.jobs.{name}" for name in (
            "worker", "job", "attempt", "send_mail", "purge_expired", "expect_costs",
            "seal_audit", "anchor_audit", "import_document", "check_domains",
        )),
        "the queue is everybody's",
    ),
    "storage.router": "offers it",
    "storage.stores.postgres": "an interaction is looked for before its tenant is known",
    "storage.repositories.events": "events of no organization",
}  # fmt: skip
_MAKES = ("storage.postgres.executors", "storage.postgres.tenancy", "storage.postgres.statement")
_EVERYWHERE = re.compile(
    r"\b(storage|tx|_pg|pg|executor|_executor|connection|opened)\.everywhere\b"
)


@_each([m for m in MODULES if m not in _MAKES])
def test_issue7_11_few_ask_for_the_rows_of_every_organization(module: str) -> None:
    asks = _EVERYWHERE.search(MODULES[module].read_text(encoding="utf-8")) is not None
    assert asks <= (module in EVERYWHERE), f"{module} has to name an organization"


@_each(MODULES)
def test_there_is_one_door_outwards(module: str) -> None:
    if not any(_within(module, caller) for caller in CALLERS):
        assert [each for each in _imports(module) if _CALLS.match(each)] == []


@_each(MODULES)
def test_siblings_do_not_meet(module: str) -> None:
    own = [s for s in SIBLINGS if _within(module, s)]
    if own:
        met = [i for i in _imports(module) if any(_within(i, s) for s in SIBLINGS if s not in own)]
        assert met == []


@_each(MODULES)
def test_a_driver_has_one_door(module: str) -> None:
    trespassed = [
        imported
        for imported in _imports(module)
        if imported.split(".")[0] in DOORS
        and not any(_within(module, door) for door in DOORS[imported.split(".")[0]])
    ]
    assert trespassed == []


@_each([m for m in MODULES if any(_within(m, p) for p in PURE)])
def test_the_protocol_and_its_cryptography_do_no_io(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    if module != "porta.security.passwords":  # hashing takes tens of milliseconds: an executor
        awaits = [n for n in ast.walk(tree) if isinstance(n, ast.Await | ast.AsyncFunctionDef)]
        assert awaits == []
    forbidden = {"time", "socket", "os", "asyncio"}
    assert [i for i in _imports(module) if i.split(".")[0] in forbidden] == []


@_each([m for m in MODULES if _within(m, "porta.protocol")])
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


@_each(MODULES)
def test_what_checks_returns_nothing(module: str) -> None:
    """`check_x` raises what a client will read, or does nothing (docs/architecture.md, "Names")."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    checks = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and re.match(r"_*check(_|$)", node.name)
    )
    answers = [each.name for each in checks if each.returns and ast.unparse(each.returns) != "None"]
    assert answers == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        module
        for module, path in MODULES.items()
        if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []


@_each([m for m in MODULES if not _within(m, _GENERATED)])
def test_a_module_says_one_thing(module: str) -> None:
    """What outgrows 250 lines is two things, and is parted by what they say."""
    lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    most = LONGEST + 75 if module in LONGER else LONGEST
    assert lines <= most, f"{module} has {lines} lines"


@cache
def _lengths(module: str) -> dict[str, int]:
    """The lines of each function of a module, its docstring aside; of two of a name the longer."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    found: dict[str, int] = {}
    for each in ast.walk(tree):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            said = _lines(each.body[0]) if ast.get_docstring(each) else 0
            name = f"{module}.{each.name}"
            found[name] = max(_lines(each) - said, found.get(name, 0))
    return found


def _lines(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


@_each([m for m in MODULES if not _within(m, _GENERATED)])
def test_a_function_fits_a_screen(module: str) -> None:
    """What outgrows a screen is two things, and is parted by what they say."""
    too_long = {each: n for each, n in _lengths(module).items() if n > LONGEST_FUNCTION}
    assert too_long.keys() - LONGER_FUNCTIONS.keys() == set()


def test_no_exception_is_left_that_nobody_needs() -> None:
    """Neither of a function, nor of a module."""
    functions = {each: n for m in MODULES for each, n in _lengths(m).items()}
    short = {each for each in LONGER_FUNCTIONS if functions[each] <= LONGEST_FUNCTION}
    assert short == set()
    short = {m for m in LONGER if len(MODULES[m].read_text("utf-8").splitlines()) <= LONGEST}
    assert short == set()
