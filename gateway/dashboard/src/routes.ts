// The address after # <-> which view is shown. What is looked at can be bookmarked and sent to a colleague.

import { type Signal, signal } from "@preact/signals";

export type Route =
  | { view: "overview" }
  | { view: "instrument"; instrument: string; tab: string }
  | { view: "history"; instruments: string[]; from: string; to: string; hidden?: string[]; scale?: string }
  | { view: "health" }
  | { view: "agents" }
  | { view: "calibration"; path: string }
  | { view: "unknown" };

const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;

export function read(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter((part) => part !== "");
  const asked = new URLSearchParams(query);
  if (parts.length === 0) return { view: "overview" };
  if (parts[0] === "instrument" && parts.length >= 3 && parts.length <= 4 && parts.slice(1).every(isName)) {
    return { view: "instrument", instrument: `${parts[1]}/${parts[2]}`, tab: parts[3] ?? "" };
  }
  if (parts[0] === "history" && parts.length === 1) {
    const instruments = (asked.get("instruments") ?? "").split(",").filter(isInstrument);
    const times = { from: asked.get("from") ?? "", to: asked.get("to") ?? "" };
    const [hidden, scale] = [asked.getAll("hide"), asked.get("scale") ?? ""];
    return { view: "history", instruments, ...times, ...(hidden.length > 0 && { hidden }), ...(scale && { scale }) };
  }
  if (parts[0] === "calibration") return { view: "calibration", path: parts.slice(1).join("/") };
  if (parts.length === 1 && (parts[0] === "health" || parts[0] === "agents")) return { view: parts[0] };
  return { view: "unknown" };
}

function isName(part: string): boolean {
  return NAME.test(part);
}

function isInstrument(name: string): boolean {
  const parts = name.split("/");
  return parts.length === 2 && parts.every(isName);
}

/** The address of a view, for links. */
export function write(route: Route): string {
  if (route.view === "instrument") return `#/instrument/${route.instrument}${route.tab ? `/${route.tab}` : ""}`;
  if (route.view === "history") {
    const { instruments, from, to, hidden = [], scale = "" } = route;
    const given = { instruments: instruments.join(","), from, to, scale };
    const asked = new URLSearchParams(Object.entries(given).filter(([, value]) => value !== ""));
    for (const channel of hidden) asked.append("hide", channel);
    return asked.size > 0 ? `#/history?${legible(asked)}` : "#/history";
  }
  if (route.view === "calibration") return `#/calibration${route.path ? `/${route.path}` : ""}`;
  return route.view === "overview" || route.view === "unknown" ? "#/" : `#/${route.view}`;
}

/** What needs no escape after the # is not escaped. */
function legible(asked: URLSearchParams): string {
  return String(asked).replaceAll("%2F", "/").replaceAll("%2C", ",").replaceAll("%3A", ":");
}

/** Where the reader is. */
export const route: Signal<Route> = signal({ view: "overview" });

export function follow(): void {
  route.value = read(location.hash);
  addEventListener("hashchange", () => {
    route.value = read(location.hash);
  });
}
