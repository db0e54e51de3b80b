"""The blank protocol: a template in; the form out that a calibration can be done with by hand. Pure.

Its sections are those of a certificate, with empty cells where a run would have its numbers. Points and limits are
those of the template, and so are its texts, in whatever language they are written.
"""

from datetime import UTC, datetime
from typing import Final

from kleinmaelzung_services.calibration.documents import drawing, texts
from kleinmaelzung_services.calibration.documents.blocks import (
    Attachment,
    Block,
    Column,
    Document,
    Heading,
    Lines,
    Masthead,
    Paragraph,
    Table,
    Title,
)
from kleinmaelzung_services.calibration.documents.form import NOTE_MM, WRITING_MM, Form, formula
from kleinmaelzung_services.calibration.documents.protocol import budgets, steps
from kleinmaelzung_services.calibration.documents.texts import Language, say
from kleinmaelzung_services.calibration.templates.template import Measurand, Sensor, Standard, Template, Uniformity

# A form says nothing about time: the same template makes the same file.
NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
SIGNATURE_MM: Final = 14.0
ATTACHED_AS: Final = "template.toml"
AMBIENT: Final = {"temperature": texts.TEMPERATURE, "humidity": texts.HUMIDITY, "pressure": texts.PRESSURE}


def pdf(template: Template, content: bytes, language: Language) -> bytes:
    """The form as PDF/A-3U, with the template's file attached. Raises GlyphMissing."""
    return drawing.draw(document(template, content, language)).pdf


def document(template: Template, content: bytes, language: Language) -> Document:
    form = Form(template, language)
    version = say(texts.TEMPLATE_VERSION, language, id=template.id, version=template.version)
    return Document(
        language=language,
        title=f"{say(texts.BLANK_TITLE, language)}: {template.title}",
        masthead=Masthead(
            left=say(texts.BLANK_MASTHEAD, language),
            right=version,
            footer=say(texts.TEMPLATE_HASH, language, sha256=template.sha256),
        ),
        written_at=NO_TIME,
        blocks=_blocks(form, version),
        attachments=(
            Attachment(
                name=ATTACHED_AS,
                content=content,
                mime_type="application/toml",
                relationship="Supplement",
                meaning=say(texts.ATTACHED_TEMPLATE, language),
            ),
        ),
    )


def _blocks(form: Form, version: str) -> tuple[Block, ...]:
    return (
        Title(text=form.say(texts.BLANK_TITLE), below=form.template.title, field="title"),
        Paragraph(text=form.say(texts.BLANK_NOTE), field="note"),
        *_purpose(form, version),
        *_instrument(form),
        *_standards(form),
        *_environment(form),
        *_preparations(form),
        *steps.stability(form),
        *steps.inputs(form),
        *steps.readings(form),
        *budgets.budgets(form),
        *budgets.limits(form),
        *budgets.results(form),
        form.heading(texts.DEVIATIONS),
        Lines(count=4, fills=True),
        *_signatures(form),
    )


def _purpose(form: Form, version: str) -> list[Block]:
    template = form.template
    rows = [(form.say(texts.PROTOCOL_NUMBER), ""), (form.say(texts.TEMPLATE), version)]
    rows += [(form.say(texts.INSTRUMENT_TYPE), template.instrument_type)]
    rows += [(form.say(texts.METHOD), "\n".join(template.method))]
    for measurand in template.measurands:
        rows += [(form.say(texts.MEASURAND), measured(form, measurand))]
    return [form.heading(texts.PURPOSE), form.pairs(rows, "method")]


def measured(form: Form, measurand: Measurand) -> str:
    """Quantity, range, resolution and what the result is; with its formulas."""
    display = measurand.display
    unit = form.unit(measurand.unit)
    span = form.say(texts.SPAN, low=form.number(display.low), high=form.number(display.high), unit=unit)
    direction = texts.IS_ERROR if measurand.direction == "error" else texts.IS_CORRECTION
    lines = [
        f"{measurand.quantity}, {span}",
        f"{form.say(texts.RESOLUTION)}: {form.number(display.resolution)} {unit}",
        f"{form.say(texts.RESULT)}: {form.say(direction, unit=form.unit(measurand.error_unit) or '1')}",
    ]
    if measurand.reference is not None:
        lines.append(f"{form.say(texts.REFERENCE_VALUE)}: {formula(measurand.reference)}")
    if display.indication is not None:
        lines.append(f"{form.say(texts.INDICATION_FORMULA)}: {formula(display.indication)}")
    return "\n".join(lines)


def _instrument(form: Form) -> list[Block]:
    words = (
        (texts.CUSTOMER, texts.ORDER),
        (texts.MAKER, texts.MODEL),
        (texts.SERIAL, texts.ASSET),
        (texts.FIRMWARE, texts.RECEIVED),
        (texts.PERFORMED, texts.PLACE),
    )
    rows = tuple((form.say(left), "", form.say(right), "") for left, right in words)
    label = Column(title="", share=2.2, is_label=True)
    field = Column(title="", share=4)
    table = Table(columns=(label, field, label, field), rows=rows, field="instrument", row_mm=WRITING_MM)
    return [form.heading(texts.INSTRUMENT), table, *_sensors(form)]


def _sensors(form: Form) -> list[Block]:
    rows = []
    for measurand in form.template.measurands:
        sensor, immersion = measurand.display.sensor, measurand.display.immersion
        if sensor:
            rows.append((form.say(texts.SENSOR), felt(form, sensor)))
        if immersion:
            words = texts.IMMERSION_LEAST if immersion.used_mm is None else texts.IMMERSION_USED
            used = "" if immersion.used_mm is None else form.number(immersion.used_mm)
            rows.append((form.say(texts.IMMERSION), form.say(words, least=form.number(immersion.min_mm), used=used)))
    return [form.pairs(rows, "instrument")] if rows else []


def felt(form: Form, sensor: Sensor) -> str:
    """What the instrument feels with."""
    wires = form.say(texts.WIRES, wires=sensor.wires) if sensor.wires else ""
    current = f"{form.number(sensor.current_mA)} mA" if sensor.current_mA else ""
    return ", ".join(part for part in (sensor.kind, sensor.standard, wires, current) if part)


def _standards(form: Form) -> list[Block]:
    columns = (
        Column(title=form.say(texts.STANDARD), share=5, is_label=True),
        Column(title=form.say(texts.IDENTIFICATION), share=4),
        Column(title=form.say(texts.CERTIFICATE), share=4),
        Column(title=form.say(texts.CALIBRATED_DUE), share=3),
        Column(title=form.say(texts.U_AND_K), share=3),
    )
    rows = tuple(
        (required, "", "", "", "") for standard in form.template.standards for required in _required(form, standard)
    )
    table = Table(columns=columns, rows=rows, field="standards", row_mm=NOTE_MM)
    return [
        form.heading(texts.STANDARDS),
        Paragraph(text=form.say(texts.STANDARDS_NOTE), field="note"),
        table,
    ]


def _required(form: Form, standard: Standard) -> list[str]:
    """What is asked of a standard; where each position has its own, a text for each."""
    classes = form.say(texts.OR).join(standard.classes)
    lines = [
        f"{standard.role} ({standard.kind})",
        form.say(texts.CLASSES, classes=classes) if classes else "",
        form.say(texts.MAX_U_RATIO, ratio=form.number(standard.max_U_ratio)) if standard.max_U_ratio else "",
        form.say(texts.NEEDS, fields=", ".join(standard.needs)) if standard.needs else "",
    ]
    whole = "\n".join(line for line in lines if line)
    if not standard.one_per_position or not (positions := _positions(form, standard.measurand)):
        return [whole]
    at = [form.say(texts.AT_POSITION, position=position) for position in positions]
    return [f"{whole}\n{at[0]}", *(f"{standard.role}\n{position}" for position in at[1:])]


def _positions(form: Form, measurand: str) -> tuple[str, ...]:
    """Where the sensors are: the places of the uniformity test."""
    tests = (test for test in form.template.tests if isinstance(test, Uniformity) and test.measurand == measurand)
    return next((test.positions for test in tests), ())


def _environment(form: Form) -> list[Block]:
    if not form.template.environment:
        return []
    columns = (
        Column(title=form.say(texts.CONDITION), share=4, is_label=True),
        Column(title=form.say(texts.PERMITTED), share=4.5),
        *(
            Column(title=form.say(words), share=2.2)
            for words in (texts.AT_START, texts.AT_END, texts.LOWEST, texts.HIGHEST, texts.SENSOR_ID)
        ),
    )
    rows = []
    for one in form.template.environment:
        unit = form.unit(one.unit)
        permitted = [form.permitted(one.low, one.high, unit)]
        if one.max_change_per_h is not None:
            permitted.append(form.say(texts.CHANGE_PER_H, change=form.number(one.max_change_per_h), unit=unit))
        need = form.say(texts.REQUIRED if one.sensor == "required" else texts.OPTIONAL)
        name = f"{form.say(AMBIENT[one.name])}, {unit}\n({need})"
        rows.append((name, "\n".join(permitted), "", "", "", "", ""))
    table = Table(columns=columns, rows=tuple(rows), field="environment", row_mm=NOTE_MM)
    return [form.heading(texts.ENVIRONMENT), table]


def _preparations(form: Form) -> list[Block]:
    preparation = form.template.preparation
    checks = list(preparation.checks)
    if preload := preparation.preload:
        unit = form.unit(form.template.measurands[0].unit)
        checks.append(form.say(texts.PRELOAD, load=form.number(preload.load), unit=unit, times=preload.times))
    if not checks:
        return [form.heading(texts.PREPARATIONS), Paragraph(text=form.say(texts.NO_CHECKS), field="note")]
    columns = (
        Column(title=form.say(texts.DONE), share=2.2, align="center"),
        Column(title=form.say(texts.CHECK), share=12),
        Column(title=form.say(texts.NAME_AND_TIME), share=5),
    )
    rows = tuple(("☐", check, "") for check in checks)
    return [
        form.heading(texts.PREPARATIONS),
        Table(columns=columns, rows=rows, field="prepare.checks", row_mm=WRITING_MM),
    ]


def _signatures(form: Form) -> list[Block]:
    columns = (
        Column(title=form.say(texts.FUNCTION), share=3, is_label=True),
        Column(title=form.say(texts.NAME), share=5),
        Column(title=form.say(texts.DATE), share=3),
        Column(title=form.say(texts.SIGNATURE), share=5),
    )
    roles = (texts.CALIBRATED_BY, texts.CHECKED_BY, texts.RELEASED_BY)
    rows = tuple((form.say(role), "", "", "") for role in roles)
    return [
        form.heading(texts.SIGNATURES),
        Table(columns=columns, rows=rows, field="signatures", row_mm=SIGNATURE_MM),
        Heading(text=form.say(texts.END), level=2, field="end"),
    ]
