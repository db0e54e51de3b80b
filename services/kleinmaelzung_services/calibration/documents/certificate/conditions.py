"""Page 2 of a certificate: standards, room, further values, preparations, stability and deviations.

ISO/IEC 17025:2017, 7.8.4.1 b and c, 7.8.2.1 n, and 7.8.2.2 for what the customer supplied.
"""

from collections.abc import Sequence

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.documents import texts
from kleinmaelzung_services.calibration.documents.blocks import Block, Column, Paragraph, Table
from kleinmaelzung_services.calibration.documents.certificate import entries
from kleinmaelzung_services.calibration.documents.certificate import words_conditions as said
from kleinmaelzung_services.calibration.documents.certificate.entries import Entry
from kleinmaelzung_services.calibration.documents.certificate.sheet import Sheet
from kleinmaelzung_services.calibration.documents.protocol import steps
from kleinmaelzung_services.calibration.documents.protocol.blank import AMBIENT
from kleinmaelzung_services.calibration.records.record import AmbientRange, Answer, Certified, Deviation, UsedStandard


def blocks(sheet: Sheet) -> list[Block]:
    return [
        *_standards(sheet),
        *_room(sheet),
        *_inputs(sheet),
        *_preparations(sheet),
        *steps.stability(sheet),
        *_deviations(sheet),
        *_from_customer(sheet),
    ]


def _standards(sheet: Sheet) -> list[Block]:
    columns = (
        Column(title=sheet.say(said.STANDARD), share=4.2),
        Column(title=sheet.say(said.CERTIFICATE), share=3.6),
        Column(title=sheet.say(said.CALIBRATED_DUE), share=2.3),
        Column(title=sheet.say(said.CERTIFIED), share=5.6),
    )
    used = sheet.record.standards
    rows = tuple(
        (
            _named(sheet, one),
            "\n".join(text for text in (one.certificate.number, one.certificate.laboratory) if text),
            f"{one.certificate.calibrated.isoformat()}\n{one.certificate.due.isoformat()}",
            "\n".join(_certified(sheet, one)),
        )
        for one in used
    )
    fields = tuple(
        (f"standards[{at}]", f"standards[{at}].certificate", "", f"standards[{at}]") for at in range(len(used))
    )
    table = Table(columns=columns, rows=rows, fields=fields, field="standards")
    return [sheet.heading(texts.STANDARDS), table]


def _named(sheet: Sheet, used: UsedStandard) -> str:
    role = f"{used.role}: {used.description}"
    place = sheet.say(texts.AT_POSITION, position=used.position) if used.position else ""
    maker = ", ".join(part for part in (used.maker, sheet.say(said.SERIAL, serial=used.serial), used.id) if part)
    rank = sheet.say(texts.CLASSES, classes=used.accuracy_class) if used.accuracy_class else ""
    return "\n".join(line for line in (role, maker, rank, place) if line)


def _certified(sheet: Sheet, used: UsedStandard) -> list[str]:
    """What its certificate says, as far as it was used: U with k in each range, and further numbers."""
    unit = units.find(used.unit) if used.unit else None
    shown = sheet.unit(unit) if unit else ""
    ranges = [_at(sheet, one, shown) for one in used.certified]
    further = (
        sheet.say(
            said.FIELD, name=one.name, value=f"{sheet.number(one.value)} {sheet.unit(units.find(one.unit))}".strip()
        )
        for one in used.fields
    )
    return [*ranges, *further]


def _at(sheet: Sheet, one: Certified, unit: str) -> str:
    low, high = sheet.number(one.low), sheet.number(one.high)
    is_point = one.low == one.high
    point = f"{low} {unit}".strip() if is_point else sheet.say(texts.SPAN, low=low, high=high, unit=unit).strip()
    values = []
    if one.U is not None and one.k is not None:
        values.append(sheet.say(said.U_AND_K, U=f"{sheet.number(one.U)} {unit}".strip(), k=sheet.number(one.k)))
    elif one.mpe is not None:
        values.append(sheet.say(said.LIMIT_OF_ERROR, mpe=f"{sheet.number(one.mpe)} {unit}".strip()))
    return sheet.say(said.AT, point=point, values=", ".join(values))


def _room(sheet: Sheet) -> list[Block]:
    """ISO/IEC 17025:2017, 7.8.4.1 b."""
    heading, found = sheet.heading(texts.ENVIRONMENT), sheet.record.environment
    if not found:
        return [heading, Paragraph(text=sheet.say(said.NO_CONDITIONS), field="note"), *_immersion(sheet)]
    words = (texts.AT_START, texts.AT_END, texts.LOWEST, texts.HIGHEST, said.MEAN)
    columns = (
        Column(title=sheet.say(texts.CONDITION), share=3.6, is_label=True),
        Column(title=sheet.say(texts.PERMITTED), share=3.6),
        *(Column(title=sheet.say(one), share=2, align="number") for one in words),
        Column(title=sheet.say(texts.SENSOR_ID), share=2.4),
    )
    rows = tuple(_condition(sheet, one) for one in found)
    fields = tuple((*("" for _ in columns[1:]), f"environment[{at}].sensor") for at in range(len(found)))
    table = Table(columns=columns, rows=rows, fields=fields, field="environment")
    return [heading, table, *_immersion(sheet)]


def _condition(sheet: Sheet, one: AmbientRange) -> tuple[str, ...]:
    unit = sheet.unit(units.find(one.unit))
    wanted = next((each for each in sheet.template.environment if each.name == one.name), None)
    permitted = sheet.permitted(wanted.low, wanted.high, sheet.unit(wanted.unit)) if wanted else "-"
    numbers = sheet.column([one.start, one.end, one.low, one.high, one.mean])
    return f"{sheet.say(AMBIENT[one.name])}, {unit}", permitted, *numbers, one.sensor


def _immersion(sheet: Sheet) -> list[Block]:
    wanted = next((each.display.immersion for each in sheet.template.measurands if each.display.immersion), None)
    used = sheet.record.immersion_mm
    if used is None and wanted is not None:
        used = wanted.used_mm
    if used is None:
        return []
    words = said.IMMERSED_OF if wanted else said.IMMERSED_BY
    text = sheet.say(words, used=sheet.number(used), least=sheet.number(wanted.min_mm) if wanted else "")
    return [entries.below(sheet, [Entry(said.IMMERSED, text, "immersion_mm")])]


def _inputs(sheet: Sheet) -> list[Block]:
    answers = sheet.record.answers
    if not answers:
        return []
    columns = (
        Column(title=sheet.say(texts.QUANTITY), share=2.6, is_label=True),
        Column(title=sheet.say(texts.MEANING), share=9),
        Column(title=sheet.say(texts.VALUE), share=3.4),
    )
    meanings = {one.name: one.meaning for one in sheet.template.inputs}
    rows = tuple((one.name, meanings.get(one.name, ""), _answered(sheet, one)) for one in answers)
    table = Table(columns=columns, rows=rows, field="answers")
    return [sheet.heading(said.INPUTS), table]


def _answered(sheet: Sheet, answer: Answer) -> str:
    value = f"{sheet.number(answer.value)} {sheet.unit(units.find(answer.unit))}".strip()
    return sheet.say(said.CUSTOMERS, value=value) if answer.name in sheet.record.from_customer else value


def _preparations(sheet: Sheet) -> list[Block]:
    heading, ticks = sheet.heading(texts.PREPARATIONS), sheet.record.preparations
    if not ticks:
        return [heading, Paragraph(text=sheet.say(said.NO_CHECKS), field="note")]
    columns = (
        Column(title=sheet.say(texts.DONE), share=1.6, align="center"),
        Column(title=sheet.say(texts.CHECK), share=9),
        Column(title=sheet.say(texts.NAME_AND_TIME), share=5),
    )
    rows = tuple(("✓", tick.check, f"{tick.by}, {sheet.time(tick.at)}") for tick in ticks)
    fields = tuple(("", f"preparations[{at}].check", f"preparations[{at}].by") for at in range(len(ticks)))
    return [heading, Table(columns=columns, rows=rows, fields=fields, field="preparations")]


def _deviations(sheet: Sheet) -> list[Block]:
    """ISO/IEC 17025:2017, 7.8.2.1 n: that there are none is said, too."""
    heading, found = sheet.heading(said.DEVIATIONS), sheet.record.deviations
    if not found:
        return [heading, Paragraph(text=sheet.say(said.NONE), field="note")]
    columns = (
        Column(title=sheet.say(said.DEVIATION), share=8),
        Column(title=sheet.say(said.TEST), share=3),
        Column(title=sheet.say(texts.NAME_AND_TIME), share=4.6),
    )
    rows = tuple((one.text, _test(sheet, one), f"{one.by}, {sheet.time(one.at)}") for one in found)
    fields = tuple((f"deviations[{at}].text", "", f"deviations[{at}].by") for at in range(len(found)))
    return [heading, Table(columns=columns, rows=rows, fields=fields, field="deviations")]


def _test(sheet: Sheet, deviation: Deviation) -> str:
    if deviation.test is None or not 0 <= deviation.test < len(sheet.template.tests):
        return "-"
    return steps.title(sheet, sheet.template.tests[deviation.test])


def _from_customer(sheet: Sheet) -> list[Block]:
    """ISO/IEC 17025:2017, 7.8.2.2."""
    found: Sequence[str] = sheet.record.from_customer
    if not found:
        return []
    return [
        sheet.heading(said.FROM_CUSTOMER),
        Paragraph(text=sheet.say(said.DISCLAIMER), field="note"),
        Table(
            columns=(Column(title="", share=1),),
            rows=tuple((text,) for text in found),
            fields=tuple((f"from_customer[{at}]",) for at in range(len(found))),
            field="from_customer",
        ),
    ]
