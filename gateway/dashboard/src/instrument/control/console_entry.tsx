// One command of the console: a line that says what happened, and all that is known of it when it is opened.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { nowMs } from "../../clock.ts";
import type { CommandDescription } from "../../wire/messages.ts";
import { formatNumber, formatTime } from "../../words/numbers.ts";
import { hexBytes } from "./bytes_shown.ts";
import type { Entry } from "./entries.ts";
import { LongText } from "./long_text.tsx";
import { RESULT_SHAPES } from "./outcome.ts";
import { argumentsInWords, commandInWords, tookInWords, valueInWords } from "./sentences.ts";
import { ShownBytes } from "./shown_bytes.tsx";
import { controlWords } from "./words.ts";

interface Of {
  entry: Entry;
  commands: readonly CommandDescription[];
  isHex: boolean;
}

const ON_THE_LINE = 300; // characters; what the line shows of them is clipped by its width

export function ConsoleEntry({ entry, commands, isHex }: Of) {
  const isOpen = useSignal(false);
  return (
    <li>
      <details
        class={`entry is-${entry.result}`}
        onToggle={(event) => {
          isOpen.value = event.currentTarget.open;
        }}
      >
        <summary>
          <Line entry={entry} commands={commands} isHex={isHex} />
        </summary>
        {isOpen.value && <All entry={entry} commands={commands} />}
      </details>
    </li>
  );
}

function Line({ entry, commands, isHex }: Of) {
  const words = controlWords.value;
  const result = words.results[entry.result] ?? entry.result;
  const given = entry.arguments === null ? "…" : argumentsInWords(entry.arguments, entry.name, commands);
  return (
    <>
      <time class="number" dateTime={new Date(entry.time / 1000).toISOString()}>
        {formatTime(entry.time, nowMs.peek())}
      </time>
      <bdi class="clip user">{entry.user}</bdi>
      <span class="what clip">
        <strong>
          <bdi>{commandInWords(entry.name, commands)}</bdi>
        </strong>{" "}
        <bdi>{given.slice(0, ON_THE_LINE)}</bdi>
      </span>
      <span class="said">
        <span class="shape" aria-hidden="true">
          {RESULT_SHAPES[entry.result] ?? "?"}
        </span>{" "}
        {result}
      </span>
      <span class="number took">{entry.tookUs > 0 ? tookInWords(entry.tookUs) : ""}</span>
      {entry.reason !== "" && <bdi class="clip why">{entry.reason.slice(0, ON_THE_LINE)}</bdi>}
      {(entry.bytesOut.length > 0 || entry.bytesIn.length > 0) && (
        <span class="both">
          <OneWay arrow={"\u2192"} name={words.bytesOut} bytes={entry.bytesOut} isHex={isHex} />
          <OneWay arrow={"\u2190"} name={words.bytesIn} bytes={entry.bytesIn} isHex={isHex} />
        </span>
      )}
    </>
  );
}

function OneWay({ arrow, name, bytes, isHex }: { arrow: string; name: string; bytes: Uint8Array; isHex: boolean }) {
  const some = bytes.subarray(0, ON_THE_LINE);
  return (
    <span class="clip">
      <span class="arrow" aria-hidden="true">
        {arrow}{" "}
      </span>
      <span class="hidden">{name} </span>
      {bytes.length === 0 && "–"}
      {isHex ? <bdi class="bytes">{hexBytes(some)}</bdi> : <ShownBytes bytes={some} />}
    </span>
  );
}

function All({ entry, commands }: Omit<Of, "isHex">) {
  const words = controlWords.value;
  const described = commands.find((command) => command.name === entry.name);
  const unitOfArgument = (name: string) => described?.arguments.find((one) => one.name === name)?.unit ?? "";
  return (
    <dl class="all">
      <Told name={words.time}>
        <span class="number">{formatTime(entry.time, nowMs.peek(), true)}</span>
      </Told>
      <Told name={words.command}>
        <code>
          <bdi>{entry.name}</bdi>
        </code>
      </Told>
      <Told name={words.arguments}>
        {entry.arguments === null ? words.notTold : <NamedValues of={entry.arguments} unitOf={unitOfArgument} />}
      </Told>
      <Told name={words.result}>
        {words.results[entry.result] ?? entry.result}: {words.sentences[entry.result]}
      </Told>
      {entry.reason !== "" && (
        <Told name={words.reason}>
          <LongText text={entry.reason} />
        </Told>
      )}
      <Told name={words.values}>
        <NamedValues of={entry.values} unitOf={(name) => entry.units[name] ?? ""} />
      </Told>
      <Told name={words.bytesOut}>
        <Bytes bytes={entry.bytesOut} />
      </Told>
      <Told name={words.bytesIn}>
        <Bytes bytes={entry.bytesIn} />
      </Told>
      <Told name={words.latency}>{entry.tookUs > 0 ? tookInWords(entry.tookUs) : "–"}</Told>
      {entry.origin !== "" && (
        <Told name={words.session}>
          <bdi>{entry.origin}</bdi>
        </Told>
      )}
      <Told name={words.id}>
        <bdi>{entry.id}</bdi>
      </Told>
      <Told name={words.number}>
        {entry.number === null ? words.notYetLogged : formatNumber(entry.number, 0)}
        {entry.notedBy !== "" && (
          <>
            {" \u00b7 "}
            {words.recordedBy} <bdi>{entry.notedBy}</bdi>
          </>
        )}
      </Told>
      {entry.leftOut.length > 0 && <Told name={words.leftOut}>{entry.leftOut.join(", ")}</Told>}
    </dl>
  );
}

function Told({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function NamedValues({ of, unitOf }: { of: Record<string, unknown>; unitOf: (name: string) => string }) {
  const told = Object.entries(of);
  if (told.length === 0) return <>–</>;
  return (
    <ul>
      {told.map(([name, value]) => (
        <li key={name}>
          <bdi>{name}</bdi> = <LongText text={valueInWords(value, unitOf(name))} />
        </li>
      ))}
    </ul>
  );
}

function Bytes({ bytes }: { bytes: Uint8Array }) {
  if (bytes.length === 0) return <>{controlWords.value.noBytes}</>;
  return (
    <ul class="scrolled">
      <li>
        <ShownBytes bytes={bytes} />
      </li>
      <li class="bytes muted">{hexBytes(bytes)}</li>
    </ul>
  );
}
