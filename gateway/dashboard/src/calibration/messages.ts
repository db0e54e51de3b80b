// What the calibration service answers (kleinmaelzung_wire/runs.py, register.py, certificates.py), as examples by which
// it is read. Times are in µs, dates as 2027-06-02.

import { figure, maybe } from "./filled.ts";

const said = { text: "", by: "", at: figure };
const certificateOf = { number: "", laboratory: "", calibrated: "", due: "" };

export const STEP = {
  step: 0,
  test: 0,
  what: "",
  point: figure,
  unit: "",
  direction: "",
  repeat: 0,
  position: "",
  state: "",
  value: figure,
  error: figure,
  error_unit: "",
  lower: figure,
  upper: figure,
  samples: figure,
  spread: figure,
  slope: figure,
  at: figure,
  by: "",
  reason: "",
  references: [{ role: "", value: figure, unit: "" }],
  frames: [{ role: "", instrument: "", epoch: 0, first: 0, last: 0, sha256: "" }],
  struck: [{ value: figure, at: figure, by: "", reason: "", struck_by: "" }],
};

const HEAD = {
  run: "",
  instrument: "",
  state: "",
  phase: "",
  is_paused: false,
  head: 0,
  created: 0,
  by: "",
  certificate: "",
  captured: 0,
};

export const SUMMARY = { ...HEAD, steps: 0, template: { id: "", version: 0, title: "" } };

const point = {
  nominal: 0,
  direction: "",
  error: figure,
  U: figure,
  k: figure,
  shown: { error: "", U: "" },
  lower: figure,
  upper: figure,
  verdict: "",
};

const series = {
  verdict: "",
  measurands: [{ name: "", unit: "", error_unit: "", verdict: "", notes: [""], results: [point] }],
};

export const RUN = {
  ...HEAD,
  template: { id: "", version: 0, title: "", sha256: "", language: "", instrument_type: "" },
  item: {} as Record<string, unknown>,
  customer: maybe({ name: "", address: "" }),
  place: maybe({ kind: "", address: "" }),
  condition: "",
  received: "",
  review: "",
  standards: [
    { role: "", name: "", position: "", description: "", certificate: certificateOf, instrument: "", channel: "" },
  ],
  sensors: [{ name: "", instrument: "", channel: "", unit: "", low: figure, high: figure, is_required: false }],
  checks: [{ check: "", by: "", at: figure }],
  questions: [{ name: "", unit: "", meaning: "", low: figure, high: figure, value: figure, by: "", at: figure }],
  tests: [{ test: 0, kind: "", title: "", measurand: "", unit: "", error_unit: "", is_skipped: false }],
  steps: [STEP],
  as_found: [STEP],
  next: figure,
  acts: [""],
  missing: [""],
  deviations: [said],
  adjustment: maybe({ ...said, before: "", after: "" }),
  results: maybe({ verdict: "", data_sha256: "", as_found: maybe(series), as_left: maybe(series) }),
  reviewed: maybe(said),
};

export const LIVE = {
  run: "",
  state: "",
  head: 0,
  is_paused: false,
  is_held: false,
  step: figure,
  left_s: figure,
  reason: "",
  time: 0,
  signals: [
    {
      role: "",
      instrument: "",
      channel: "",
      value: figure,
      unit: "",
      time: 0,
      status: "",
      reason: "",
      samples: 0,
      length_s: 0,
      window_s: 0,
      spread: figure,
      slope: figure,
    },
  ],
};

export const OFFER = {
  name: "",
  id: "",
  version: 0,
  title: "",
  instrument_type: "",
  sensors: [{ name: "", unit: "", is_required: false }],
  standards: [{ role: "", kind: "", classes: [""], unit: "", is_live: false, positions: [""] }],
};

export const ENTRY = {
  kind: "",
  name: "",
  content: {} as Record<string, unknown>,
  number: 0,
  time: 0,
  user: "",
  is_retired: false,
  due: "",
  is_overdue: false,
  sha256: "",
};

const values = {} as Record<string, unknown>;
export const CHANGE = { number: 0, time: 0, user: "", kind: "", reason: "", before: values, after: values, file: "" };

export const USED = { run: "", certificate: "", instrument: "", time: 0, verdict: "", is_withdrawn: false };

export const EVENT = { number: 0, time: 0, user: "", kind: "", hash: "" };

export const CERTIFICATE = {
  entry: 0,
  number: "",
  revision: 0,
  issued: 0,
  user: "",
  item: "",
  sha256: "",
  verdict: "",
  state: "",
  run: "",
  is_specimen: false,
  withdrawn: maybe({ time: 0, user: "", reason: "" }),
};

export type Step = typeof STEP;
export type Summary = typeof SUMMARY;
export type Run = typeof RUN;
export type Live = typeof LIVE;
export type Signal = Live["signals"][number];
export type Test = Run["tests"][number];
export type Offer = typeof OFFER;
export type Entry = typeof ENTRY;
export type Certificate = typeof CERTIFICATE;
export type Results = NonNullable<Run["results"]>;
