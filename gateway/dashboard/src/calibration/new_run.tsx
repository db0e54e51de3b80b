// A new run: which instrument, by which template, with which standards and room sensors. What is wrong the service tells
// all at once.

import { useId, useState } from "preact/hooks";
import { nowMs } from "../clock.ts";
import { spelt } from "../lab/calibration.ts";
import { dueOf } from "../lab/due.ts";
import { write } from "../routes.ts";
import type { Session } from "../sign_in/session.ts";
import { useAsked } from "./asked.ts";
import { bodyOf, fits, rank } from "./choosing.ts";
import { ask, askKnown, grantsOf, mistakesIn, once, packed, whyNot } from "./desk.ts";
import { spoken } from "./figures.ts";
import { filled } from "./filled.ts";
import { FieldIn, Mistakes, typedIn } from "./form.tsx";
import { readEntries } from "./home.tsx";
import { type Entry, OFFER, type Offer } from "./messages.ts";
import { roleInWords } from "./sentences.ts";
import { calibrationWords } from "./words.ts";

const OWN = "own";

async function readOffers(session: Session, template: Uint8Array | null) {
  const instrument = grantsOf(session.connection.rights.value)[0];
  const answer = await ask(session, { request: "run-templates", instrument, template });
  return { offers: filled({ templates: [OFFER] }, answer).templates, mistakes: mistakesIn(answer) };
}

export function NewRun({ session }: { session: Session }) {
  const words = calibrationWords.value;
  const known = useAsked(session, "", async () => ({
    items: (await readEntries(session, "item")).filter(({ is_retired: isRetired }) => !isRetired),
    standards: (await readEntries(session, "standard")).filter(({ is_retired: isRetired }) => !isRetired),
    offers: (await readOffers(session, null)).offers,
  }));
  const [item, setItem] = useState("");
  const [chosen, setChosen] = useState("");
  const [own, setOwn] = useState<{ packed: Uint8Array; offer: Offer | undefined } | null>(null);
  const [mistakes, setMistakes] = useState<string[]>([]);
  const [isBusy, setBusy] = useState(false);
  const { answer } = known;
  if (answer === null) return <p role="status">{known.said || words.looking}</p>;
  const { items, standards, offers } = answer;
  const type = items.find(({ name }) => name === item)?.content.instrument_type;
  const offer = chosen === OWN ? own?.offer : offers.find(({ name }) => name === chosen);
  const read = async (file: File | undefined) => {
    if (file === undefined) return;
    try {
      const content = await packed(file);
      const found = await readOffers(session, content);
      setOwn({ packed: content, offer: found.offers[0] });
      setMistakes(found.mistakes);
    } catch (error) {
      setMistakes([whyNot(error)]);
    }
  };
  const create = async (event: SubmitEvent) => {
    event.preventDefault();
    const typed = typedIn(event.currentTarget as HTMLFormElement);
    if (isBusy || offer === undefined) return;
    setBusy(true);
    try {
      const template = chosen === OWN ? own?.packed : chosen;
      const asked = { request: "run-create", instrument: item, template, ...bodyOf(typed, offer) };
      const created = await askKnown(session, once(asked), true);
      setMistakes(mistakesIn(created));
      const number = filled({ run: { run: "" } }, created).run.run;
      if (number !== "") location.hash = write({ view: "calibration", path: number });
    } catch (error) {
      setMistakes([whyNot(error)]);
    }
    setBusy(false);
  };
  const templates = [...offers].sort((one, other) => rank(one, type) - rank(other, type));
  const said = (one: Offer) => (rank(one, type) ? `${one.title} (${words.otherTypes})` : one.title);
  return (
    <form class="stack new-run" onSubmit={create}>
      <h2>{words.newRun}</h2>
      <div class="panel stack">
        <Choice
          label={words.instrument}
          value={item}
          choose={setItem}
          of={items.map(({ name, content }) => [name, [name, content.maker, content.model].filter(Boolean).join(", ")])}
        />
        <Unregistered session={session} items={items} />
        <Choice
          label={words.template}
          value={chosen}
          choose={setChosen}
          of={[...templates.map((one): [string, string] => [one.name, said(one)]), [OWN, words.ownFile]]}
        />
        {chosen === OWN && (
          <label>
            {words.templateFile}
            <input type="file" accept=".toml" onChange={(event) => read(event.currentTarget.files?.[0])} />
          </label>
        )}
      </div>
      {offer && <Roles key={`${offer.id} ${offer.version}`} offer={offer} standards={standards} />}
      {offer && <Sensors key={offer.id} offer={offer} session={session} />}
      <fieldset class="panel stack">
        <legend>{words.customer}</legend>
        <p class="muted">{words.internal}</p>
        <FieldIn field={{ name: "name", label: words.customerName }} />
        <FieldIn field={{ name: "address", label: words.customerAddress }} />
        <FieldIn field={{ name: "condition", label: words.condition }} />
        <FieldIn field={{ name: "received", label: words.received, kind: "date" }} />
      </fieldset>
      <Mistakes said={mistakes} />
      <button type="submit" class="huge primary" disabled={isBusy || item === "" || offer === undefined}>
        {words.create}
      </button>
    </form>
  );
}

interface Chosen {
  label: string;
  of: [string, string][];
  value: string;
  choose: (value: string) => void;
}

function Choice({ label, of, value, choose }: Chosen) {
  const id = useId();
  return (
    <div>
      <label for={id}>{label}</label>
      <select id={id} required value={value} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">{calibrationWords.value.choose}</option>
        {of.map(([one, shown]) => (
          <option key={one} value={one}>
            {shown}
          </option>
        ))}
      </select>
    </div>
  );
}

function Unregistered({ session, items }: { session: Session; items: readonly Entry[] }) {
  const words = calibrationWords.value;
  const known = new Set(items.map(({ name }) => name));
  const others = [...session.lab.instruments.value.keys()].filter((name) => !known.has(name)).sort();
  if (others.length === 0) return null;
  return (
    <details>
      <summary>{words.registerIt}</summary>
      <ul class="row">
        {others.map((name) => (
          <li key={name}>
            <a class="button" href={write({ view: "calibration", path: `register/item/${name}` })}>
              <bdi>{name}</bdi>
            </a>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Roles({ offer, standards }: { offer: Offer; standards: readonly Entry[] }) {
  const words = calibrationWords.value;
  return (
    <fieldset class="panel stack">
      <legend>{words.roles}</legend>
      {offer.standards.flatMap((wanted) => {
        const fitting = standards.filter((one) => fits(one, wanted));
        const places = wanted.positions.length > 0 ? wanted.positions : [""];
        if (fitting.length === 0) {
          const kind = [wanted.kind, ...wanted.classes].join(", ");
          return <p key={wanted.role}>{`${wanted.role}: ${words.noneFits(kind)}`}</p>;
        }
        return places.map((position) => (
          <div key={`${wanted.role} ${position}`}>
            <label for={`standard/${wanted.role}/${position}`}>
              {position ? words.atPosition(wanted.role, position) : wanted.role}
            </label>
            <select id={`standard/${wanted.role}/${position}`} name={`standard/${wanted.role}/${position}`}>
              <option value="">{words.choose}</option>
              {fitting.map((one) => (
                <Standard key={one.name} entry={one} isOnly={fitting.length === 1} />
              ))}
            </select>
          </div>
        ));
      })}
    </fieldset>
  );
}

/** One that is overdue is shown, with why, and cannot be chosen. */
function Standard({ entry: { name, content, due, is_overdue: isOverdue }, isOnly }: { entry: Entry; isOnly: boolean }) {
  const told = dueOf(due, nowMs.value);
  return (
    <option value={name} disabled={isOverdue} selected={isOnly && !isOverdue}>
      {[name, content.description, told.text].filter(Boolean).join(", ")}
    </option>
  );
}

function Sensors({ offer, session }: { offer: Offer; session: Session }) {
  const words = calibrationWords.value;
  const streams = [...session.lab.instruments.value.values()].flatMap((one) =>
    one.channels.map(({ name, unit }) => ({ stream: `${one.name}/${name}`, name, unit })),
  );
  return (
    <fieldset class="panel stack">
      <legend>{words.room}</legend>
      {offer.sensors.map(({ name, unit, is_required: isNeeded }) => {
        const likely = streams.filter((one) => one.name.includes(name) || spelt(one.unit) === spelt(unit));
        const others = streams.filter((one) => !likely.includes(one));
        return (
          <div key={name}>
            <label for={`sensor/${name}`}>
              {roleInWords(name)} [{spoken(unit)}]
            </label>
            <select id={`sensor/${name}`} name={`sensor/${name}`} required={isNeeded}>
              <option value="">{isNeeded ? words.choose : words.none}</option>
              {[...likely, ...others].map((one) => (
                <option key={one.stream} value={one.stream} selected={one === likely[0]}>
                  {one.stream} [{one.unit}]
                </option>
              ))}
            </select>
          </div>
        );
      })}
    </fieldset>
  );
}
