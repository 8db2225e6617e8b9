"""The house rules that a program can check: DESIGN 1 and STYLE 5, 7, 13, 24, and that no file names a machine or a registry."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.processes import PROJECT_ROOT

# A room imports from the rooms below it (a smaller number), and from itself.
ROOMS: Mapping[str, int] = {
    "main_api_app": 9,
    "shopify_integration_register": 8,
    "shopify_routes": 7,
    "shopify_cli": 7,
    "shopify_celery": 7,
    "shopify_web": 6,
    "shopify_analytics": 5,
    "shopify_custom_apps": 5,
    "shopify_sync": 5,
    "shopify_webhooks": 5,
    "shopify_bulk_api": 4,
    "shopify_bulk": 3,
    "shopify_inbox": 3,
    "shopify_mirror": 3,
    "shopify_service": 2,
    "shopify_admin": 1,
    "shopify_kit": 0,
}
# One row in DESIGN 1; the views may use their own parts, nobody else's.
SIBLINGS = {("shopify_cli", "shopify_web"), ("shopify_celery", "shopify_web")}
FAKE = "fake_shopify"
MAY_IMPORT_FAKE = {FAKE, "shopify_integration_register", "shopify_cli", "main_api_app", "tools", "tests"}
HOSTS = {"main_api_app", "test_shopify_integration"}
PRODUCT = ROOMS.keys() - HOSTS

# Imported inside functions because DESIGN 4 wants `import shopify_integration_register` under 400 ms; everything else on top.
LAZY_LIBRARIES = {"boto3", "botocore", "celery", "fake_shopify", "graphql", "numpy", "pyarrow"}
LAZY_MODULES = {"shopify_web.docs_page", "shopify_web.openapi", "shopify_web.validation"}

# STYLE 7: who may import what, or use what, in our product code.
ONLY_IMPORTED_BY: Mapping[str, set[str]] = {
    "_thread": {"shopify_kit.runtime"},
    "asyncio": {"shopify_kit.runtime", "shopify_kit.embedded_postgres"},
    "concurrent": {"shopify_kit.runtime"},
    "multiprocessing": {"shopify_kit.runtime"},
    "threading": {"shopify_kit.runtime"},
    "time": {"shopify_kit.clock"},
    "uvloop": {"shopify_kit.runtime"},
}
ONLY_USED_BY: Mapping[str, set[str]] = {
    # $PG_BIN is looked for before there is any app or setting.
    "os.environ": {"shopify_kit.settings", "shopify_kit.postgres_cluster"},
    "os.getenv": {"shopify_kit.settings"},
    "app.config": {"shopify_kit.settings"},
    "current_app.config": {"shopify_kit.settings"},
    "datetime.now": {"shopify_kit.clock"},
    "datetime.today": {"shopify_kit.clock"},
    "datetime.utcnow": {"shopify_kit.clock"},
    "date.today": {"shopify_kit.clock"},
}
FLASK_GLOBALS = {"current_app", "g", "request", "session"}

SQL = re.compile(
    r"""
    select\b.+\bfrom\b | select\s+[\w.]+\( | with\s+\w+\s+as\s+(materialized\s+)?\( | insert\s+into\b
    | update\s+\S+\s+set\b | delete\s+from\b | (copy|truncate)\s+\S+\s*(from|to|\(|;|$) | set\s+(local|session)\b
    | (create|alter|drop)\s+(table|index|schema|database|type|view|function|role|extension|unlogged|unique)\b
    | (explain|analyze|vacuum|listen|notify|lock\s+table)\s+[\w.]+;?$
    """,
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)

MAX_MODULE_LINES = 900
MEDIAN_FUNCTION_LINES = 12
P95_FUNCTION_LINES = 45
NOT_OURS = {"node_modules", "__pycache__", "build", "dist"}
# Spelt so that this file does not contain what it looks for.
PLACES = re.compile(r"(?<![\w.])/(?:work|root)" + r"/|file:" + r"///(?!\w+\.)|/opt/(?:pypi|wheels)")
REGISTRIES = re.compile(
    r"pypi\." + r"org/|pythonhosted\." + r"org|registry\.npmjs\." + r"org|--(?:extra-)?index-" + r"url|--find-" + r"links"
)


@dataclass(frozen=True)
class Import:
    """One imported module, where it stands."""

    module: str
    names: tuple[str, ...]
    line: int
    is_in_function: bool
    is_for_types: bool

    @property
    def room(self) -> str:
        return self.module.partition(".")[0]


@dataclass(frozen=True)
class Module:
    """One Python file of the project."""

    path: Path

    @property
    def shown(self) -> str:
        return str(self.path.relative_to(PROJECT_ROOT))

    @property
    def name(self) -> str:
        parts = self.path.relative_to(PROJECT_ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def imports(self) -> list[Import]:
        return list(_find_imports(self.tree, self._package))

    @property
    def _package(self) -> str:
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]


def _find_imports(node: ast.AST, package: str, *, in_function: bool = False, for_types: bool = False) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, (), child.lineno, in_function, for_types)
        elif isinstance(child, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - child.level + 1] if child.level else []
            module = ".".join([*above, *([child.module] if child.module else [])])
            yield Import(module, tuple(alias.name for alias in child.names), child.lineno, in_function, for_types)
        elif isinstance(child, ast.If) and ast.unparse(child.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            for statement in child.body:
                yield from _find_imports(ast.Module([statement], []), package, in_function=in_function, for_types=True)
        else:
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _find_imports(child, package, in_function=in_function or is_function, for_types=for_types)


def find_modules() -> list[Module]:
    """Return every Python file of the project, without environments and build results."""
    found = []
    for path in sorted(PROJECT_ROOT.rglob("*.py")):
        parts = path.relative_to(PROJECT_ROOT).parts
        if not any(part.startswith(".") or part in NOT_OURS for part in parts):
            found.append(Module(path))
    return found


MODULES = find_modules()
PRODUCT_MODULES = [module for module in MODULES if module.room in PRODUCT]


def test_every_flat_module_and_package_has_its_room() -> None:
    rooms = {module.room for module in MODULES if module.room.startswith("shopify_")}

    assert sorted(rooms - ROOMS.keys()) == [], "give it a row in DESIGN 1 and in ROOMS above"


def test_imports_point_downwards() -> None:
    wrong = [
        f"{module.shown}:{found.line} imports {found.module}"
        for module in MODULES
        if module.room in ROOMS
        for found in module.imports
        if found.room in ROOMS and found.room != module.room
        if ROOMS[found.room] >= ROOMS[module.room] or (module.room, found.room) in SIBLINGS
    ]

    assert wrong == []


def test_fake_store_imports_nothing_of_ours() -> None:
    wrong = [
        f"{module.shown}:{found.line} imports {found.module}"
        for module in MODULES
        if module.room == FAKE
        for found in module.imports
        if found.room in ROOMS or found.room in {"tests", "tools"}
    ]

    assert wrong == []


def test_fake_store_is_imported_by_few() -> None:
    wrong = [
        f"{module.shown}:{found.line}"
        for module in MODULES
        for found in module.imports
        if found.room == FAKE and module.room not in MAY_IMPORT_FAKE | HOSTS
    ]

    assert wrong == []


def test_nothing_of_ours_imports_tests_or_tools() -> None:
    wrong = [
        f"{module.shown}:{found.line} imports {found.module}"
        for module in MODULES
        if module.room in ROOMS
        for found in module.imports
        if found.room in {"tests", "tools", "benchmarks"}
    ]

    assert wrong == []


def test_kit_does_not_know_flasks_globals() -> None:
    wrong = [
        f"{module.shown}:{found.line}"
        for module in MODULES
        if module.room == "shopify_kit"
        for found in module.imports
        if found.room == "flask" and FLASK_GLOBALS & set(found.names)
    ]

    assert wrong == []


def test_imports_stand_at_the_top() -> None:
    wrong = [
        f"{module.shown}:{found.line} imports {found.module}"
        for module in MODULES
        for found in module.imports
        if found.is_in_function and found.room not in LAZY_LIBRARIES and found.module not in LAZY_MODULES
    ]

    assert wrong == []


def test_there_are_no_import_cycles() -> None:
    known = {module.name for module in MODULES}
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        targets = graph.setdefault(module.name, set())
        for found in module.imports:
            if found.is_for_types:
                continue
            submodules = {f"{found.module}.{name}" for name in found.names} & known
            is_package_asked_itself = not found.names or len(submodules) < len(found.names)
            targets |= submodules | ({found.module} & known if is_package_asked_itself else set())
        targets.discard(module.name)

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        pytest.fail(" -> ".join(reversed(cycle.args[1])))


@pytest.mark.parametrize("library", ONLY_IMPORTED_BY)
def test_threads_loops_and_time_have_one_owner(library: str) -> None:
    wrong = [
        f"{module.shown}:{found.line} imports {found.module}"
        for module in PRODUCT_MODULES
        for found in module.imports
        if found.room == library and module.name not in ONLY_IMPORTED_BY[library]
    ]

    assert wrong == []


@pytest.mark.parametrize("used", ONLY_USED_BY)
def test_environment_configuration_and_clock_have_one_owner(used: str) -> None:
    wrong = [
        f"{module.shown}:{node.lineno} uses {used}"
        for module in PRODUCT_MODULES
        if module.name not in ONLY_USED_BY[used]
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and _last_two(node) == used
    ]

    assert wrong == []


def _last_two(node: ast.Attribute) -> str:
    """Return `datetime.now` for `datetime.datetime.now` and `dt.datetime.now` alike."""
    owner = node.value
    before = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return f"{before}.{node.attr}"


def test_sql_stands_in_sql_files() -> None:
    wrong = [
        f"{module.shown}:{line}: {text[:60]!r}"
        for module in PRODUCT_MODULES
        for line, text in _find_strings(module.tree)
        if looks_like_sql(text)
    ]

    assert wrong == []


def looks_like_sql(text: str) -> bool:
    """Tell a statement, all lower or all upper case, from a sentence, which begins with a capital."""
    statement = re.sub(r"^\s*/\*.*?\*/", "", text).strip()
    verb = statement.partition(" ")[0]
    return (verb.islower() or verb.isupper()) and SQL.match(statement) is not None


def _find_strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every string that is not a docstring; of an f-string the text with `{}` for its values."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | inner:
            yield node.lineno, node.value


@pytest.mark.parametrize(
    ("text", "is_sql"),
    [
        pytest.param("select id from shopify.shops where id = $1", True, id="select"),
        pytest.param("  SELECT pg_sleep(1)", True, id="upper-case"),
        pytest.param("/* a.b */ update shopify.shops set name = {}", True, id="commented"),
        pytest.param("with due as (select 1)", True, id="with"),
        pytest.param("Select a shop from the list", False, id="sentence"),
        pytest.param("select", False, id="word"),
        pytest.param("copy the file", False, id="words"),
    ],
)
def test_sql_is_told_from_sentences(text: str, is_sql: bool) -> None:
    assert looks_like_sql(text) is is_sql


def test_modules_are_not_too_long() -> None:
    wrong = [
        f"{module.shown}: {lines}"
        for module in MODULES
        if module.room in ROOMS or module.room == FAKE
        if (lines := module.text.count("\n")) > MAX_MODULE_LINES
    ]

    assert wrong == []


def test_functions_can_be_seen_whole() -> None:
    lengths = {
        f"{module.shown}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for module in PRODUCT_MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_stub(node)
    }
    longest = sorted(lengths, key=lengths.__getitem__, reverse=True)[:10]

    p95 = quantiles(lengths.values(), n=20)[-1]

    assert median(lengths.values()) <= MEDIAN_FUNCTION_LINES
    assert p95 <= P95_FUNCTION_LINES, longest


def _is_stub(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    last = node.body[-1]
    return isinstance(last, ast.Expr) and isinstance(last.value, ast.Constant) and last.value.value is ...


def find_texts() -> Iterator[tuple[Path, str]]:
    """Yield the text files that git would commit: nothing hidden but `.ci`, no environments, no build results."""
    for top in sorted(PROJECT_ROOT.iterdir()):
        if top.name in NOT_OURS or (top.name.startswith(".") and top.name not in {".ci", ".gitignore", ".env.example"}):
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and not NOT_OURS & set(path.parts):
                try:
                    yield path, path.read_text("utf-8")
                except UnicodeDecodeError:
                    continue


@pytest.mark.parametrize("pattern", [pytest.param(PLACES, id="machine_paths"), pytest.param(REGISTRIES, id="registries")])
def test_no_file_names_a_machine_or_a_registry(pattern: re.Pattern[str]) -> None:
    wrong = [
        f"{path.relative_to(PROJECT_ROOT)}:{number}: {line.strip()[:80]}"
        for path, text in find_texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]

    assert wrong == []
