// Of each agent: since when it is there, its version, its clock, what its spool holds, and its last order.

import { nowMs } from "../clock.ts";
import type { AgentStatus } from "../wire/messages.ts";
import { formatBytes, formatNumber, formatTime } from "../words/numbers.ts";
import { clockInWords, versionInWords } from "./agent_words.ts";
import { filled } from "./agents_found.ts";
import { Facts } from "./facts.tsx";
import { type Finding, FOUND_CLASSES, FOUND_SHAPES, worst } from "./findings.ts";
import { healthWords } from "./words.ts";

interface Given {
  statuses: ReadonlyMap<string, AgentStatus>;
  findings: readonly Finding[];
  serverVersion: string;
}

export function AgentsPart({ statuses, findings, serverVersion }: Given) {
  const words = healthWords.value;
  return (
    <section class="panel stack" aria-labelledby="health-agents">
      <h2 id="health-agents">{words.agents}</h2>
      {statuses.size === 0 && <p class="muted">{words.noAgents}</p>}
      <ul class="health-list">
        {[...statuses.keys()].sort().map((name) => (
          <Agent
            key={name}
            name={name}
            status={statuses.get(name) as AgentStatus}
            findings={findings.filter(({ id, of }) => of === name && id.startsWith("agent"))}
            serverVersion={serverVersion}
          />
        ))}
      </ul>
    </section>
  );
}

interface GivenAgent {
  name: string;
  status: AgentStatus;
  findings: readonly Finding[];
  serverVersion: string;
}

function Agent({ name, status, findings, serverVersion }: GivenAgent) {
  const words = healthWords.value;
  const state = status.online ? worst(findings) : "broken";
  const reason = !status.online && status.reason ? ` (${status.reason})` : "";
  return (
    <li class="health-part" aria-label={name}>
      <h3>
        <span class={`shape ${FOUND_CLASSES[state]}`} role="img" aria-label={words.states[state]}>
          {FOUND_SHAPES[state]}
        </span>
        <bdi>{name}</bdi>
        <span class="health-said">
          {status.online ? words.online : words.offline}
          <bdi>{reason}</bdi>
        </span>
      </h3>
      {status.online && <Told status={status} serverVersion={serverVersion} />}
    </li>
  );
}

function Told({ status, serverVersion }: { status: AgentStatus; serverVersion: string }) {
  const words = healthWords.value;
  const { spool, unlogged, orders } = status;
  const frames = unlogged === 0 ? words.noFrames : words.frames(unlogged, formatNumber(unlogged));
  return (
    <Facts
      facts={[
        { name: words.running, value: <time>{formatTime(status.since, nowMs.value)}</time> },
        { name: words.version, value: <bdi>{versionInWords(status.version, serverVersion)}</bdi> },
        { name: words.clock, value: clockInWords(status.clock) },
        { name: words.spool, value: <Spool status={status} /> },
        { name: words.waiting, value: <span class="number">{frames}</span> },
        typeof spool.free === "number" ? { name: words.disk, value: formatBytes(spool.free) } : null,
        orders.last?.kind ? { name: words.order, value: <Order last={orders.last} /> } : null,
      ]}
    />
  );
}

/** A bar beside the words, for who sees it; the words say all. */
function Spool({ status }: { status: AgentStatus }) {
  const words = healthWords.value;
  const share = filled(status);
  const { bytes, limit } = status.spool;
  if (share === null || bytes === undefined || limit === undefined) return <>{words.notTold}</>;
  const level = share >= 1 ? "full" : share >= 0.8 ? "high" : "low";
  return (
    <span class="health-spool">
      <span class={`health-bar health-bar-${level}`} aria-hidden="true">
        <span style={{ inlineSize: `${Math.min(share, 1) * 100}%` }} />
      </span>
      <span class="number">
        {words.spoolOf(
          formatBytes(bytes),
          formatBytes(limit),
          `${formatNumber(share * 100, share < 0.1 ? 1 : 0)}\u00a0%`,
        )}
      </span>
    </span>
  );
}

function Order({ last }: { last: NonNullable<AgentStatus["orders"]["last"]> }) {
  const words = healthWords.value;
  const kind = words.orderKinds[last.kind ?? ""] ?? last.kind;
  const result = words.orderResults[last.result ?? ""] ?? last.result;
  const time = last.time ? `, ${formatTime(last.time, nowMs.value)}` : "";
  return (
    <bdi>
      {kind} {result}
      {time}
      {last.reason ? `: ${last.reason}` : ""}
    </bdi>
  );
}
