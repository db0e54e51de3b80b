"""A calibration template as the rest of the project sees it: frozen, complete, and already checked.

checking.py makes one of a file's bytes. Numbers and formulas are in the measurand's `unit`, or in the unit that
stands beside them; limits have been converted to `error_unit`. What each key means: docs/calibration-templates.md.
"""

from dataclasses import dataclass
from typing import Final, Literal

from kleinmaelzung_services.calibration.templates.expressions import Expression
from kleinmaelzung_services.calibration.units import Unit

SCHEMA: Final = "calibration-template/1"

Direction = Literal["error", "correction"]
Distribution = Literal["normal", "rectangular", "triangular", "arcsine", "trapezoid"]
Basis = Literal["nominal", "indication", "span"]
Rule = Literal["simple", "guard", "nonbinary"]
Order = Literal["up", "down", "up-down", "random"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """What the instrument feels with, as the certificate prints it."""

    kind: str
    standard: str = ""
    wires: int | None = None
    current_mA: float | None = None  # noqa: N815 - the unit is spelt so


@dataclass(frozen=True, slots=True, kw_only=True)
class Immersion:
    """`used_mm` is None where the operator is asked."""

    min_mm: float
    used_mm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A live stream of the instrument; what it sends is converted from `unit`."""

    name: str
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """What the instrument under calibration shows: the value of `channel`, or the formula `indication` of `raw`.

    `raw` is a second signal that is captured too, such as the voltage of an electrode. Without both it is typed in.
    """

    low: float
    high: float
    resolution: float
    channel: Channel | None = None
    raw: Channel | None = None
    indication: Expression | None = None
    stable_flag: str = ""
    sensor: Sensor | None = None
    immersion: Immersion | None = None

    @property
    def span(self) -> float:
        return self.high - self.low


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """When a window of live samples may be captured; `unit` is that of max_range and max_slope_per_s."""

    window_s: float
    min_samples: int
    unit: Unit
    max_range: float
    max_slope_per_s: float | None = None
    settle_s: float = 0.0
    timeout_s: float
    max_age_s: float
    sample_period_s: float | None = None
    pair_max_skew_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """`k` is None where it follows from p and the effective degrees of freedom."""

    p: float = 0.9545
    k: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a component's number comes from: `test:repeatability`, `standard:bath.u_homogeneity`, `window`.

    Of a standard without a field it is U and k of its certificate; `means` says what the number of a field is. Of a
    test it is the standard deviation of a single reading, or of the mean of the repeats.
    """

    kind: Literal["test", "standard", "window"]
    name: str = ""
    field: str = ""
    means: Literal["half_width", "u"] | None = None
    of: Literal["single", "mean"] = "single"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One line of the budget: one of half_width, u, expanded (with k) and source. `unit` holds for the number.

    `beta` is a trapezoid's, its top over its base. `quantity` is the name in the formula of reference or indication
    whose uncertainty this is: how the error answers to it is then computed, and no `sensitivity` is given.
    """

    name: str
    type: Literal["A", "B"]
    distribution: Distribution
    beta: float | None = None
    half_width: Expression | None = None
    u: Expression | None = None
    expanded: Expression | None = None
    k: float | None = None
    source: Source | None = None
    sensitivity: Expression | None = None
    quantity: str = ""
    unit: Unit
    dof: float | None = None
    skip_at_zero: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    coverage: Coverage
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What is permitted above `above` and up to `upto` of the basis: lower to upper in error_unit.

    `relative`, a share of the basis, widens both. None is no limit on that side.
    """

    above: float
    upto: float
    lower: float | None
    upper: float | None
    relative: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """The guard band is guard_factor times U."""

    limits: tuple[Limit, ...]
    basis: Basis
    rule: Rule
    guard_factor: float
    agreed_with_customer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A curve through the points: x is the reference or the indication, y what is fitted over it."""

    order: Literal[0, 1, 2]
    through_origin: bool = False
    origin: float = 0.0
    weights: Literal["none", "uncertainty"] = "none"
    x: Literal["reference", "indication"] = "indication"
    y: Literal["error", "correction", "raw"]

    @property
    def parameters(self) -> int:
        return self.order + 1 - int(self.through_origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurand:
    """One quantity that is calibrated. `reference` is a formula, or None where the first standard's value is it."""

    name: str
    quantity: str
    unit: Unit
    error_unit: Unit
    direction: Direction
    display: Display
    reference: Expression | None
    stability: Stability
    budget: Budget
    acceptance: Acceptance | None
    fit: Fit | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """What the operator must pick from the register. `needs` are fields beside U and k of its certificate.

    The first one of a measurand is its reference. An empty `measurand` means all.
    """

    role: str
    kind: str
    classes: tuple[str, ...] = ()
    channel: str = ""
    unit: Unit | None
    measurand: str = ""
    one_per_position: bool = False
    max_U_ratio: float | None = None  # noqa: N815 - U is the expanded uncertainty, u the standard one
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambient:
    """A condition of the room during the run."""

    name: str
    sensor: Literal["required", "optional"]
    unit: Unit
    low: float | None = None
    high: float | None = None
    max_change_per_h: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preload:
    load: float
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """Each check is ticked with name and time."""

    checks: tuple[str, ...] = ()
    preload: Preload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A further number for formulas: asked of the operator, or computed from those before it."""

    name: str
    unit: Unit
    meaning: str
    ask: bool
    value: Expression | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """A series of points, listed upwards and run in `order`. `conditions` are set points of the other measurands."""

    measurand: str
    title: str
    points: tuple[float, ...]
    order: Order
    seed: int | None = None
    repeats: int = 1
    return_to_zero: bool = False
    tolerance: float | None = None
    conditions: tuple[tuple[str, float], ...] = ()

    @property
    def readings(self) -> int:
        return len(self.points) * self.repeats * (2 if self.order == "up-down" else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatability:
    measurand: str
    title: str
    point: float
    repeats: int
    return_to_zero: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Eccentricity:
    """The first position is the one that the others are compared with."""

    measurand: str
    title: str
    point: float
    positions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniformity:
    """The same point at several places of a chamber, recorded for `record_s`; the first is the reference place."""

    measurand: str
    title: str
    points: tuple[float, ...]
    positions: tuple[str, ...]
    record_s: float
    conditions: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPoint:
    """A point once more: it may have moved by `max_shift` since it was first measured."""

    measurand: str
    title: str
    point: float
    max_shift: float


Test = Points | Repeatability | Eccentricity | Uniformity | CheckPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A number computed from the fits and tests at the end, such as a slope in percent, with what is permitted."""

    name: str
    measurand: str
    unit: Unit
    value: Expression
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Printed only when agreed with the customer: ISO/IEC 17025:2017, 7.8.4.3."""

    months: int
    print_on_certificate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """`sha256` is that of the file's bytes: with id and version it names the procedure that was used."""

    id: str
    version: int
    sha256: str
    title: str
    instrument_type: str
    method: tuple[str, ...]
    language: Literal["en", "de"]
    measurands: tuple[Measurand, ...]
    standards: tuple[Standard, ...]
    environment: tuple[Ambient, ...]
    preparation: Preparation
    inputs: tuple[Input, ...]
    tests: tuple[Test, ...]
    results: tuple[Result, ...]
    interval: Interval | None
    analyses: tuple[str, ...]
