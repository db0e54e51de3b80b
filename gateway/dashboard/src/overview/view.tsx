// The overview: every instrument as a card.

import { mayAdminister } from "../rights.ts";
import { write } from "../routes.ts";
import type { Session } from "../sign_in/session.ts";
import { Card } from "./card.tsx";
import { type Overlook, overlookOf } from "./overlook.ts";
import { Shared } from "./shared.tsx";
import { Tools } from "./tools.tsx";
import { overviewWords } from "./words.ts";
import "./overview.css";

export function Overview({ session }: { session: Session }) {
  const overlook = overlookOf(session);
  const isEmpty = overlook.all.value.length === 0;
  return (
    <div class="overview">
      <h1 class="hidden">{overviewWords.value.title}</h1>
      <Shared session={session} overlook={overlook} />
      {isEmpty ? <Nothing session={session} /> : <Tools session={session} overlook={overlook} />}
      {!isEmpty && <Cards session={session} overlook={overlook} />}
    </div>
  );
}

function Cards({ session, overlook }: { session: Session; overlook: Overlook }) {
  const shown = overlook.shown.value;
  if (shown.length === 0) return <p class="nothing">{overviewWords.value.nothingFound}</p>;
  return (
    <ul class="cards">
      {shown.map((instrument) => (
        <li key={instrument.name}>
          <Card session={session} instrument={instrument} />
        </li>
      ))}
    </ul>
  );
}

function Nothing({ session: { connection, lab } }: { session: Session }) {
  const words = overviewWords.value;
  if (!lab.isFilled.value) return <p class="nothing muted">{words.waiting}</p>;
  const isAdmin = mayAdminister(connection.rights.value);
  return (
    <section class="nothing panel stack">
      <h2>{words.nothing}</h2>
      <p>{words.nothingToDo}</p>
      <p>{isAdmin ? words.nothingForAdmin : words.nothingForOthers}</p>
      {isAdmin && (
        <p>
          <a class="button" href={write({ view: "agents" })}>
            {words.toAgents}
          </a>
        </p>
      )}
    </section>
  );
}
