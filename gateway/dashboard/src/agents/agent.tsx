// One agent: what it says of itself, its instruments, and a button that has it read its configuration again.

import { type Signal, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { nowMs } from "../clock.ts";
import { isOlder } from "../health/server_found.ts";
import { conditionOf } from "../lab/condition.ts";
import { conditionInWords, SHAPES } from "../lab/words.ts";
import { write } from "../routes.ts";
import type { Session } from "../sign_in/session.ts";
import { Refused } from "../wire/connection.ts";
import type { AgentStatus, Reply } from "../wire/messages.ts";
import { formatTime } from "../words/numbers.ts";
import { ConfigurationView } from "./configuration_view.tsx";
import { answerInLines, notKnown } from "./reload.ts";
import { agentsWords } from "./words.ts";

const RELOAD_S = 30;

/** What is said of a reload: that it is asked, what was answered, or why nothing was. Words come when it is drawn. */
type Said = "nothing" | "asking" | "lost" | { reply: Reply } | { refusal: string };

export function Agent({ name, session }: { name: string; session: Session }) {
  const words = agentsWords.value;
  const status = session.lab.agents.value.get(name);
  const isLive = session.connection.standing.value === "live";
  const isThere = isLive && status?.online === true;
  const left = useLeft(isLive, isThere, status === undefined);
  const said = useSignal<Said>("nothing");
  const isShown = useSignal(false);
  if (status === undefined) return null;

  const reload = async () => {
    if (said.value === "asking" || !isThere) return;
    said.value = "asking";
    said.value = await askReload(session, name);
  };
  const server = session.connection.welcome.value?.version ?? "";
  const shape = !isThere ? "is-offline" : "is-connected";
  // A group, and its button stays where it is when there is nothing to ask, so that it keeps the focus.
  return (
    <li>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would be a form's */}
      <div role="group" class="panel stack agent-panel" aria-label={name}>
        <div class="agent-head">
          <h2>
            <span class={`shape ${shape}`} aria-hidden="true">
              {SHAPES[isThere ? "connected" : "offline"]}
            </span>
            <bdi>{name}</bdi>
          </h2>
          <p class="number">
            <bdi>{stateInWords(status, isLive, left)}</bdi>
          </p>
          {status.version && (
            <p class="muted">
              {words.version(status.version)}
              {server !== "" && isOlder(status.version, server) ? `, ${words.older(server)}` : ""}
            </p>
          )}
        </div>
        <Instruments agent={name} session={session} />
        <div class="row">
          <button type="button" aria-disabled={said.value === "asking" || !isThere} onClick={reload}>
            {words.reload}
          </button>
          <button
            type="button"
            aria-expanded={isShown.value}
            onClick={() => {
              isShown.value = !isShown.value;
            }}
          >
            {isShown.value ? words.close : words.configuration}
          </button>
        </div>
        <Answer said={said} />
        {isShown.value && <ConfigurationView name={name} session={session} />}
      </div>
    </li>
  );
}

function Answer({ said: { value } }: { said: Signal<Said> }) {
  return (
    <div role="status" class="agent-answer">
      {linesOf(value).map((line, at) => (
        <p key={`${at} ${line}`}>
          <bdi>{line}</bdi>
        </p>
      ))}
    </div>
  );
}

function linesOf(said: Said): string[] {
  const words = agentsWords.value;
  if (said === "nothing") return [];
  if (said === "asking") return [words.asking];
  if (said === "lost") return notKnown(words.connectionLost);
  return "reply" in said ? answerInLines(said.reply) : [words.nothingReloaded(said.refusal)];
}

async function askReload({ connection }: Session, name: string): Promise<Said> {
  try {
    return { reply: await connection.command(`${name}/agent`, "reload", {}, { timeout: RELOAD_S }) };
  } catch (error) {
    return error instanceof Refused ? { refusal: error.message } : "lost";
  }
}

/** When it was seen to go, in ms; null where nobody saw it: the broker's word for an agent that is gone has no time. */
function useLeft(isLive: boolean, isThere: boolean, isUnknown: boolean): number | null {
  const seen = useRef({ wasThere: false, leftMs: null as number | null });
  const { current } = seen;
  if (!isLive || isUnknown) Object.assign(current, { wasThere: false, leftMs: null });
  else if (isThere) Object.assign(current, { wasThere: true, leftMs: null });
  else if (current.wasThere) current.leftMs ??= nowMs.peek();
  return current.leftMs;
}

function stateInWords({ online, since, reason }: AgentStatus, isLive: boolean, leftMs: number | null): string {
  const words = agentsWords.value;
  const now = nowMs.value;
  const because = reason ? ` (${reason})` : "";
  const left = leftMs === null ? words.offline : words.offlineSince(formatTime(leftMs * 1000, now));
  const said = online ? words.online(formatTime(since, now)) : left + because;
  return isLive ? said : words.lastKnown(said);
}

function Instruments({ agent, session: { connection, lab } }: { agent: string; session: Session }) {
  const words = agentsWords.value;
  const status = lab.agents.value.get(agent);
  const own = [...lab.instruments.value.values()].filter((one) => one.agent === agent);
  if (own.length === 0) return status?.online ? <p class="muted">{words.noInstruments}</p> : null;
  return (
    <ul class="agent-instruments" aria-label={words.instruments}>
      {own
        .sort((one, other) => one.name.localeCompare(other.name))
        .map((one) => {
          const condition = conditionOf(one.state.value, status, connection.standing.value);
          return (
            <li key={one.name}>
              <span class={`shape is-${condition}`} role="img" aria-label={conditionInWords(condition, null)}>
                {SHAPES[condition]}
              </span>
              <a href={write({ view: "instrument", instrument: one.name, tab: "" })}>
                <bdi>{one.name.slice(agent.length + 1)}</bdi>
              </a>
            </li>
          );
        })}
    </ul>
  );
}
