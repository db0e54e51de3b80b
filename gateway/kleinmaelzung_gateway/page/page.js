// The instruments of the laboratory with their newest values, live over the JSON subprotocol (docs/protocol.md).
// Messages go into `known`, drawing takes from there four times a second: a fast instrument costs no more than a slow one.

const SUBPROTOCOL = "kleinmaelzung.v1+json";
const NOT_LOGGED_IN = 4401;
const DRAW_MS = 250;
// A browser tells nothing of a network that just went silent: ask now and then, and give up where no answer comes.
const ASK_MS = 10_000;
const SILENCE_MS = 9_000;
const LONGEST_WAIT_MS = 1700;

// --- What is known: plain functions from messages to state, and from state to words

/** A frame's newest sample of each channel: `{channel: {value, unit, quality, time}}`, time in µs. */
export function newestOf(frame) {
  const columns = Object.entries(frame.c ?? {});
  if (columns.length === 0) return {};
  const last = columns[0][1].length - 1;
  const time = timeAt(frame.t, last, columns[0][1].length);
  return Object.fromEntries(columns.map(([name, column]) => [name, {
    value: column[last], unit: frame.u?.[name] ?? "", quality: frame.q?.[name]?.[last] ?? "good", time,
  }]));
}

/** `t` is [first, offset, ...], or [first, step] for more than two samples at equal steps. */
function timeAt(t, index, length) {
  if (index === 0) return t[0];
  return t.length === 2 && length > 2 ? t[0] + t[1] * index : t[0] + t[index];
}

export function emptyKnowledge() {
  return { instruments: new Map(), agents: new Map() };
}

function instrumentIn(known, name) {
  if (!known.instruments.has(name)) known.instruments.set(name, { description: null, state: null, newest: new Map() });
  return known.instruments.get(name);
}

/** Take in one `["message", topic, payload]`. */
export function learn(known, topic, payload) {
  const parts = topic.split("/");
  if (payload === null && parts[2] === "description") known.instruments.delete(`${parts[0]}/${parts[1]}`);
  if (payload === null || typeof payload !== "object") return;
  if (parts.length === 2 && parts[1] === "status") known.agents.set(parts[0], payload);
  if (parts.length !== 3) return;
  const instrument = instrumentIn(known, `${parts[0]}/${parts[1]}`);
  if (parts[2] === "description" || parts[2] === "state") instrument[parts[2]] = payload;
  if (parts[2] === "data") learnValues(instrument, newestOf(payload));
}

/** Take in the gateway's answer to `list`. */
export function learnList(known, entries) {
  for (const entry of entries) {
    const instrument = instrumentIn(known, entry.instrument);
    instrument.description = entry.description ?? instrument.description;
    instrument.state = entry.state ?? instrument.state;
    learnValues(instrument, entry.latest ?? {});
    if (entry.agent) known.agents.set(entry.instrument.split("/")[0], entry.agent);
  }
}

function learnValues(instrument, values) {
  for (const [channel, sample] of Object.entries(values)) {
    const before = instrument.newest.get(channel);
    if (!before || sample.time >= before.time) instrument.newest.set(channel, sample);
  }
}

/** connected, searching, silent, error, unknown; offline where the agent is not there, whatever was said before. */
export function conditionOf(known, name) {
  if (known.agents.get(name.split("/")[0])?.online !== true) return "offline";
  return known.instruments.get(name).state?.state ?? "unknown";
}

const WORDS = {
  connected: "live",
  searching: "searching for the instrument: is it plugged in?",
  silent: "silent: is it switched on?",
  error: "error",
  offline: "offline: its agent is not connected",
  unknown: "nothing heard of it yet",
};

export function stateInWords(condition, state) {
  const reason = condition !== "offline" && state?.reason ? ` (${state.reason})` : "";
  return (WORDS[condition] ?? condition) + reason;
}

export function ageInWords(ageMs) {
  const s = Math.max(ageMs, 0) / 1000;
  if (s < 2) return "now";
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} d ago`;
}

export function valueInWords(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "number" ? String(Number(value.toPrecision(12))) : String(value);
}

// --- The connection: one object for each sign-in, which comes back by itself until it is ended

class Connection {
  constructor(user, password, show) {
    this.user = user;
    this.password = password; // in memory and nowhere else
    this.show = show;
    this.known = emptyKnowledge();
    this.isLive = false;
    this.wasLive = false;
    this.clockAheadMs = 0; // the server's clock against this machine's
    this.attempts = 0;
    this.open();
  }

  open() {
    const address = new URL("client", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    this.socket = new WebSocket(address, [SUBPROTOCOL]);
    this.unansweredSince = null;
    this.timer = setInterval(() => this.check(), ASK_MS);
    this.socket.onopen = () => this.send("hello", { user: this.user, password: this.password });
    this.socket.onmessage = (event) => this.take(JSON.parse(event.data));
    this.socket.onclose = (event) => this.lost(event.code, event.reason);
  }

  send(...message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  take([kind, ...rest]) {
    this.unansweredSince = null;
    if (kind === "welcome") this.welcome(rest[0]);
    if (kind === "message") learn(this.known, rest[0], rest[1]);
    if (kind === "done" && rest[0] === "list") learnList(this.known, rest[1]);
    if (kind === "refused") this.show.message(`Refused: ${rest[2]}`);
  }

  welcome({ time }) {
    this.clockAheadMs = time / 1000 - Date.now();
    this.known = emptyKnowledge(); // what was removed meanwhile would stay for ever
    this.isLive = this.wasLive = true;
    this.attempts = 0;
    this.send("list", "list", "+/+");
    this.send("watch", "status", "+/status");
    this.send("watch", "instruments", "+/+");
    this.show.signedIn();
  }

  check() {
    // Measured from the question: in a background tab this runs once a minute.
    if (this.unansweredSince !== null && performance.now() - this.unansweredSince > SILENCE_MS) return this.giveUp();
    this.unansweredSince ??= performance.now();
    this.send("list", "list", "+/+");
  }

  giveUp() {
    this.socket.onclose = null; // on a dead network it would come minutes later
    this.socket.close();
    this.lost(0, "");
  }

  lost(code, reason) {
    clearInterval(this.timer);
    this.isLive = false;
    if (code === NOT_LOGGED_IN) return this.show.signedOut(reason || "name or password is wrong");
    if (!this.wasLive) return this.show.signedOut(reason || "The server does not answer. Try again in a moment.");
    const longest = Math.min(500 * 2 ** this.attempts++, LONGEST_WAIT_MS);
    this.retry = setTimeout(() => this.open(), 300 + Math.random() * longest);
  }

  end() {
    clearTimeout(this.retry);
    clearInterval(this.timer);
    this.socket.onclose = this.socket.onmessage = null;
    this.socket.close();
  }
}

// --- Drawing: text always by textContent, for names and units come from outside

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawInstrument(connection, name, nowMs) {
  const { description, state, newest } = connection.known.instruments.get(name);
  const condition = conditionOf(connection.known, name);
  const isLive = connection.isLive && condition === "connected";
  const article = element("article", isLive ? "live" : "");
  const words = connection.isLive ? stateInWords(condition, state) : "connection lost";
  article.append(element("h2", "", description?.label || name));
  if (description?.label) article.append(element("p", "", name));
  article.append(element("p", "state", words));
  const list = element("dl");
  for (const channel of channelsOf(description, newest)) {
    list.append(drawChannel(channel, newest.get(channel.name), isLive, nowMs));
  }
  article.append(list);
  return article;
}

function channelsOf(description, newest) {
  const described = Array.isArray(description?.channels) ? description.channels : [];
  const names = new Set(described.map((channel) => channel.name));
  return [...described, ...[...newest.keys()].filter((name) => !names.has(name)).map((name) => ({ name }))];
}

function drawChannel(channel, sample, isLive, nowMs) {
  const row = element("div");
  row.append(element("dt", "", channel.label || channel.name));
  if (!sample) {
    row.append(element("dd", "note", "no value yet"));
    return row;
  }
  const text = `${valueInWords(sample.value)} ${sample.unit || ""}`.trim();
  const isDoubtful = sample.quality !== "good";
  const at = new Date(sample.time / 1000);
  const age = `${ageInWords(nowMs - at)}, ${isDoubtful ? `quality: ${sample.quality}` : "good"}`;
  row.append(element("dd", "value", isLive ? text : `last value ${text}`));
  const note = element("dd", isDoubtful ? "note doubtful" : "note", isLive ? age : `of ${at.toLocaleString()}, ${age}`);
  row.append(note);
  return row;
}

// --- The page

function start() {
  const byId = (id) => document.getElementById(id);
  let connection = null;
  let refusal = "";

  const show = {
    signedIn() {
      byId("sign-in").hidden = true;
      byId("sign-out").hidden = false;
      byId("password").value = "";
      byId("sign-in-message").textContent = refusal = "";
    },
    signedOut(sentence) {
      connection?.end();
      connection = null;
      byId("sign-in").hidden = false;
      byId("sign-out").hidden = true;
      byId("sign-in-message").textContent = sentence;
      draw();
    },
    message(sentence) { refusal = sentence; },
  };

  function draw() {
    const isLost = connection !== null && connection.wasLive && !connection.isLive;
    const names = connection ? [...connection.known.instruments.keys()].sort() : [];
    const nowMs = Date.now() + (connection?.clockAheadMs ?? 0);
    document.body.classList.toggle("lost-connection", isLost);
    byId("connection").classList.toggle("lost", isLost);
    byId("connection").textContent = isLost
      ? "Connection lost: nothing here is live. Trying again …"
      : refusal || (connection?.isLive ? `Connected as ${connection.user}` : "");
    byId("nothing").hidden = !connection?.isLive || names.length > 0;
    byId("instruments").replaceChildren(...names.map((name) => drawInstrument(connection, name, nowMs)));
  }

  byId("sign-in").addEventListener("submit", (event) => {
    event.preventDefault();
    connection?.end();
    byId("sign-in-message").textContent = "Signing in …";
    connection = new Connection(byId("user").value.trim(), byId("password").value, show);
  });
  byId("sign-out").addEventListener("click", () => show.signedOut(""));
  setInterval(draw, DRAW_MS);
}

if (typeof document !== "undefined") start();
