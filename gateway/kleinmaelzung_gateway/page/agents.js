// The agents: what each says of itself, and a button that has it read its configuration again; its answer is put in words.

const CHANGES = [["added", "Added"], ["removed", "Removed"], ["changed", "Changed"]];
const NOTHING_HAPPENED = ["offline", "expired", "not-permitted"];

/** `leftMs` is when it was seen to go, null where nobody saw it: the broker's word for an agent that is gone has no time. */
export function agentInWords(status, isLive, leftMs) {
  const running = status.since ? `, running since ${inWords(status.since / 1000)}` : "";
  const left = leftMs === null ? "" : ` since ${inWords(leftMs)}`;
  const reason = status.reason ? ` (${status.reason})` : "";
  const words = status.online ? `online${running}` : `offline${left}${reason}`;
  return isLive ? words : `last known: ${words}`;
}

function inWords(ms) {
  return new Date(ms).toLocaleString([], { hourCycle: "h23" });
}

/** What became of a reload, a line each, from the reply (docs/protocol.md, "Orders"). */
export function answerInLines({ result, reason, values }) {
  if (result === "done") return changesInLines(values);
  if (result === "refused" && values.mistakes) return ["Refused, everything as before:", ...String(values.mistakes).split("\n")];
  if (result === "refused") return [`Refused: ${reason}`];
  if (NOTHING_HAPPENED.includes(result)) return [`Nothing was reloaded: ${reason}`];
  return notKnown(reason || result);
}

function changesInLines(values) {
  const lines = (kinds) => kinds.filter(([kind]) => values[kind])
    .map(([kind, word]) => `${word}: ${String(values[kind]).replaceAll(",", ", ")}`);
  const changed = lines(CHANGES);
  const anew = values.restarted ? ["The agent begins anew."] : [];
  const isSame = changed.length + anew.length === 0;
  return [isSame ? "Read again: nothing is different." : "Read again.", ...changed, ...lines([["unchanged", "Unchanged"]]), ...anew];
}

function notKnown(reason) {
  return [`Whether it was reloaded is not known: ${reason}`, "It does no harm to reload it again."];
}

/** The section, a row for each agent. `ask(agent)` sends the question; what becomes of it comes to answered() or said(). */
export class Agents {
  constructor(section, button, ask) {
    Object.assign(this, { section, button, ask });
    this.part = (name) => section.querySelector(`[data-part="${name}"]`);
    this.rows = new Map();
    button.addEventListener("click", () => this.show(section.hidden));
    this.part("close").addEventListener("click", () => { this.show(false); button.focus(); });
  }

  show(isShown) {
    this.section.hidden = !isShown;
    this.button.setAttribute("aria-expanded", String(isShown));
    // What was answered is of then, and is not to be read as of now when the section is opened again.
    for (const row of isShown ? this.rows.values() : []) if (!row.isAsked) row.say([]);
  }

  allow(isAllowed) {
    this.button.hidden = !isAllowed;
    if (!isAllowed) this.show(false);
  }

  draw(statuses, isLive, nowMs) {
    const names = [...statuses.keys()].sort();
    for (const name of names) if (!this.rows.has(name)) this.rows.set(name, new Row(this.part("row"), name, this.ask));
    for (const name of names) this.rows.get(name).draw(statuses.get(name), isLive, nowMs);
    const items = names.map((name) => this.rows.get(name).item);
    const list = this.part("list");
    if (items.length !== list.children.length || items.some((one, at) => one !== list.children[at])) list.replaceChildren(...items);
    this.part("nobody").hidden = names.length > 0;
  }

  answered(agent, reply) {
    this.rows.get(agent)?.say(answerInLines(reply));
  }

  refused(agent, sentence) {
    this.rows.get(agent)?.say([`Nothing was reloaded: ${sentence}`]);
  }

  /** The connection is: an answer that was still to come does not come any more. */
  lost() {
    for (const row of this.rows.values()) if (row.isAsked) row.say(notKnown("the connection to the server was lost"));
  }

  forget() {
    this.rows.clear();
    this.allow(false);
  }
}

/** One agent. Its button stays where it is when there is nothing to ask, so that it keeps the focus. */
class Row {
  constructor(template, name, ask) {
    this.item = template.content.firstElementChild.cloneNode(true);
    this.item.setAttribute("aria-label", name);
    this.part = (which) => this.item.querySelector(`[data-part="${which}"]`);
    this.part("name").textContent = name;
    Object.assign(this, { isAsked: false, isThere: false, wasSeen: false, leftMs: null });
    this.part("reload").addEventListener("click", () => {
      if (this.isAsked || !this.isThere) return;
      this.say(["Asking it …"], true);
      ask(name);
    });
  }

  draw(status, isLive, nowMs) {
    this.isThere = isLive && status.online === true;
    this.wasSeen = isLive && (this.wasSeen || this.isThere);
    this.leftMs = this.wasSeen && !this.isThere ? this.leftMs ?? nowMs : null;
    write(this.part("state"), agentInWords(status, isLive, this.leftMs));
    write(this.part("version"), status.version ? `version ${status.version}` : "");
    this.item.classList.toggle("live", this.isThere);
    this.part("reload").setAttribute("aria-disabled", String(this.isAsked || !this.isThere));
  }

  say(lines, isAsked = false) {
    this.isAsked = isAsked;
    this.part("answer").replaceChildren(...lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })));
  }
}

/** Only where it is different: a selection stays. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
