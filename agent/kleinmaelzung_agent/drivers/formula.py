"""Small formulas in configuration, such as "-45 + 175 * raw / 65535": read once into a tree, computed often. Pure.

    text --parse(known names)--> Formula --value(numbers by name)--> a finite number, or None: there is no value

Numbers, names, + - * / % ** ( ), comparisons (1 where they hold, else 0), and the functions below. The text is cut into
tokens by one regular expression and read by recursive descent: nothing of it is ever given to Python. Length and depth
are bounded, and all arithmetic is that of 64 bit floats, so no formula can take long or grow large.
"""

import math
import operator
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_agent.configuration.tables import hint

MAX_LENGTH: Final = 500
MAX_DEPTH: Final = 40
NO_RESULT: Final = "no value"  # the quality where a formula has none
EXPECTED: Final = "numbers, names, + - * / % ** ( ), < <= > >= == !="

_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[a-z][a-z0-9_]{0,31}(?![A-Za-z0-9_.]))|(?P<sign>\*\*|[<>=!]=|[-+*/%(),<>])|$)"
)
# math.pow and not **, which makes complex numbers of negative ones.
_COMPUTE: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "**": math.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_COMPARE: Final = ("<", "<=", ">", ">=", "==", "!=")
_IF: Final = "if"
# Name, and how many numbers it takes at least and at most.
_FUNCTIONS: Final[dict[str, tuple[Callable[..., float], int, int]]] = {
    "sqrt": (math.sqrt, 1, 1),
    "exp": (math.exp, 1, 1),
    "log": (math.log, 1, 1),
    "ln": (math.log, 1, 1),
    "log10": (math.log10, 1, 1),
    "log2": (math.log2, 1, 1),
    "abs": (abs, 1, 1),
    "floor": (math.floor, 1, 1),
    "min": (min, 2, 8),
    "max": (max, 2, 8),
    _IF: (lambda condition, then, otherwise: then if condition else otherwise, 3, 3),
}
FUNCTIONS: Final = tuple(_FUNCTIONS)


class FormulaError(ValueError):
    """This is no formula; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    sign: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple["Node", ...]


Node = Number | Name | Operation | Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """`names` is what value() needs numbers for."""

    text: str
    root: Node
    names: frozenset[str]


def parse(text: str, known: Collection[str]) -> Formula:
    """Raises FormulaError; names other than the known ones are mistakes."""
    if not text.strip():
        raise FormulaError('expected a formula such as "raw / 128", found nothing')
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"a formula has at most {MAX_LENGTH} characters, found {len(text)}")
    root = _Reader(text).read()
    names = frozenset(_names(root))
    for name in sorted(names - set(known)):
        listed = ", ".join(list(known)[:20]) or "none"
        raise FormulaError(f'the name "{name}" is not known here{hint(name, known)} (known: {listed})')
    return Formula(text=text.strip(), root=root, names=names)


def named(name: str) -> Formula:
    """The formula that is a name and no more."""
    return Formula(text=name, root=Name(name), names=frozenset([name]))


def value(formula: Formula, numbers: Mapping[str, float]) -> float | None:
    """None where there is none: a name without a number, a division by zero, anything that is not finite on the way."""
    try:
        return _value(formula.root, numbers)
    except (KeyError, ArithmeticError, ValueError):  # ValueError: the logarithm of a negative number
        return None


def _value(node: Node, numbers: Mapping[str, float]) -> float:
    match node:
        case Number(value=number):
            return number
        case Name(name=name):
            return _finite(numbers[name])
        case Operation(sign=sign, left=left, right=right):
            return _finite(_COMPUTE[sign](_value(left, numbers), _value(right, numbers)))
        case Call(function=function, arguments=(condition, then, otherwise)) if function == _IF:
            return _value(then if _value(condition, numbers) else otherwise, numbers)  # the other may have no value
        case Call(function=function, arguments=arguments):
            return _finite(_FUNCTIONS[function][0](*(_value(argument, numbers) for argument in arguments)))


def _finite(number: float) -> float:
    """Of each step: 1 / (1e308 * 10) is no 0."""
    found = float(number)
    if not math.isfinite(found):
        raise ValueError(f"{found} is no finite number")
    return found


def _names(node: Node) -> Iterator[str]:
    match node:
        case Name(name=name):
            yield name
        case Operation(left=left, right=right):
            yield from (*_names(left), *_names(right))
        case Call(arguments=arguments):
            for argument in arguments:
                yield from _names(argument)


class _Reader:
    """Reads one text. Each method reads what binds tighter than the one before it, and gives it with its depth."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))  # the last is the end
        self._at = 0
        self._nested = 0

    def read(self) -> Node:
        node = self._comparison()
        if self._token[0] != "end":
            raise FormulaError(f"expected the end or an operator, found {self._token[1]!r}")
        if _depth(node) > MAX_DEPTH:
            raise FormulaError(f"the formula is a sum or product of more than {MAX_DEPTH} parts")
        return node

    @property
    def _token(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def _take(self, *signs: str) -> str:
        """The sign that comes next where it is one of these, else nothing."""
        kind, text = self._token
        if kind != "sign" or text not in signs:
            return ""
        self._at += 1
        return text

    def _comparison(self) -> Node:
        left = self._sum()
        if sign := self._take(*_COMPARE):
            left = _folded(Operation(sign, left, self._sum()))
            if self._take(*_COMPARE):
                raise FormulaError("expected one comparison, found a chain: multiply them, (a < b) * (b < c)")
        return left

    def _sum(self) -> Node:
        left = self._product()
        while sign := self._take("+", "-"):
            left = _folded(Operation(sign, left, self._product()))
        return left

    def _product(self) -> Node:
        left = self._signed()
        while sign := self._take("*", "/", "%"):
            left = _folded(Operation(sign, left, self._signed()))
        return left

    def _signed(self) -> Node:
        # All recursion passes here, so that the depth of the text is counted before Python's stack is used up.
        self._nested += 1
        if self._nested > MAX_DEPTH:
            raise FormulaError(f"the formula is nested more than {MAX_DEPTH} deep")
        if sign := self._take("+", "-"):
            operand = self._signed()
            node = _folded(Operation("-", Number(0.0), operand)) if sign == "-" else operand
        else:
            node = self._power()
        self._nested -= 1
        return node

    def _power(self) -> Node:
        base = self._atom()
        return _folded(Operation("**", base, self._signed())) if self._take("**") else base

    def _atom(self) -> Node:
        kind, text = self._token
        self._at += kind != "end"
        if kind == "number":
            return Number(_number(text))
        if kind == "name":
            return self._call(text) if self._take("(") else Name(text)
        if text != "(":
            raise FormulaError(f"expected a number, a name or (, found {text!r}" if text else "it ends too early")
        inner = self._comparison()
        self._close()
        return inner

    def _call(self, function: str) -> Node:
        if function not in _FUNCTIONS:
            raise FormulaError(f"there is no function {function}, expected {', '.join(_FUNCTIONS)}")
        arguments = [self._comparison()]
        while self._take(","):
            arguments.append(self._comparison())
        self._close()
        _, least, most = _FUNCTIONS[function]
        if not least <= len(arguments) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise FormulaError(f"{function} takes {wanted} numbers, found {len(arguments)}")
        return _folded(Call(function, tuple(arguments)))

    def _close(self) -> None:
        if not self._take(")"):
            raise FormulaError(f"expected ), found {self._token[1]!r}" if self._token[1] else "a ) is missing")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            remedy = " (a power is written **)" if text[at:].lstrip()[:1] == "^" else ""
            raise FormulaError(f"character {at + 1}, {text[at : at + 12].strip()!r}: expected {EXPECTED}{remedy}")
        at = found.end()
        if found.lastgroup:
            yield found.lastgroup, found[found.lastgroup]
    yield "end", ""


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise FormulaError(f"{text:.40} is too large a number")
    return number


def _folded(node: Operation | Call) -> Node:
    """Where all is numbers, the number: what never has a value is a mistake, and found before it is needed."""
    inner = (node.left, node.right) if isinstance(node, Operation) else node.arguments
    if not all(isinstance(one, Number) for one in inner):
        return node
    try:
        return Number(_value(node, {}))
    except (ArithmeticError, ValueError) as error:
        shown = node.function if isinstance(node, Call) else node.sign
        raise FormulaError(f"what stands at {shown!r} has no finite value: {error}") from error


def _depth(node: Node) -> int:
    match node:
        case Operation(left=left, right=right):
            return 1 + max(_depth(left), _depth(right))
        case Call(arguments=arguments):
            return 1 + max(map(_depth, arguments))
    return 1
