"""Generator of the Python client's resources from the OpenAPI document (`make client`)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from handlers.admin_api import openapi
from handlers.admin_api.table import ROUTES
from tests.porta.admin_client import methods, models
from tests.porta.admin_client.methods import Operation
from tests.porta.admin_client.models import Schemas

_ROOT = Path(__file__).parents[3]
FOLDER = _ROOT / "porta" / "admin_client" / "resources"
_MADE = "Made by `make client` from the OpenAPI document of the Admin API: not to be edited."
_SHARED = "shared"


def sources() -> Mapping[str, str]:
    """Return the text of every generated module by its name, as the route table gives it."""
    document = openapi.build(ROUTES, "https://id.example")
    schemas = Schemas(document["components"]["schemas"])
    groups: dict[str, list[Operation]] = defaultdict(list)
    for operation in methods.operations(document, schemas):
        groups[operation.group].append(operation)
    owner = _owners(groups, schemas)
    texts = {name: _module(name, groups[name], owner, schemas) for name in groups}
    texts[_SHARED] = _module(_SHARED, [], owner, schemas)
    texts["__init__"] = _table(list(groups))
    return _formatted(texts)


def _owners(groups: Mapping[str, list[Operation]], schemas: Schemas) -> dict[str, str]:
    """Return the module of every model: its resource's, or `shared` where several name it."""
    named: dict[str, set[str]] = defaultdict(set)
    for name, operations in groups.items():
        for model in models.reachable(schemas, (m for o in operations for m in o.models)):
            named[model.name].add(name)
    return {model: where.pop() if len(where) == 1 else _SHARED for model, where in named.items()}


def _module(
    name: str, operations: list[Operation], owner: Mapping[str, str], schemas: Schemas
) -> str:
    own = [schemas.model(model) for model in owner if owner[model] == name]
    body = [models.source(model) for model in models.ordered(own)]
    if operations:
        body.append(methods.source(name, operations))
    text = "\n\n\n".join(body)
    used = {m.name for o in operations for m in o.models} | {u for m in own for u in m.uses}
    foreign = sorted(model for model in used if owner[model] == _SHARED and name != _SHARED)
    imports = list(_imports(text))
    if foreign:
        imports.append(f"from porta.admin_client.resources.shared import {', '.join(foreign)}")
    title = "Models that several resources" if name == _SHARED else f"{methods.title(name)}: models"
    rest = "have" if name == _SHARED else "and routes of the resource"
    head = f'"""{title} {rest}.\n\n{_MADE}\n"""\n\nfrom __future__ import annotations\n'
    return "\n".join([head, *imports, "", "", text, ""])


_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("datetime", ("date", "datetime")),
    ("typing", ("Any", "Literal", "Unpack")),
    ("msgspec", ("UNSET", "UnsetType", "field")),
    ("porta.admin_client.events", ("Events",)),
    ("porta.admin_client.listing", ("Listed",)),
    ("porta.admin_client.model", ("Entity", "Model")),
    ("porta.admin_client.resource", ("Change", "Condition", "ConditionalOnce", "Once", "Resource")),
)


def _imports(text: str) -> Iterator[str]:
    for module, names in _NAMES:
        found = [name for name in names if models.mentions(text, name)]
        if found:
            yield f"from {module} import {', '.join(found)}"


def _table(groups: list[str]) -> str:
    lines = [f'"""Every resource of the Admin API, by name.\n\n{_MADE}\n"""\n']
    lines.append("from __future__ import annotations\n")
    lines.append("from porta.admin_client.transport import Transport")
    for name in groups:
        lines.append(f"from porta.admin_client.resources.{name} import {methods.class_of(name)}")
    lines.append('\n\nclass Resources:\n    """What can be administered."""\n')
    lines.append("    def __init__(self, transport: Transport) -> None:")
    for name in groups:
        lines.append(f"        self.{name} = {methods.class_of(name)}(transport)")
    return "\n".join([*lines, ""])


def _formatted(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the modules as `make format` would leave them."""
    ruff = [sys.executable, "-m", "ruff"]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            (Path(folder) / f"{name}.py").write_text(text, encoding="utf-8")
        for verb in (["check", "--fix", "--exit-zero"], ["format"]):
            command = [*ruff, *verb, "--quiet", "--no-cache", "--config", "pyproject.toml", folder]
            subprocess.run(command, check=True, cwd=_ROOT, capture_output=True)
        return {name: (Path(folder) / f"{name}.py").read_text("utf-8") for name in texts}


def main() -> None:
    """Write the modules, and remove those that no resource has any more."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = sources()
    for name, text in made.items():
        (FOLDER / f"{name}.py").write_text(text, encoding="utf-8")
    for path in FOLDER.glob("*.py"):
        if path.stem not in made:
            path.unlink()


if __name__ == "__main__":
    main()
