// The page of one instrument: how it is, its newest values, and a tab each for plot, control and details.

import { useEffect } from "preact/hooks";
import type { Instrument } from "../lab/instrument.ts";
import { write } from "../routes.ts";
import type { Session } from "../sign_in/session.ts";
import { ControlPanel } from "./control/panel.tsx";
import { Details } from "./details.tsx";
import { Header } from "./header.tsx";
import "./instrument.css";
import { PlotPanel } from "./plot_panel.tsx";
import { instrumentWords } from "./words.ts";

const TABS = ["", "control", "details"] as const;

export function InstrumentView({ session, name, tab }: { session: Session; name: string; tab: string }) {
  const words = instrumentWords.value;
  const { lab } = session;
  const instrument = lab.instruments.value.get(name);
  if (instrument === undefined || instrument.description.value === null) {
    return (
      <>
        <h1 class="hidden">
          <bdi>{name}</bdi>
        </h1>
        <p role="status">{lab.isFilled.value ? words.notHere(name) : words.looking}</p>
      </>
    );
  }
  return <Shown session={session} instrument={instrument} tab={tab} />;
}

function Shown({ session, instrument, tab }: { session: Session; instrument: Instrument; tab: string }) {
  useEffect(() => window.scrollTo(0, 0), [instrument]);
  return (
    <div class="instrument">
      <Header session={session} instrument={instrument} />
      <Tabs name={instrument.name} here={tab} />
      {tab === "" && <PlotPanel session={session} instrument={instrument} />}
      {tab === "control" && <ControlPanel session={session} instrument={instrument} />}
      {tab === "details" && <Details session={session} instrument={instrument} />}
    </div>
  );
}

function Tabs({ name, here }: { name: string; here: string }) {
  const words = instrumentWords.value;
  const titles = { "": words.plot, control: words.control, details: words.details };
  return (
    <nav class="tabs" aria-label={words.tabs}>
      {TABS.map((tab) => (
        <a
          key={tab}
          href={write({ view: "instrument", instrument: name, tab })}
          aria-current={tab === here ? "page" : undefined}
        >
          {titles[tab]}
        </a>
      ))}
    </nav>
  );
}
