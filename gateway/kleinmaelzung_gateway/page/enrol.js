// Letting a machine in as an agent: an admin names it, the server makes a code, and the page shows what to type there.

const ON_THE_SERVER = new Set(["127.0.0.1", "localhost", "[::1]"]);
const NOT_CONNECTED_YET = "Waiting until it is connected.";

/** What to type on the new machine, for a server under this address. */
export function commandFor(origin, agent) {
  return `sudo kleinmaelzung-agent enrol --server ${origin} --name ${agent}`;
}

export function leftInWords(ms) {
  if (ms <= 0) return "The code has expired: make another one.";
  const seconds = Math.ceil(ms / 1000);
  return `Valid for ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} min, once.`;
}

/** The form, and the code that is shown below it. `ask(agent, options)` sends the question; the answer comes to taken(). */
export class Enrolment {
  constructor(form, { ask, clockAheadMs, isOnline }) {
    this.form = form;
    this.clockAheadMs = clockAheadMs;
    this.isOnline = isOnline;
    this.made = null;
    this.part = (name) => form.querySelector(`[data-part="${name}"]`);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.forget();
      this.part("message").textContent = "Making a code …";
      ask(this.part("name").value.trim(), { replace: this.part("replace").checked });
    });
    this.part("close").addEventListener("click", () => this.show(false));
  }

  show(isShown) {
    this.form.hidden = !isShown;
    this.forget();
    this.part("name").value = "";
    this.part("replace").checked = false;
    if (isShown) this.part("name").focus();
  }

  /** The server's answer: {agent, code, expires}, the last in µs. */
  taken(made) {
    this.made = made;
    this.part("message").textContent = "";
    this.part("code").textContent = made.code;
    this.part("command").textContent = commandFor(location.origin, made.agent);
    this.part("local").hidden = !ON_THE_SERVER.has(location.hostname);
    // Without TLS whoever listens in the network can read along: the command says so too.
    this.part("plain").hidden = location.protocol === "https:";
    this.part("answer").hidden = false;
    this.draw();
  }

  refused(sentence) {
    this.forget();
    this.part("message").textContent = sentence.charAt(0).toUpperCase() + sentence.slice(1);
  }

  draw() {
    if (this.made === null) return;
    if (this.isOnline(this.made.agent)) this.wasOnline = true;
    const left = leftInWords(this.made.expires / 1000 - Date.now() - this.clockAheadMs());
    this.part("left").textContent = this.wasOnline ? "" : left;
    this.part("state").textContent = this.wasOnline ? `${this.made.agent} is connected.` : NOT_CONNECTED_YET;
  }

  forget() {
    this.made = null;
    this.wasOnline = false;
    this.part("answer").hidden = true;
    this.part("code").textContent = this.part("message").textContent = "";
  }
}
