"""Small formulas in templates, such as "ecc_max/(2*ecc_load)*load": read once into a tree, computed often. Pure.

    text --parse()--> Expression (its names) --evaluate(numbers by name)--> a finite number

Numbers, names, `role.field`, + - * / ( ), ** with a small whole exponent, and min, max, abs, sqrt. Python's `ast` reads
the text, and what is not on this list is refused; nothing is ever run as a program. Length, depth and exponents are
bounded, so that no formula can take long or grow large.
"""

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

MAX_LENGTH: Final = 500
MAX_DEPTH: Final = 40
MAX_EXPONENT: Final = 8
EXPECTED: Final = "numbers, names, + - * / ( ), ** with a whole number, min, max, abs and sqrt"

_TOKEN = re.compile(
    r"\s+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.])|[A-Za-z_][A-Za-z0-9_]*|\*\*|[-+*/(),.]"
)
_OPERATORS: Final[dict[type[ast.operator], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}
_COMPUTE: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}
# Name, and how many numbers it takes at least and at most.
FUNCTIONS: Final[dict[str, tuple[Callable[..., float], int, int]]] = {
    "min": (min, 2, 8),
    "max": (max, 2, 8),
    "abs": (abs, 1, 1),
    "sqrt": (math.sqrt, 1, 1),
}


class ExpressionError(ValueError):
    """This is no formula, or there is no number for it; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple["Node", ...]


Node = Number | Name | Operation | Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """`names` is what evaluate() needs a number for: `d`, or `weights.U`."""

    text: str
    root: Node
    names: frozenset[str]

    @property
    def is_constant(self) -> bool:
        return not self.names


def constant(value: float) -> Expression:
    return Expression(text=f"{value:.12g}", root=Number(value), names=frozenset())


def parse(text: str) -> Expression:
    """Raises ExpressionError."""
    if not 0 < len(text.strip()) <= len(text) <= MAX_LENGTH:
        raise ExpressionError(f"a formula has 1 to {MAX_LENGTH} characters, found {len(text)}")
    _check_tokens(text)
    spaced = " ".join(text.split())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # a number that is called, which is refused below
            tree = ast.parse(spaced, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ExpressionError(f"{text!r:.80} is no formula: expected {EXPECTED}") from error
    root = _node(tree.body, MAX_DEPTH)
    return Expression(text=spaced, root=root, names=frozenset(_names(root)))


def evaluate(expression: Expression, numbers: Mapping[str, float]) -> float:
    """Raises ExpressionError where a name has no number, or the result is none: divided by zero, too large."""
    try:
        value = _value(expression.root, numbers)
    except KeyError as error:
        raise ExpressionError(f"{expression.text:.80}: there is no number for {error.args[0]}") from error
    except ZeroDivisionError as error:
        raise ExpressionError(f"{expression.text:.80}: divided by zero") from error
    except (OverflowError, ValueError) as error:
        raise ExpressionError(f"{expression.text:.80}: the result is no number ({error})") from error
    if not math.isfinite(value):
        raise ExpressionError(f"{expression.text:.80}: the result is {value}")
    return value


def _check_tokens(text: str) -> None:
    """Say which character is wrong, where the parser would say no more than that something is."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            remedy = " (a power is written **)" if text[at] == "^" else ""
            raise ExpressionError(f"character {at + 1}, {text[at : at + 12]!r}: expected {EXPECTED}{remedy}")
        at = found.end()


def _node(node: ast.expr, depth: int) -> Node:
    if depth == 0:
        raise ExpressionError(f"the formula is nested more than {MAX_DEPTH} deep, or is a sum of more terms")
    match node:
        case ast.Constant(value=int() | float() as value) if type(value) is not bool:
            return Number(_number(value))
        case ast.Name(id=name):
            return Name(name)
        case ast.Attribute(value=ast.Name(id=role), attr=field):
            return Name(f"{role}.{field}")
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Operation("-", Number(0.0), _node(operand, depth - 1))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _node(operand, depth - 1)
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _OPERATORS:
            return _operation(_OPERATORS[type(op)], _node(left, depth - 1), right, depth)
        case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]):
            return _call(function, tuple(_node(argument, depth - 1) for argument in arguments))
    raise ExpressionError(f"{ast.unparse(node):.60} is not allowed in a formula: expected {EXPECTED}")


def _number(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ExpressionError("a number in the formula is too large")
    return number


def _operation(sign: str, left: Node, right: ast.expr, depth: int) -> Operation:
    operand = _node(right, depth - 1)
    if sign == "**" and not _is_small_exponent(right):
        raise ExpressionError(
            f"a power has a whole number up to {MAX_EXPONENT} as exponent, found {ast.unparse(right):.40}"
        )
    return Operation(sign, left, operand)


def _is_small_exponent(node: ast.expr) -> bool:
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as exponent)):
            return exponent <= MAX_EXPONENT
        case ast.Constant(value=int() as exponent):
            return exponent <= MAX_EXPONENT
    return False


def _call(function: str, arguments: tuple[Node, ...]) -> Call:
    if function not in FUNCTIONS:
        raise ExpressionError(f"there is no function {function:.40}: expected {', '.join(FUNCTIONS)}")
    _, least, most = FUNCTIONS[function]
    if not least <= len(arguments) <= most:
        wanted = "one number" if most == 1 else f"{least} to {most} numbers"
        raise ExpressionError(f"{function} takes {wanted}, found {len(arguments)}")
    return Call(function, arguments)


def _names(node: Node) -> list[str]:
    match node:
        case Name(name):
            return [name]
        case Operation(_, left, right):
            return [*_names(left), *_names(right)]
        case Call(_, arguments):
            return [name for argument in arguments for name in _names(argument)]
        case Number():
            return []


def _value(node: Node, numbers: Mapping[str, float]) -> float:
    match node:
        case Number(value):
            return value
        case Name(name):
            return float(numbers[name])
        case Operation(sign, left, right):
            return _COMPUTE[sign](_value(left, numbers), _value(right, numbers))
        case Call(function, arguments):
            return float(FUNCTIONS[function][0](*(_value(argument, numbers) for argument in arguments)))
