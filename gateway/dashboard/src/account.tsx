// Who is signed in, in which role, and what the reader chooses: language, colours, signing out.

import { Choices } from "./choices.tsx";
import { type Session, signOut, wantsToSignIn } from "./sign_in/session.ts";
import { appWords } from "./words.ts";

export function Account({ session: { connection } }: { session: Session }) {
  const words = appWords.value;
  const user = connection.welcome.value?.user ?? "";
  const isLive = connection.standing.value === "live";
  const who = connection.isPublic ? words.publicView : words.connectedAs(user);
  const rights = connection.rights.value;
  const role = rights ? roleInWords(rights.role) : "";
  return (
    <div class="account">
      <details class="menu" onToggle={closeOnLeave} onKeyDown={closeOnEscape}>
        <summary>
          <span class="hidden">{words.account}: </span>
          <span class={isLive ? "shape live" : "shape"} aria-hidden="true">
            {isLive ? "\u25cf" : "\u25cb"}
          </span>
          <span class="whose">
            <span class="who">
              <bdi>{who}</bdi>
            </span>
            <span class="who short" aria-hidden="true">
              <bdi>{connection.isPublic ? who : user}</bdi>
            </span>
            {role && !connection.isPublic && <span class="role">{role}</span>}
          </span>
          <span class="opens" aria-hidden="true" />
        </summary>
        <div class="menu-body">
          {!connection.isPublic && (
            <p class="role">
              {words.role}: {role || words.anyRole}
            </p>
          )}
          <Choices />
          <p class="version">
            {words.version} {connection.welcome.value?.version}
          </p>
        </div>
      </details>
      {connection.isPublic ? (
        <button
          type="button"
          onClick={() => {
            wantsToSignIn.value = true;
          }}
        >
          {words.signIn}
        </button>
      ) : (
        <button type="button" onClick={signOut}>
          {words.signOut}
        </button>
      )}
    </div>
  );
}

function roleInWords(role: string): string {
  return appWords.value.roles[role] ?? role;
}

/** At once: what `toggle` listens for comes a moment after the menu is seen. */
function closeOnEscape(event: KeyboardEvent): void {
  const menu = event.currentTarget as HTMLDetailsElement;
  if (event.key !== "Escape" || !menu.open) return;
  menu.open = false;
  menu.querySelector("summary")?.focus();
}

const KINDS_OF_LEAVING = ["keydown", "pointerdown", "focusin"];

/** A menu closes by Escape, and when somebody looks elsewhere. */
function closeOnLeave(event: Event): void {
  const menu = event.currentTarget as HTMLDetailsElement;
  if (!menu.open) return;
  const leave = (left: Event) => {
    if (left instanceof KeyboardEvent ? left.key !== "Escape" : menu.contains(left.target as Node)) return;
    menu.open = false;
    if (left instanceof KeyboardEvent) menu.querySelector("summary")?.focus();
    for (const kind of KINDS_OF_LEAVING) removeEventListener(kind, leave, true);
  };
  for (const kind of KINDS_OF_LEAVING) addEventListener(kind, leave, true);
}
