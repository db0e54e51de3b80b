// The services by what they do: whether each is there and well, since when, and what it has done.

import { nowMs } from "../clock.ts";
import type { ServiceStatus } from "../wire/messages.ts";
import { formatAge, formatNumber, formatTime } from "../words/numbers.ts";
import { knocksOf } from "./agents_found.ts";
import { type Fact, Facts } from "./facts.tsx";
import { type Finding, FOUND_CLASSES, FOUND_SHAPES, type FoundState, worst } from "./findings.ts";
import type { Healthz } from "./polling.ts";
import { isWell, ROLES, type Services, type Silent } from "./services_found.ts";
import { healthWords } from "./words.ts";

// Of these, only what is not nothing is told.
const ALWAYS = new Set(["frames", "samples", "queue", "batch_ms", "answered", "issued", "noted", "streams", "keeping"]);

interface Given {
  services: Services;
  silent: Silent;
  findings: readonly Finding[];
  health: Healthz | "silent" | null;
  /** Whether what is not there is missing. */
  isKnown: boolean;
}

export function ServicesPart({ services, silent, findings, health, isKnown }: Given) {
  const words = healthWords.value;
  const ofRole = (role: string) => [...services].filter(([, status]) => status.role === role).sort();
  return (
    <section class="panel stack" aria-labelledby="health-services">
      <h2 id="health-services">{words.services}</h2>
      <ul class="health-list">
        {["gateway", ...ROLES].map((role) => {
          const found = ofRole(role);
          if (found.length === 0) return isKnown && <Missing key={role} role={role} />;
          return found.map(([name, status]) => (
            <Service
              key={name}
              name={name}
              status={status}
              state={role === "gateway" ? gatewayState(status) : worst(findings.filter(({ of }) => of === name))}
              isSilent={!isWell(name, status, silent) && silent.has(name)}
              health={role === "gateway" ? health : null}
            />
          ));
        })}
      </ul>
    </section>
  );
}

function Missing({ role }: { role: string }) {
  const words = healthWords.value;
  return (
    <li class="health-part">
      <Head name={words.serviceNames[role] ?? role} state="broken" said={words.none} />
    </li>
  );
}

interface GivenService {
  name: string;
  status: ServiceStatus;
  state: FoundState;
  isSilent: boolean;
  health: Healthz | "silent" | null;
}

function Service({ name, status, state, isSilent, health }: GivenService) {
  const words = healthWords.value;
  const label = words.serviceNames[status.role] ?? status.role;
  const said = !status.online ? words.gone : !status.healthy ? words.ill : isSilent ? words.hangs : words.well;
  const gateway = status.role === "gateway" ? gatewayFacts(status, health) : [];
  return (
    <li class="health-part">
      <Head name={name === status.role ? label : `${label} (${name})`} state={state} said={said} />
      <Facts
        facts={[
          status.online && status.since > 0
            ? { name: words.running, value: <time>{formatTime(status.since, nowMs.value)}</time> }
            : null,
          status.version ? { name: words.version, value: <bdi>{status.version}</bdi> } : null,
          status.reason ? { name: words.reason, value: <bdi>{status.reason}</bdi> } : null,
          ...gateway,
          ...(status.online ? figureFacts(status.figures) : []),
        ]}
      />
    </li>
  );
}

function Head({ name, state, said }: { name: string; state: FoundState; said: string }) {
  const words = healthWords.value;
  return (
    <h3>
      <span class={`shape ${FOUND_CLASSES[state]}`} role="img" aria-label={words.states[state]}>
        {FOUND_SHAPES[state]}
      </span>
      <bdi>{name}</bdi>
      <span class="health-said">{said}</span>
    </h3>
  );
}

function gatewayState({ online, healthy }: ServiceStatus): FoundState {
  return online && healthy ? "ok" : "broken";
}

function gatewayFacts(status: ServiceStatus, health: Healthz | "silent" | null): Fact[] {
  const words = healthWords.value;
  const knocks = [...knocksOf([status.figures])];
  const connected = health === null || health === "silent" ? null : health;
  const told = knocks.map(([agent, { reason, time }]) => (
    <li key={agent}>
      <bdi>{words.knock(agent, words.knockReasons[reason] ?? reason, formatAge(nowMs.value - time / 1000))}</bdi>
    </li>
  ));
  const facts = [{ name: words.knocks, value: told.length > 0 ? <ul>{told}</ul> : words.noKnocks }];
  if (connected === null) return facts;
  const said = words.connectedOf(formatNumber(connected.agents), formatNumber(connected.clients));
  return [{ name: words.connected, value: <span class="number">{said}</span> }, ...facts];
}

function figureFacts(figures: Record<string, unknown>): Fact[] {
  const words = healthWords.value;
  return Object.keys(words.figures)
    .filter((key) => isTold(key, figures[key]))
    .map((key) => ({ name: words.figures[key] ?? key, value: <span class="number">{shown(key, figures[key])}</span> }));
}

function isTold(key: string, value: unknown): boolean {
  if (typeof value === "number") return ALWAYS.has(key) || value !== 0;
  return typeof value === "string" && value !== "";
}

function shown(key: string, value: unknown): string {
  if (typeof value !== "number") return String(value);
  return key.endsWith("_ms") ? `${formatNumber(value, 1)}\u00a0ms` : formatNumber(value);
}
