// Calibrations: the runs, their certificates, and the register of standards and instruments; or one run, full size.

import { write } from "../routes.ts";
import type { Session } from "../sign_in/session.ts";
import { Certificates } from "./certificates.tsx";
import { Home } from "./home.tsx";
import { NewRun } from "./new_run.tsx";
import { Register } from "./register.tsx";
import { RunView } from "./run_view.tsx";
import { calibrationWords } from "./words.ts";
import "./calibration.css";

export function CalibrationView({ session, path }: { session: Session; path: string }) {
  const words = calibrationWords.value;
  const { connection, lab } = session;
  const [first = "", ...rest] = path.split("/");
  if (connection.rights.value === undefined) return null;
  if (/^R-/.test(first)) return <RunView key={first} session={session} number={first} />;
  const isAway = lab.isFilled.value && lab.service("calibration") === null;
  const tabs = { "": words.runs, certificates: words.certificates, register: words.register };
  return (
    <div class="calibrations stack">
      <h1>{words.title}</h1>
      <nav class="tabs" aria-label={words.title}>
        {Object.entries(tabs).map(([tab, name]) => (
          <a
            key={tab}
            href={write({ view: "calibration", path: tab })}
            aria-current={tab === (first === "new" ? "" : first) ? "page" : undefined}
          >
            {name}
          </a>
        ))}
      </nav>
      {isAway && <p role="status">{words.noService}</p>}
      {lab.service("calibration") !== null && (
        <Shown key={first} session={session} first={first} rest={rest.join("/")} />
      )}
    </div>
  );
}

function Shown({ session, first, rest }: { session: Session; first: string; rest: string }) {
  switch (first) {
    case "new":
      return <NewRun session={session} />;
    case "certificates":
      return <Certificates session={session} />;
    case "register":
      return <Register key={rest} session={session} path={rest} />;
    default:
      return <Home session={session} />;
  }
}
