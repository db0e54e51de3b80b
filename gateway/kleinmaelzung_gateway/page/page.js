// The instruments of the laboratory with their newest values, live over the JSON subprotocol (docs/protocol.md).
// Messages go into `known`, drawing takes from there four times a second: a fast instrument costs no more than a slow one.

import { Agents } from "./agents.js";
import { Enrolment } from "./enrol.js";

const SUBPROTOCOL = "kleinmaelzung.v1+json";
const NOT_LOGGED_IN = 4401;
const DRAW_MS = 250;
// A browser tells nothing of a network that just went silent: ask now and then, and give up where no answer comes.
const ASK_MS = 10_000;
const SILENCE_MS = 9_000;
const LONGEST_WAIT_MS = 1700;
const RELOAD_S = 30; // a slow Pi has read its file by then

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

function emptyInstrument() {
  return { description: null, state: null, control: null, alarm: null, newest: new Map() };
}

function instrumentIn(known, name) {
  if (!known.instruments.has(name)) known.instruments.set(name, emptyInstrument());
  return known.instruments.get(name);
}

/** Take in one `["message", topic, payload]`. */
export function learn(known, topic, payload) {
  const parts = topic.split("/");
  const name = `${parts[0]}/${parts[1]}`;
  if (payload === null && parts[2] === "description") known.instruments.delete(name);
  if (payload === null && parts[2] === "control" && known.instruments.has(name)) instrumentIn(known, name).control = null;
  if (payload === null && parts[2] === "alarm" && known.instruments.has(name)) instrumentIn(known, name).alarm = null;
  if (payload === null || typeof payload !== "object") return;
  if (parts.length === 2 && parts[1] === "status") known.agents.set(parts[0], payload);
  if (parts.length !== 3) return;
  if (["description", "state", "control", "alarm"].includes(parts[2])) instrumentIn(known, name)[parts[2]] = payload;
  // A frame alone makes no instrument: it may be of the agent itself, or of one that was just taken out.
  if (parts[2] === "data" && known.instruments.has(name)) learnValues(instrumentIn(known, name), newestOf(payload));
}

/** Take in the gateway's answer to `list`. */
export function learnList(known, entries) {
  for (const entry of entries) {
    const instrument = instrumentIn(known, entry.instrument);
    instrument.description = entry.description ?? instrument.description;
    instrument.state = entry.state ?? instrument.state;
    instrument.control = entry.control;
    instrument.alarm = entry.alarm ?? instrument.alarm;
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

/** Who alone may command it until when; nothing where anybody entitled may. */
export function holderInWords(control, session, nowMs) {
  if (!control?.user || control.until / 1000 <= nowMs) return "";
  const until = new Date(control.until / 1000);
  const isToday = until.toDateString() === new Date(nowMs).toDateString();
  const time = until.toLocaleTimeString([], { hourCycle: "h23" });
  const who = control.session === session ? "you" : control.user;
  return `held by ${who} until ${isToday ? time : `${until.toLocaleDateString()}, ${time}`}`;
}

const KINDS = { high: "too high", low: "too low", rise: "rises too fast", fall: "falls too fast" };

/** What is active at an instrument, the worst first: `{id, level, words, acknowledged}`. */
export function alarmsIn(instrument) {
  const alarms = Array.isArray(instrument.alarm?.alarms) ? instrument.alarm.alarms : [];
  return alarms.map((one) => ({ id: one.id, level: one.level, words: alarmInWords(one), acknowledged: one.acknowledged }));
}

function alarmInWords({ kind, channel, value, limit, unit, detail }) {
  const of = channel ? `${channel}: ` : "";
  if (kind === "silence") return `${of}nothing good for ${valueInWords(limit)} s${detail ? ` (${detail})` : ""}`;
  const withUnit = (number) => `${valueInWords(number)} ${unit || ""}`.trim();
  return `${of}${KINDS[kind] ?? kind}, ${withUnit(value)} (limit ${withUnit(limit)})`;
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

export function capitalised(sentence) {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

// --- The connection: one object for each sign-in, which comes back by itself until it is ended

class Connection {
  /** `hello`: {user, password}, or {code} of a one-time link, or {} for the public view; in memory and nowhere else. */
  constructor(hello, show) {
    this.hello = hello;
    this.show = show;
    this.user = this.session = "";
    this.isPublic = Object.keys(hello).length === 0;
    this.known = emptyKnowledge();
    this.cards = new Map();
    this.isLive = false;
    this.wasLive = false;
    this.mayCommand = false;
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
    this.socket.onopen = () => this.send("hello", this.hello);
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
    if (kind === "done" && rest[0] === "rights") this.learnRights(rest[1]);
    if (kind === "done" && rest[0] === "enrol") this.show.enrolled(rest[1]);
    if (kind === "reply" && rest[0].startsWith("acknowledge ") && rest[1].result !== "done") {
      this.show.refused(`Not acknowledged: ${rest[1].reason || rest[1].result}`);
    }
    const [asked, agent] = String(rest[0]).split(" ");
    if (kind === "reply" && asked === "reload") this.show.reloaded(agent, rest[1]);
    if (kind === "refused" && asked === "reload") this.show.notReloaded(agent, rest[2]);
    else if (kind === "refused" && asked === "enrol") this.show.notEnrolled(rest[2]);
    else if (kind === "refused") this.show.refused(`Refused: ${rest[2]}`);
  }

  welcome({ time, user, session, password }) {
    [this.user, this.session] = [user, session];
    if (password !== undefined) this.hello = { user, password }; // the link's code is used up
    this.clockAheadMs = time / 1000 - Date.now();
    this.known = emptyKnowledge(); // what was removed meanwhile would stay for ever
    const isFirst = !this.wasLive; // afterwards who watches may be signing in just now
    this.isLive = this.wasLive = true;
    this.attempts = 0;
    if (!this.isPublic) this.send("rights", "rights");
    this.send("list", "list", "+/+");
    this.send("watch", "status", "+/status");
    this.send("watch", "instruments", "+/+");
    this.send("watch", "control", "+/+/control");
    this.send("watch", "alarm", "+/+/alarm");
    this.show.refused("");
    if (isFirst) this.show.signedIn(this, password !== undefined);
  }

  learnRights(told) {
    // Of the first admin nobody told; of anybody else the broker decides again.
    this.mayCommand = told === null || !["observer", "public"].includes(told.role);
    this.show.rights(told);
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
    this.show.lost();
    if (code === NOT_LOGGED_IN) return this.show.signedOut(reason || "name or password is wrong");
    if (!this.wasLive && !this.isPublic) return this.show.signedOut(reason || "The server does not answer. Try again in a moment.");
    const longest = Math.min(500 * 2 ** this.attempts++, LONGEST_WAIT_MS);
    this.retry = setTimeout(() => this.open(), 300 + Math.random() * longest);
  }

  end() {
    for (const card of this.cards.values()) card.end();
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

/** One instrument: what is known of it is drawn anew each time, the buttons stay, so that no click and no focus is lost. */
class Card {
  constructor(connection, name) {
    this.connection = connection;
    this.name = name;
    this.article = element("article");
    this.known = element("div");
    this.alarms = new AlarmList(connection, name);
    this.article.append(this.known, this.alarms.list);
    // Whoever did not sign in may watch, and ask for nothing that is stored.
    this.downloads = connection.isPublic ? null : new Downloads(connection, name);
    if (this.downloads) this.article.append(this.downloads.row);
  }

  draw(nowMs) {
    const { isLive, parts } = drawInstrument(this.connection, this.name, nowMs);
    this.article.className = isLive ? "live" : "";
    this.known.replaceChildren(...parts);
    this.alarms.draw();
  }

  end() {
    this.downloads?.end();
  }
}

/** What is active at an instrument: a row each, drawn anew only when it is another, so that its button keeps the focus. */
class AlarmList {
  constructor(connection, name) {
    this.connection = connection;
    this.name = name;
    this.list = element("ul", "alarms");
    this.list.setAttribute("aria-label", "Alarms");
    this.drawn = "";
  }

  draw() {
    const { known, mayCommand, isLive } = this.connection;
    const isOld = !isLive || conditionOf(known, this.name) === "offline";
    const alarms = alarmsIn(known.instruments.get(this.name) ?? {});
    const drawn = JSON.stringify([alarms, mayCommand, isOld]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.list.hidden = alarms.length === 0;
    this.list.replaceChildren(...alarms.map((alarm) => this.row(alarm, isOld, mayCommand)));
  }

  row(alarm, isOld, mayCommand) {
    const row = element("li", alarm.level === "alarm" ? "alarm" : "warning");
    const shape = element("span", "shape", alarm.level === "alarm" ? "\u25b2" : "\u25c6");
    shape.setAttribute("aria-hidden", "true");
    const word = alarm.level === "alarm" ? "Alarm" : "Warning";
    row.append(shape, element("strong", "", isOld ? `Last known ${word.toLowerCase()}` : word), element("span", "", alarm.words));
    if (alarm.acknowledged) row.append(element("span", "note", `acknowledged by ${alarm.acknowledged.user}`));
    else if (mayCommand && !isOld) row.append(this.button(alarm));
    return row;
  }

  button(alarm) {
    const button = element("button", "", "Acknowledge");
    button.type = "button";
    button.setAttribute("aria-label", `Acknowledge ${this.name}: ${alarm.words}`);
    button.addEventListener("click", () => {
      this.connection.send("send", `acknowledge ${alarm.id}`, this.name, "_acknowledge", { id: alarm.id });
    });
    return button;
  }
}

/** The last hour, day or week of an instrument as a file. The password goes in a header, so a link would not do. */
class Downloads {
  constructor(connection, name) {
    this.connection = connection;
    this.name = name;
    this.leaving = new AbortController();
    this.row = element("div", "downloads");
    this.row.setAttribute("role", "group");
    this.row.setAttribute("aria-label", `Download ${name} as CSV`);
    this.row.append(element("span", "", "CSV of the last"));
    for (const [span, words] of SPANS) this.row.append(this.button(span, words));
    this.said = element("p");
    this.said.setAttribute("role", "status");
    this.row.append(this.said);
  }

  button(span, words) {
    const button = element("button", "", words);
    button.type = "button";
    button.addEventListener("click", () => this.get(span, words));
    return button;
  }

  async get(span, words) {
    this.say(`Getting the ${words} …`, true);
    try {
      const answer = await fetch(new URL(`history/${this.name}.csv?from=${span}`, document.baseURI), {
        headers: { Authorization: authorization(this.connection.hello) },
        credentials: "omit", // else the browser asks for a password of its own where ours is refused
        cache: "no-store",
        signal: this.leaving.signal,
      });
      if (!answer.ok) return this.say(await answer.text());
      save(await answer.blob(), fileNameOf(answer.headers.get("Content-Disposition"), this.name));
      this.say("");
    } catch {
      this.say(this.leaving.signal.aborted ? "" : "The file did not come: the connection was lost. Try again in a moment.");
    }
  }

  say(sentence, isBusy = false) {
    this.said.textContent = capitalised(sentence);
    this.said.classList.toggle("doubtful", !isBusy);
    for (const button of this.row.querySelectorAll("button")) button.disabled = isBusy;
  }

  end() {
    this.leaving.abort();
  }
}

const SPANS = [["1h", "hour"], ["1d", "day"], ["7d", "week"]];

/** `Basic ...` of a name and a password in whatever script. */
export function authorization({ user, password }) {
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${user}:${password}`)))}`;
}

export function fileNameOf(disposition, name) {
  return /filename="([a-z0-9_.-]+)"/.exec(disposition ?? "")?.[1] ?? `${name.replace("/", "_")}.csv`;
}

function save(blob, fileName) {
  const link = element("a");
  link.href = URL.createObjectURL(blob);
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** What is known of an instrument: whether it is live, and the elements that say it. */
function drawInstrument(connection, name, nowMs) {
  const { description, state, control, newest } = connection.known.instruments.get(name);
  const condition = conditionOf(connection.known, name);
  const isLive = connection.isLive && condition === "connected";
  const parts = [];
  const words = connection.isLive ? stateInWords(condition, state) : "connection lost";
  parts.push(element("h2", "", description?.label || name));
  if (description?.label) parts.push(element("p", "", name));
  parts.push(element("p", "state", words));
  const holder = holderInWords(control, connection.session, nowMs);
  if (holder) parts.push(element("p", "holder", holder));
  const list = element("dl");
  for (const channel of channelsOf(description, newest)) {
    list.append(drawChannel(channel, newest.get(channel.name), isLive, nowMs));
  }
  parts.push(list);
  return { isLive, parts };
}

function drawCards(place, connection, names, nowMs) {
  for (const name of names) if (!connection.cards.has(name)) connection.cards.set(name, new Card(connection, name));
  const cards = names.map((name) => connection.cards.get(name));
  for (const card of cards) card.draw(nowMs);
  const articles = cards.map((card) => card.article);
  const areTheSame = articles.length === place.children.length && articles.every((one, at) => one === place.children[at]);
  if (!areTheSame) place.replaceChildren(...articles);
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

/** The code of a one-time link, taken out of the address at once: nobody shall read, copy or bookmark it. */
function takeCode() {
  const given = location.hash;
  if (given) history.replaceState(null, "", location.pathname + location.search);
  return given.startsWith("#login=") ? given.slice("#login=".length) : "";
}

function start() {
  const code = takeCode();
  const byId = (id) => document.getElementById(id);
  const hasPublicView = document.documentElement.dataset.publicView === "yes";
  let connection = null;
  let refusal = "";

  const show = {
    signedIn({ user, isPublic }, isByLink) {
      showForm(false);
      byId("show-sign-in").hidden = !isPublic;
      byId("sign-out").hidden = isPublic;
      byId("password").value = "";
      if (isByLink) showNotice(user);
    },
    signedOut(sentence) {
      connection?.end();
      connection = null;
      closeNotice();
      byId("show-sign-in").hidden = byId("sign-out").hidden = byId("show-enrol").hidden = true;
      enrolment.show(false);
      agents.forget();
      showForm(true, sentence);
      draw();
    },
    refused(sentence) { refusal = sentence; },
    // Of the first admin nobody told, and the broker decides: it refuses whoever is none.
    rights(told) {
      const isAdmin = told === null || told.role === "admin";
      byId("show-enrol").hidden = !isAdmin;
      agents.allow(isAdmin);
    },
    reloaded(agent, reply) { agents.answered(agent, reply); },
    notReloaded(agent, sentence) { agents.refused(agent, sentence); },
    lost() { agents.lost(); },
    enrolled(made) { enrolment.taken(made); },
    notEnrolled(sentence) { enrolment.refused(sentence); },
  };

  const enrolment = new Enrolment(byId("enrol"), {
    ask: (agent, options) => connection?.send("enrol", "enrol", agent, options),
    clockAheadMs: () => connection?.clockAheadMs ?? 0,
    isOnline: (agent) => connection?.known.agents.get(agent)?.online === true,
  });

  const agents = new Agents(byId("agents"), byId("show-agents"), (agent) => {
    connection?.send("send", `reload ${agent}`, `${agent}/agent`, "reload", {}, { timeout: RELOAD_S });
  });

  function signIn(hello) {
    connection?.end();
    byId("show-enrol").hidden = true;
    enrolment.show(false);
    agents.forget();
    connection = new Connection(hello, show);
  }

  function showForm(isShown, sentence = "") {
    byId("sign-in").hidden = !isShown;
    byId("instruments").hidden = isShown;
    byId("back-to-public").hidden = !hasPublicView;
    byId("sign-in-message").textContent = capitalised(sentence);
    if (isShown) byId("user").focus();
  }

  function showNotice(user) {
    const notice = byId("link-notice");
    byId("link-user").textContent = user;
    notice.querySelector("code").textContent = `kleinmaelzung user password ${user} --ask`;
    notice.hidden = false;
  }

  function closeNotice() {
    byId("link-notice").hidden = true;
    byId("link-notice").querySelector("output").textContent = "";
    byId("show-password").hidden = false;
  }

  function draw() {
    const isLost = connection !== null && connection.attempts > 0 && !connection.isLive;
    const names = connection ? [...connection.known.instruments.keys()].sort() : [];
    const nowMs = Date.now() + (connection?.clockAheadMs ?? 0);
    document.body.classList.toggle("lost-connection", isLost);
    byId("connection").classList.toggle("lost", isLost);
    byId("connection").textContent = isLost
      ? "Connection lost: nothing here is live. Trying again …"
      : refusal || (connection?.isLive ? whoInWords(connection) : "");
    byId("nothing").hidden = !connection?.isLive || names.length > 0 || !byId("sign-in").hidden;
    drawCards(byId("instruments"), connection, names, nowMs);
    if (connection) agents.draw(connection.known.agents, connection.isLive, nowMs);
    enrolment.draw();
  }

  byId("sign-in").addEventListener("submit", (event) => {
    event.preventDefault();
    byId("sign-in-message").textContent = "Signing in …";
    signIn({ user: byId("user").value.trim(), password: byId("password").value });
  });
  const leave = () => (hasPublicView ? signIn({}) : show.signedOut(""));
  byId("sign-out").addEventListener("click", () => { closeNotice(); leave(); });
  byId("back-to-public").addEventListener("click", leave);
  byId("show-sign-in").addEventListener("click", () => { byId("show-sign-in").hidden = true; showForm(true); });
  byId("show-enrol").addEventListener("click", () => enrolment.show(byId("enrol").hidden));
  byId("close-notice").addEventListener("click", closeNotice);
  byId("show-password").addEventListener("click", () => {
    byId("link-notice").querySelector("output").textContent = connection.hello.password;
    byId("show-password").hidden = true;
  });
  // A link that is opened where the page is open already.
  addEventListener("hashchange", () => {
    const later = takeCode();
    if (later) signIn({ code: later });
  });
  setInterval(draw, DRAW_MS);
  if (code) signIn({ code });
  else if (hasPublicView) signIn({});
  else showForm(true);
}

function whoInWords({ isPublic, user }) {
  return isPublic ? "Public view" : `Connected as ${user}`;
}

if (typeof document !== "undefined") start();
