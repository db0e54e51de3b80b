// How everything is, in plain words: what needs somebody on top, then the chain, its parts, and how complete all is.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { nowMs } from "../clock.ts";
import type { Session } from "../sign_in/session.ts";
import { AgentsPart } from "./agents_part.tsx";
import { type Counts, chain } from "./chain.ts";
import { Chain } from "./chain_view.tsx";
import { Completeness } from "./completeness.tsx";
import { DatabasePart } from "./database_part.tsx";
import { type Look, look } from "./look.ts";
import { Polling } from "./polling.ts";
import { ServicesPart } from "./services_part.tsx";
import { Summary } from "./summary.tsx";
import { healthWords } from "./words.ts";
import "./health.css";

/** After a connection is made, retained statuses come one by one; what is not there by then is not there. */
const SETTLED_MS = 1500;

export function HealthView({ session }: { session: Session }) {
  const words = healthWords.value;
  const polling = useMemo(() => new Polling(session), [session]);
  useEffect(() => {
    polling.start();
    return () => polling.end();
  }, [polling]);
  const isSettled = useSettled(session);
  const seen = useComputed(() => look(session, polling, isSettled.value, nowMs.value));
  const { findings } = seen.value;
  const isLive = session.connection.standing.value === "live";
  const isKnown = isLive && isSettled.value;
  return (
    <div class="health stack">
      <h1>{words.title}</h1>
      <Summary findings={findings} isKnown={isKnown && polling.health.value !== null} />
      <Chain links={chain(findings, countsOf(session, seen.value), isKnown)} />
      {!isLive && <p class="muted">{words.lastKnown}</p>}
      <div class="health-columns">
        <div class="stack">
          <AgentsPart
            statuses={session.lab.agents.value}
            findings={findings}
            serverVersion={session.connection.welcome.value?.version ?? ""}
          />
          <DatabasePart polling={polling} findings={findings} isKnown={isKnown} />
        </div>
        <ServicesPart
          services={session.lab.services.value}
          silent={polling.silent.value}
          findings={findings}
          health={polling.health.value}
          isKnown={isKnown}
        />
      </div>
      <Completeness session={session} />
    </div>
  );
}

/** Whether everything that is retained has come; anew after each reconnection. */
function useSettled({ connection, lab }: Session) {
  const isSettled = useSignal(lab.isFilled.peek() && lab.services.peek().size > 0);
  const isFilled = lab.isFilled.value && connection.standing.value === "live";
  useEffect(() => {
    if (!isFilled) {
      isSettled.value = false;
      return undefined;
    }
    const timer = setTimeout(() => {
      isSettled.value = true;
    }, SETTLED_MS);
    return () => clearTimeout(timer);
  }, [isFilled, isSettled]);
  return isSettled;
}

function countsOf({ lab }: Session, { conditions }: Look): Counts {
  const statuses = [...lab.agents.value.values()];
  return {
    live: [...conditions.values()].filter((condition) => condition === "connected").length,
    instruments: conditions.size,
    online: statuses.filter(({ online }) => online).length,
    agents: statuses.length,
  };
}
