// The page's own connection, what /healthz answers, and versions --> findings. Pure.

import type { Standing } from "../wire/connection.ts";
import { broken, type Finding, ok, warning } from "./findings.ts";
import { foundWords } from "./found_words.ts";
import type { Healthz } from "./polling.ts";

export function page(standing: Standing): Finding[] {
  if (standing === "live") return [];
  return [broken("page", foundWords.value.noConnection, foundWords.value.noConnectionRemedy)];
}

/** null: it was not asked yet; "silent": it did not answer. */
export function server(health: Healthz | "silent" | null): Finding[] {
  const words = foundWords.value;
  if (health === null) return [];
  if (health === "silent") return [broken("gateway", words.gatewaySilent, words.gatewaySilentRemedy)];
  const { broker } = health;
  return [
    ok("gateway", words.gatewayRuns),
    broker === "connected"
      ? ok("broker", words.brokerConnected)
      : broken("broker", words.brokerLost(broker), words.brokerRemedy),
  ];
}

/** `others` by what they are; of agents and services that are online. An empty version is not told. */
export function versions(gateway: string, services: Record<string, string>, agents: Record<string, string>): Finding[] {
  const words = foundWords.value;
  const isApart = ([, version]: [string, string]) => version !== "" && version !== gateway;
  const apart = Object.entries(agents).filter(isApart);
  const all = [...Object.entries(services).filter(isApart), ...apart];
  if (all.length === 0) return [];
  const told = all.map(([name, version]) => `${name} ${version}`).join(", ");
  const names = apart.map(([name]) => name).join(" ");
  const remedy = names ? words.versionAgentsRemedy(names) : words.versionRemedy;
  const isUnfit = all.some(([, version]) => major(version) !== major(gateway));
  if (isUnfit) return [broken("version", words.versionsUnfit(gateway, told), remedy)];
  return [warning("version", words.versionsApart(gateway, told), remedy)];
}

/** Whether it is a version before the other; of those that are no numbers nobody knows. */
export function isOlder(version: string, than: string): boolean {
  const parts = (text: string) => text.split(/[.+-]/).slice(0, 3).map(Number);
  const [one, other] = [parts(version), parts(than)];
  const at = one.findIndex((part, index) => part !== other[index]);
  return at >= 0 && (one[at] ?? 0) < (other[at] ?? 0);
}

function major(version: string): string {
  return version.split(".")[0] ?? "";
}
