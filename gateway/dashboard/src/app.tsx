// The page's frame: header, navigation, what is said of the connection, and the view that the address names.

import { Account } from "./account.tsx";
import { AgentsView } from "./agents/view.tsx";
import { CalibrationView } from "./calibration/view.tsx";
import { Guarded } from "./failure.tsx";
import { HealthView } from "./health/view.tsx";
import { HistoryView } from "./history/view.tsx";
import { InstrumentView } from "./instrument/view.tsx";
import { Mark } from "./mark.tsx";
import { Overview } from "./overview/view.tsx";
import { mayAdminister } from "./rights.ts";
import { type Route, route, write } from "./routes.ts";
import { SignIn } from "./sign_in/form.tsx";
import { LinkNotice } from "./sign_in/link_notice.tsx";
import { type Session, session, wantsToSignIn } from "./sign_in/session.ts";
import { signInWords } from "./sign_in/words.ts";
import { appWords } from "./words.ts";

export function App() {
  const open = session.value;
  if (open === null || wantsToSignIn.value || isTyped(open)) return <SignIn />;
  return open.connection.welcome.value === null ? <Connecting /> : <Frame session={open} />;
}

/** While name and password are tried the form stays, for they may be wrong; else nothing needs typing. */
function isTyped({ connection }: Session): boolean {
  return connection.welcome.value === null && connection.credentials !== null && !connection.isPatient;
}

function Connecting() {
  return (
    <main class="sign-in">
      <p role="status">{signInWords.value.connecting}</p>
    </main>
  );
}

function Frame({ session: open }: { session: Session }) {
  const words = appWords.value;
  const isLost = open.connection.standing.value === "lost";
  return (
    <div class={isLost ? "app lost-connection" : "app"}>
      <button class="skip" type="button" onClick={skip}>
        {words.skip}
      </button>
      <header class="top">
        <a class="wordmark" href={write({ view: "overview" })}>
          <Mark />
          <span>{words.title}</span>
        </a>
        <Navigation session={open} />
        <Account session={open} />
      </header>
      <p class="connection-banner" role="status">
        {isLost ? words.lost : ""}
      </p>
      <main id="content" tabindex={-1}>
        <LinkNotice connection={open.connection} />
        <Guarded key={route.value.view}>
          <View session={open} route={route.value} />
        </Guarded>
      </main>
    </div>
  );
}

/** The address after # names the view, so this is no link to #content. */
function skip(): void {
  document.getElementById("content")?.focus();
}

function Navigation({ session: { connection } }: { session: Session }) {
  const words = appWords.value;
  const here = route.value.view;
  const link = (to: Route, name: string) => (
    <a href={write(to)} aria-current={here === to.view ? "page" : undefined}>
      {name}
    </a>
  );
  return (
    <nav aria-label={words.views}>
      {link({ view: "overview" }, words.overview)}
      {!connection.isPublic && link({ view: "history", instruments: [], from: "", to: "" }, words.history)}
      {!connection.isPublic && link({ view: "calibration", path: "" }, words.calibration)}
      {!connection.isPublic && link({ view: "health" }, words.health)}
      {mayAdminister(connection.rights.value) && link({ view: "agents" }, words.agents)}
    </nav>
  );
}

function View({ session: open, route: shown }: { session: Session; route: Route }) {
  switch (shown.view) {
    case "overview":
      return <Overview session={open} />;
    case "instrument":
      return <InstrumentView key={shown.instrument} session={open} name={shown.instrument} tab={shown.tab} />;
    case "history":
      return <HistoryView session={open} instruments={shown.instruments} from={shown.from} to={shown.to} />;
    case "health":
      return <HealthView session={open} />;
    case "calibration":
      return <CalibrationView session={open} path={shown.path} />;
    case "agents":
      return <AgentsView session={open} />;
    default:
      return (
        <div class="stack">
          <h1>{appWords.value.notHere}</h1>
          <p>
            <a href={write({ view: "overview" })}>{appWords.value.toOverview}</a>
          </p>
        </div>
      );
  }
}
