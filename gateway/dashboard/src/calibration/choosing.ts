// What a new run is made of: which templates and standards fit, and the fields of the form -> what is asked. Pure.

import type { Entry, Offer } from "./messages.ts";

/** The lower, the earlier it is offered: those for this type of instrument first. */
export function rank(offer: Offer, type: unknown): number {
  return type === undefined || offer.instrument_type === type ? 0 : 1;
}

/** Whether a standard may be chosen for a role: of its kind and class, and with a stream where it is read live. */
export function fits({ content }: Pick<Entry, "content">, wanted: Offer["standards"][number]): boolean {
  const { kind, accuracy_class: own, instrument } = content;
  const isOfClass = wanted.classes.length === 0 || wanted.classes.includes(String(own ?? ""));
  return kind === wanted.kind && isOfClass && (!wanted.is_live || Boolean(instrument));
}

/** Of the fields `standard/<role>/<position>` and `sensor/<name>`, and the others. */
export function bodyOf(typed: Record<string, string>, { standards, sensors }: Pick<Offer, "standards" | "sensors">) {
  const places = standards.flatMap(({ role, positions }) =>
    (positions.length > 0 ? positions : [""]).map((position) => ({ role, position })),
  );
  const chosen = places.map((place) => ({ ...place, name: typed[`standard/${place.role}/${place.position}`] ?? "" }));
  const read = sensors.map(({ name }) => [name, typed[`sensor/${name}`] ?? ""]);
  const { name = "", address = "", condition = "", received = "" } = typed;
  return {
    standards: chosen.filter((one) => one.name !== ""),
    sensors: Object.fromEntries(read.filter(([, stream]) => stream !== "")),
    customer: name.trim() === "" ? null : { name, address, contact: "", country: "" },
    place: null,
    condition,
    received: received || null,
  };
}
