"""How fits, budgets and verdicts look to people: the documents of the engine in, lines of text out. Pure."""

from typing import Any, Final

from kleinmaelzung.commands import texts

_DIGITS: Final = 9
_NAMES: Final = ("b0", "b1", "b2")


def fit(document: dict[str, Any]) -> str:
    lines = [_function(document), "", _coefficients(document), "", *_residuals(document)]
    if document["predictions"]:
        lines += ["", _predictions(document["predictions"])]
    if any(each["outside"] for each in document["predictions"]):
        low, high = document["range"]
        lines.append(f"outside: the points reach from {number(low)} to {number(high)}; nothing was measured beyond")
    return "\n".join(lines)


def budget(document: dict[str, Any]) -> str:
    rows = [
        (
            texts.plain(each["name"]),
            number(each["u"]),
            each["distribution"],
            number(each["dof"]),
            number(each["c"]),
            number(each["contribution"]),
            f"{100 * each['share']:.1f} %",
        )
        for each in document["components"]
    ]
    heading = ("COMPONENT", "u", "DISTRIBUTION", "DOF", "c", "c u", "SHARE")
    basis = {"t": "Student's t", "rectangular": "one rectangular contribution dominates"}
    why = basis.get(document["coverage"], "rectangular contributions dominate: trapezoid")
    return "\n".join(
        [
            texts.table([heading, *rows]),
            "",
            f"u_c = {number(document['u_c'])}, nu_eff = {number(document['nu_eff'])}",
            f"U = {document['U_rounded']} (k = {document['k']:.2f} for {100 * document['p']:g} %, {why})",
        ]
    )


def conformity(document: dict[str, Any]) -> str:
    lines = [f"{document['verdict']}" + (f": {document['why']}" if document["why"] else "")]
    lines.append(f"acceptance {_interval(document['acceptance'])}, rule {document['rule']}")
    if document["rule"] == "nonbinary":
        lines.append(f"fail outside {_interval(document['rejection'])}")
    lines.append(f"probability of conformity {_probability(document['p_conform'])}")
    if document["risk"] is not None:
        lines.append(f"risk that this verdict is wrong {_probability(document['risk'])}")
    return "\n".join(lines)


def number(value: float | None) -> str:
    """`infinite` where JSON has null."""
    return "infinite" if value is None else f"{value:.{_DIGITS}g}"


def _function(document: dict[str, Any]) -> str:
    origin = document["origin"]
    x = "x" if origin == 0 else f"(x {'-' if origin > 0 else '+'} {number(abs(origin))})"
    parts = {0: "b0", 1: f"b1 {x}", 2: f"b2 {x}^2"}
    return "y = " + " + ".join(parts[each["power"]] for each in document["coefficients"])


def _coefficients(document: dict[str, Any]) -> str:
    found = document["coefficients"]
    heading = ("", "VALUE", "u", *(f"r({_NAMES[each['power']]})" for each in found))
    rows = [
        (_NAMES[each["power"]], number(each["value"]), number(each["u"]), *(f"{r:.4f}" for r in correlations))
        for each, correlations in zip(found, document["correlation"], strict=True)
    ]
    return texts.table([heading, *rows])


def _residuals(document: dict[str, Any]) -> list[str]:
    spread, lack = document["residual_s"], document["lack_of_fit"]
    weighted = " (weighted)" if document["weighting"] != "none" else ""
    lines = []
    if spread is not None:
        lines.append(f"residual s = {number(spread)}{weighted}, {document['dof']} degrees of freedom")
    if lack is not None:
        says = "the function does not describe the points" if lack["p_value"] < 0.05 else "no lack of fit seen"
        lines.append(f"replicates: F = {lack['F']:.3g}, p = {lack['p_value']:.3g}: {says}")
    return lines


def _predictions(found: list[dict[str, Any]]) -> str:
    rows = [
        (number(each["x"]), number(each["y"]), number(each["u"]), "outside" if each["outside"] else "")
        for each in found
    ]
    return texts.table([("x", "y", "u(y)", ""), *rows])


def _interval(limits: list[float | None]) -> str:
    low, high = limits
    if low is None:
        return f"up to {high:.12g}"
    return f"from {low:.12g}" + ("" if high is None else f" to {high:.12g}")


def _probability(value: float) -> str:
    return f"{100 * value:.3g} %"
