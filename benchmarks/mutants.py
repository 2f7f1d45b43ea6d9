"""Where small mistakes can be made in the package's sources, and which: what `mutation.py` draws from."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

EXCHANGED: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
EXTREMES = (("min", "max"), ("minimum", "maximum"), ("argmin", "argmax"), ("any", "all"))
OPPOSITE = {a: b for pair in EXTREMES for a, b in (pair, pair[::-1])}
NO_PLACES = (ast.Import, ast.ImportFrom, ast.JoinedStr, ast.Assert)
NO_FIELDS = ("annotation", "returns", "decorator_list")
# Arguments that decide how quickly, not what; so do most constants of a module: survivors there are likely equivalent.
NO_EFFECT = ("check_finite", "overwrite_a", "overwrite_b", "copy", "order", "strict", "casting")

Line = tuple[str, int]


@dataclass(frozen=True)
class Place:
    """Bytes of a file, what may stand there instead, and lines whose execution lets a test see it."""

    file: str
    line: int
    start: int
    end: int
    instead: tuple[str, ...]
    seen_from: frozenset[Line]
    is_suspect: bool


def places_in(folder: Path, package: str, named: str) -> list[Place]:
    """All places in a folder or file, `named`, of a package that lies in `folder`."""
    sources = {path: path.read_bytes() for path in sorted((folder / package).rglob("*.py"))}
    uses: dict[str, set[Line]] = defaultdict(set)
    for path, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                uses[node.id].add((str(path.relative_to(folder)), node.lineno))
    chosen = folder / package / named
    inside = [path for path in sources if path == chosen or chosen in path.parents]
    if not inside:
        raise SystemExit(f"{chosen} is neither a folder nor a file of the package; name one, such as linalg.")
    return [place for path in inside for place in Finder(str(path.relative_to(folder)), sources[path], uses).places]


class Finder:
    """Collects the places of a file; `uses` tells on which lines of the package a name is read."""

    def __init__(self, file: str, source: bytes, uses: dict[str, set[Line]]) -> None:
        self.file, self.uses = file, uses
        self.begins = [0]
        for row in source.splitlines(keepends=True):
            self.begins.append(self.begins[-1] + len(row))
        self.places: list[Place] = []
        for node in ast.parse(source).body:
            names = names_of(node)
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                self._visit(node, frozenset(), in_function=False, is_suspect=False)
            elif any(name.isupper() for name in names):  # a constant, not an alias of a type or a list of names
                in_table = any(isinstance(inner, ast.Lambda) for inner in ast.walk(node))
                seen_from = self._lines(node).union(*(self.uses[name] for name in names))
                self._collect(node, seen_from, in_function=False, is_suspect=not in_table)

    def _visit(self, node: ast.AST, seen_from: frozenset[Line], in_function: bool, is_suspect: bool) -> None:
        if isinstance(node, NO_PLACES):
            return
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            # Defaults, and fields of a class, are executed once, at import: what they decide is seen in its body.
            seen_from = self._lines(node)
        elif isinstance(node, ast.stmt) and in_function:
            seen_from = self._lines(node)
        elif isinstance(node, ast.keyword):
            is_suspect = is_suspect or node.arg in NO_EFFECT
        self._collect(node, seen_from, in_function, is_suspect)

    def _collect(self, node: ast.AST, seen_from: frozenset[Line], in_function: bool, is_suspect: bool) -> None:
        instead = [*mistakes(node), *(["pass"] if in_function and is_action(node) else [])]
        if instead:
            self._add(node, instead, seen_from, is_suspect)
        if isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "warn"):
            return  # a message
        in_function = in_function or isinstance(node, ast.FunctionDef | ast.Lambda)
        for name, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and name not in NO_FIELDS:
                    if name in ("test", "ifs") and isinstance(child, ast.Name | ast.Attribute | ast.Call):
                        self._add(child, [f"(not {ast.unparse(child)})"], seen_from, is_suspect)
                    self._visit(child, seen_from, in_function, is_suspect)

    def _add(self, node: ast.AST, instead: list[str], seen_from: frozenset[Line], is_suspect: bool) -> None:
        at = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        start, end = (self.begins[line - 1] + column for line, column in at)
        self.places.append(Place(self.file, at[0][0], start, end, tuple(instead), seen_from, is_suspect))

    def _lines(self, node: ast.stmt) -> frozenset[Line]:
        """Lines of a statement: of a definition all, of what else has a body those before it."""
        last = node.end_lineno or node.lineno
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) and getattr(node, "body", None):
            last = max(node.lineno, node.body[0].lineno - 1)  # type: ignore[attr-defined]
        return frozenset((self.file, line) for line in range(node.lineno, last + 1))


def mistakes(node: ast.AST) -> Iterator[str]:
    """What can stand in place of an expression, a return or an augmented assignment, as source text."""
    fields = dict(ast.iter_fields(node))
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            for other in EXCHANGED[type(op)]:
                ops = [*node.ops[:i], other(), *node.ops[i + 1 :]]
                yield f"({ast.unparse(ast.Compare(node.left, ops, node.comparators))})"  # type: ignore[arg-type]
    elif isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign):
        for other in EXCHANGED.get(type(node.op), ()):
            text = ast.unparse(type(node)(**{**fields, "op": other()}))
            yield text if isinstance(node, ast.AugAssign) else f"({text})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        yield from map(repr, other_values(node.value))
    elif isinstance(node, ast.Name) and node.id in OPPOSITE:
        yield OPPOSITE[node.id]
    elif isinstance(node, ast.Attribute) and node.attr in OPPOSITE:
        yield ast.unparse(ast.Attribute(**{**fields, "attr": OPPOSITE[node.attr]}))
    elif isinstance(node, ast.Slice):
        for name in ("lower", "upper"):
            if fields[name] is not None and not isinstance(fields[name], ast.Constant):
                for sign in "+-":
                    moved = ast.parse(f"({ast.unparse(fields[name])}) {sign} 1", mode="eval").body
                    yield ast.unparse(ast.Slice(**{**fields, name: moved}))
    elif isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
        yield "return None"


def other_values(value: bool | int | float) -> tuple[bool | int | float, ...]:
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return value + 1, value - 1
    return (10 * value, value / 10) if value else (1.0,)


def is_action(node: ast.AST) -> bool:
    """Whether a statement can be left out: not the first assignment to a name, which any execution would miss."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        named = {part.id for part in ast.walk(node.value or node) if isinstance(part, ast.Name)}
        return not named.isdisjoint(names_of(node))
    return isinstance(node, ast.AugAssign | ast.Raise) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    )


def names_of(node: ast.AST) -> list[str]:
    """Names that an assignment gives a value to."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    inner = (part for target in targets if target is not None for part in ast.walk(target))
    return [part.id for part in inner if isinstance(part, ast.Name)]
