"""The laboratory's instruments in Python: watch them live, command them.

async with kleinmaelzung.connect("http://lab:8080", user="anna", password="...") as lab:
    await lab.send("pi-1/balance", "tare")
    async for frame in lab.watch("pi-1/balance"):
        for sample in frame.samples():
            print(sample.time, sample.channel, sample.value, sample.unit)
"""

from kleinmaelzung.agents import Agents
from kleinmaelzung.alarms import AlarmGroup, InstrumentAlarm, RecordedAlarm
from kleinmaelzung.backlog import WatchSince
from kleinmaelzung.batches import Batch, BatchEvent
from kleinmaelzung.calibrations import Drift, PastCalibration, PointFound
from kleinmaelzung.certificates import Certificate, Certificates, Known, NotIssued, Withdrawal
from kleinmaelzung.columns import BucketColumn, Column, Gap, History
from kleinmaelzung.completeness import Completeness, MissingFrames, MissingTime, Run
from kleinmaelzung.connecting import connect
from kleinmaelzung.controlling import Held
from kleinmaelzung.enrolling import Enrolment
from kleinmaelzung.errors import (
    ConnectionLost,
    ControlLost,
    Error,
    NotAccepted,
    NotLoggedIn,
    NotReachable,
    Refused,
    SettingsError,
)
from kleinmaelzung.history import TooManySamples
from kleinmaelzung.lab import Lab
from kleinmaelzung.ledger import LedgerCheck, LedgerEntry
from kleinmaelzung.notes import Note, Notes
from kleinmaelzung.orders import AgentConfiguration, OrderOutcome, Reloaded
from kleinmaelzung.readings import Frame, Instrument, Sample
from kleinmaelzung.register import LogCheck, Register, RegisterChange, RegisterEntry, Use
from kleinmaelzung.run_steps import Reference, RunStep, Struck, UsedFrames
from kleinmaelzung.run_views import CalibrationRun, RunEvent, RunSummary
from kleinmaelzung.runs import RunActs, Runs
from kleinmaelzung.watching import Message, Watch
from kleinmaelzung_wire.alarms import Alarm
from kleinmaelzung_wire.calibrations import Calibration, Corrected
from kleinmaelzung_wire.frames import Clock, Value
from kleinmaelzung_wire.messages import Control, Reply
from kleinmaelzung_wire.runs import Live, LiveSignal

__all__ = [
    "AgentConfiguration",
    "Agents",
    "Alarm",
    "AlarmGroup",
    "Batch",
    "BatchEvent",
    "BucketColumn",
    "Calibration",
    "CalibrationRun",
    "Certificate",
    "Certificates",
    "Clock",
    "Column",
    "Completeness",
    "ConnectionLost",
    "Control",
    "ControlLost",
    "Corrected",
    "Drift",
    "Enrolment",
    "Error",
    "Frame",
    "Gap",
    "Held",
    "History",
    "Instrument",
    "InstrumentAlarm",
    "Known",
    "Lab",
    "LedgerCheck",
    "LedgerEntry",
    "Live",
    "LiveSignal",
    "LogCheck",
    "Message",
    "MissingFrames",
    "MissingTime",
    "NotAccepted",
    "NotIssued",
    "NotLoggedIn",
    "NotReachable",
    "Note",
    "Notes",
    "OrderOutcome",
    "PastCalibration",
    "PointFound",
    "RecordedAlarm",
    "Reference",
    "Refused",
    "Register",
    "RegisterChange",
    "RegisterEntry",
    "Reloaded",
    "Reply",
    "Run",
    "RunActs",
    "RunEvent",
    "RunStep",
    "RunSummary",
    "Runs",
    "Sample",
    "SettingsError",
    "Struck",
    "TooManySamples",
    "Use",
    "UsedFrames",
    "Value",
    "Watch",
    "WatchSince",
    "Withdrawal",
    "connect",
]
