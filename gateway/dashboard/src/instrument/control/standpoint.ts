// Where this reader stands towards an instrument now: read from signals, so that whoever draws it is drawn anew.

import { conditionOf } from "../../lab/condition.ts";
import type { Instrument } from "../../lab/instrument.ts";
import type { Session } from "../../sign_in/session.ts";
import type { Standpoint } from "./barrier.ts";

export function standpointOf({ connection, lab }: Session, instrument: Instrument): Omit<Standpoint, "holding"> {
  const agent = lab.agents.value.get(instrument.agent);
  const condition = conditionOf(instrument.state.value, agent, connection.standing.value);
  return { condition, rights: connection.rights.value, instrument: instrument.name };
}
