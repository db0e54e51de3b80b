"""`kleinmaelzung calibration`: the JSON that scripts rely on, what people see, and sentences for what goes wrong.

No server is there.
"""

import math
from pathlib import Path
from typing import Any

import pytest

from tests.terminals import Terminal
from tests.unit.services.calibration import published

THERMOMETER = "x,y\n" + "".join(
    f"{x},{y}\n" for x, y in zip(published.H3_READINGS, published.H3_CORRECTIONS, strict=True)
)


@pytest.fixture
def alone(tmp_path: Path) -> Terminal:
    return Terminal("http://127.0.0.1:9", "x", tmp_path)


@pytest.fixture
def thermometer(tmp_path: Path) -> str:
    file = tmp_path / "points.csv"
    file.write_text(THERMOMETER)
    return str(file)


async def calibration(alone: Terminal, *typed: str) -> Any:
    return await alone.json("calibration", *typed)


async def test_a_fit_as_json(alone: Terminal, thermometer: str) -> None:
    """GUM H.3."""
    found = await calibration(alone, "fit", thermometer, "--origin", "20", "--at", "30", "24")
    assert [f"{each['value']:.5f}" for each in found["coefficients"]] == ["-0.17120", "0.00218"]
    assert [f"{each['u']:.5f}" for each in found["coefficients"]] == ["0.00288", "0.00067"]
    assert f"{found['correlation'][0][1]:.3f}" == "-0.930"
    assert (f"{found['residual_s']:.4f}", found["dof"]) == ("0.0035", 9)
    assert [set(each) >= {"x", "y", "u"} for each in found["predictions"]] == [True, True]
    assert [each["outside"] for each in found["predictions"]] == [True, False]
    assert (f"{found['predictions'][0]['y']:.4f}", f"{found['predictions'][0]['u']:.4f}") == ("-0.1494", "0.0041")


async def test_a_fit_for_people(alone: Terminal, thermometer: str) -> None:
    code, out, err = await alone.run("calibration", "fit", thermometer, "--origin", "20", "--at", "30")
    assert (code, err) == (0, "")
    assert "y = b0 + b1 (x - 20)" in out
    assert "residual s = 0.00349756396, 9 degrees of freedom" in out
    assert "outside: the points reach from 21.521 to 26.511; nothing was measured beyond" in out


async def test_columns_give_weights_or_uncertainties(alone: Terminal, tmp_path: Path) -> None:
    """ISO/TS 28037:2010, p. 14; and R's lm with the weights 1/u^2."""
    u = (0.5, 0.5, 0.5, 1.0, 1.0, 1.0)
    y = (3.2, 4.3, 7.6, 8.6, 11.7, 12.8)
    rows = [f"{x};{value};{each};{1 / each**2}\n" for x, value, each in zip(range(1, 7), y, u, strict=True)]
    file = tmp_path / "points.csv"
    file.write_text("x;y;u;w\n" + "".join(rows))
    known = await calibration(alone, "fit", str(file), "--uncertainties", "u")
    relative = await calibration(alone, "fit", str(file), "--weights", "w")
    assert [f"{each['u']:.4f}" for each in known["coefficients"]] == ["0.5297", "0.1779"]
    birge = math.sqrt(4.131 / 4)
    assert [each["u"] / birge for each in relative["coefficients"]] == pytest.approx([0.5297, 0.1779], rel=1e-3)


async def test_orders_and_the_origin(alone: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    file.write_text("x,y\n60,130\n61,131\n62,132\n63,133\n64,134\n65,135\n66,136\n67,137\n68,138\n69,139\n70,140\n")
    found = await calibration(alone, "fit", str(file), "--through-origin")
    assert [(each["power"], f"{each['value']:.14f}") for each in found["coefficients"]] == [(1, "2.07438016528926")]
    assert found["correlation"] == [[1.0]]
    for order, number in ((0, 1), (1, 2), (2, 3)):
        found = await calibration(alone, "fit", str(file), "--order", str(order))
        assert (len(found["coefficients"]), found["dof"]) == (number, 11 - number)


async def test_negative_numbers_are_no_options(alone: Terminal, thermometer: str) -> None:
    found = await calibration(alone, "fit", thermometer, "--origin", "-1e-3", "--at", "-5", "-2.5e1")
    assert [each["x"] for each in found["predictions"]] == [-5, -25]
    found = await calibration(alone, "conformity", "--value", "-1e-3", "--U", "1e-4", "--k", "2", "--lower", "-2e-3")
    assert found["acceptance"] == [-0.002, None]


async def test_a_budget(alone: Terminal, tmp_path: Path) -> None:
    """EA-4/02 S9."""
    file = tmp_path / "budget.toml"
    file.write_text(
        '[[component]]\nname = "source"\nu = 0.001\nc = -1\n'
        '[[component]]\nname = "resolution"\nhalf_width = 0.05\ndistribution = "rectangular"\n'
        '[[component]]\nname = "drift"\nhalf_width = 0.011\ndistribution = "rectangular"\nc = -1\n'
    )
    found = await calibration(alone, "budget", str(file))
    assert (f"{found['u_c']:.3f}", f"{found['k']:.2f}", f"{found['U']:.2f}") == ("0.030", "1.65", "0.05")
    assert [each["name"] for each in found["components"]] == ["source", "resolution", "drift"]
    code, out, err = await alone.run("calibration", "budget", str(file))
    assert (code, err) == (0, "")
    assert "U = 0.049 (k = 1.65 for 95.45 %, one rectangular contribution dominates)" in out


@pytest.mark.parametrize(
    ("typed", "verdict", "acceptance"),
    [
        ("--value 9.8 --U 0.3 --k 2 --lower -10 --upper 10", "pass", [-10, 10]),
        ("--value 9.8 --U 0.3 --k 2 --lower -10 --upper 10 --rule guard", "fail", [-9.7, 9.7]),
        ("--value 9.8 --U 0.3 --k 2 --upper 10 --rule nonbinary", "conditional pass", [None, 9.7]),
        ("--value 0 --U 11 --k 2 --lower -10 --upper 10", "no statement possible", [-10, 10]),
        ("--value 9.8 --U 0.3 --k 2 --upper 10 --rule guard --guard-factor 0.5", "pass", [None, 9.85]),
    ],
)
async def test_conformity(alone: Terminal, typed: str, verdict: str, acceptance: list[float | None]) -> None:
    found = await calibration(alone, "conformity", *typed.split())
    assert (found["verdict"], found["acceptance"]) == (verdict, acceptance)
    assert 0 <= found["p_conform"] <= 1
    assert (found["risk"] is None) == (verdict == "no statement possible")


async def test_conformity_for_people(alone: Terminal) -> None:
    value, limits = ("--value", "9.8", "--U", "0.3", "--k", "2"), ("--lower", "-10", "--upper", "10")
    code, out, _ = await alone.run("calibration", "conformity", *value, *limits, "--rule", "nonbinary")
    assert code == 0
    assert out.splitlines()[:3] == [
        "conditional pass",
        "acceptance from -9.7 to 9.7, rule nonbinary",
        "fail outside from -10.3 to 10.3",
    ]


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        ("fit nothing.csv", 1, "nothing.csv cannot be read: No such file or directory"),
        ("fit {bad}", 1, "line 3, column y is abc, but it must be a number: write a plain number"),
        ("fit {good} --weights w", 1, "line 1, column w is missing, but the header names x, y"),
        ("fit {good} --order 3", 2, "invalid choice: 3"),
        ("fit {good} --at abc", 2, "'abc' is no number"),
        ("fit {good} --at nan", 2, "'nan' is no number"),
        ("fit {good} --order 0 --through-origin", 1, "a constant through the origin is zero"),
        ("budget {bad}", 1, "the file is no TOML"),
        (
            "conformity --value 1 --U 1 --k 2",
            2,
            "every limit is missing, but one at least is needed: give lower, upper or both",
        ),
        ("conformity --value 1 --U 0 --k 2 --upper 1", 2, "U is 0, but it must be above zero"),
        ("conformity --value 1,5 --U 1 --k 2 --upper 1", 2, "'1,5' is no number"),
        ("conformity --value 1 --U 1 --k 2 --upper 1 --guard-factor 2", 2, "--guard-factor is for --rule guard"),
        ("conformity --value 1 --U 1 --k 2 --upper 1 --rule lenient", 2, "invalid choice: 'lenient'"),
    ],
)
async def test_what_goes_wrong_is_one_sentence(
    alone: Terminal, thermometer: str, tmp_path: Path, typed: str, code: int, said: str
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("x,y\n1,2\n3,abc\n")
    found, out, err = await alone.run("calibration", *typed.format(good=thermometer, bad=bad).split())
    assert (found, out) == (code, "")
    assert said in err
    assert "Traceback" not in err


async def test_a_mere_client_is_told_what_to_install(alone: Terminal, thermometer: str, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys\nsys.modules['numpy'] = None\n")
    alone.environment["PYTHONPATH"] = str(hidden)
    code, _, err = await alone.run("calibration", "fit", thermometer)
    assert (code, err) == (
        1,
        "kleinmaelzung: `calibration` needs numpy, which is not installed: pip install 'kleinmaelzung[services]'\n",
    )
