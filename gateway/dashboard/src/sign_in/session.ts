// Who is signed in on this page, over a reload of it: name and password, kept for this tab until it is closed or they
// sign out (docs/decisions/0020).

import { type Signal, signal } from "@preact/signals";
import { forgetTab, keep, readKept } from "../kept.ts";
import { Lab } from "../lab/lab.ts";
import { Connection, type Hello } from "../wire/connection.ts";

export interface Session {
  connection: Connection;
  lab: Lab;
}

interface Kept {
  user: string;
  password: string;
  /** It came by the one-time link, and its reader has not put it away. */
  isNew?: boolean;
}

/** null: nobody, the form is shown. */
export const session: Signal<Session | null> = signal(null);

/** The password that a one-time link came with, until its reader has put it away; "" otherwise. */
export const newPassword: Signal<string> = signal("");

/** Why nobody is signed in, in the server's words or NO_ANSWER; "" where there is nothing to say. */
export const refusal: Signal<string> = signal("");

/** Whether the public view looks in where nobody signs in. */
export const hasPublicView = (): boolean => document.documentElement.dataset.publicView === "yes";

/** Whether the form is shown over a public view. */
export const wantsToSignIn: Signal<boolean> = signal(false);

export function begin(): void {
  const code = takeCode();
  const kept = readSession();
  if (code) open({ code });
  else if (kept) {
    newPassword.value = kept.isNew ? kept.password : "";
    open({ user: kept.user, password: kept.password }, true);
  } else if (hasPublicView()) open({});
  // A link that is opened where the page is open already.
  addEventListener("hashchange", () => {
    const later = takeCode();
    if (later) open({ code: later });
  });
}

export function signIn(user: string, password: string): void {
  open({ user, password });
}

/** From the form back to what everybody may see. */
export function backToPublic(): void {
  wantsToSignIn.value = false;
  refusal.value = "";
  if (session.value === null) open({});
}

export function signOut(): void {
  forgetTab();
  newPassword.value = "";
  leave();
  refusal.value = "";
  wantsToSignIn.value = false;
  if (hasPublicView()) open({});
}

/** The reader has the new password. */
export function putAway(): void {
  newPassword.value = "";
  if (session.value !== null) keepSession(session.value.connection);
}

function open(hello: Hello, isPatient = false): void {
  leave();
  refusal.value = "";
  const address = new URL("client", document.baseURI);
  address.protocol = address.protocol.replace("http", "ws");
  const connection = new Connection(address.href, hello, isPatient);
  const opened = { connection, lab: new Lab(connection) };
  session.value = opened;
  connection.standing.subscribe((standing) => {
    if (session.value !== opened) return;
    if (standing === "live") begun(connection);
    if (standing === "ended") refused(connection.endedBecause);
  });
}

/** Whatever the connection says of its end comes too late then. */
function leave(): void {
  const left = session.value;
  session.value = null;
  left?.connection.end();
  left?.lab.end();
}

function begun(connection: Connection): void {
  wantsToSignIn.value = false;
  newPassword.value = connection.welcome.value?.password ?? newPassword.value;
  keepSession(connection);
}

function keepSession({ credentials }: Connection): void {
  if (credentials === null) return;
  const kept: Kept = newPassword.value === "" ? credentials : { ...credentials, isNew: true };
  keep("session", JSON.stringify(kept), "closed");
}

function refused(because: string): void {
  forgetTab();
  newPassword.value = "";
  leave();
  refusal.value = because;
}

function readSession(): Kept | null {
  try {
    const kept = JSON.parse(readKept("session", "closed") ?? "null");
    return typeof kept?.user === "string" && typeof kept.password === "string" ? kept : null;
  } catch {
    return null;
  }
}

/** The code of a one-time link, taken out of the address at once: nobody shall read, copy or bookmark it. */
function takeCode(): string {
  if (!location.hash.startsWith("#login=")) return "";
  const code = location.hash.slice("#login=".length);
  history.replaceState(null, "", location.pathname + location.search);
  return code;
}
