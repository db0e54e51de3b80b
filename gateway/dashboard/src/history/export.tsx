// What is shown, as files: the picture, and of each instrument the values that the plot is made of.

import { useEffect, useRef, useState } from "preact/hooks";
import { authorization, csvAddress, fileNameOf, save } from "../instrument/files.ts";
import { drawPicture } from "./picture.ts";
import { labelOf, type Shown } from "./shown.ts";
import { historyWords } from "./words.ts";

export function Export({ shown }: { shown: Shown }) {
  const words = historyWords.value;
  const [said, setSaid] = useState({ text: "", isRefused: false });
  const leaving = useRef<AbortController | null>(null);
  useEffect(() => () => leaving.current?.abort(), []);
  const getCsv = async (instrument: string) => {
    leaving.current?.abort();
    const ending = new AbortController();
    leaving.current = ending;
    const name = labelOf(shown.session, instrument);
    setSaid({ text: words.getting(name), isRefused: false });
    const refusal = await get(shown, instrument, ending.signal);
    if (ending.signal.aborted) return;
    setSaid(refusal === "" ? { text: words.saved(name), isRefused: false } : { text: refusal, isRefused: true });
  };
  const getPng = () => void drawPicture(shown).then((png) => png && save(png.blob, png.name));
  const drawn = shown.instruments.filter((name) => shown.series.some(({ instrument }) => instrument === name));
  return (
    <details class="menu export-menu">
      <summary>
        {words.save} <span aria-hidden="true">{"\u25be"}</span>
      </summary>
      <div class="menu-body">
        <button type="button" onClick={getPng}>
          {words.png}
        </button>
        {drawn.map((name) => (
          <button key={name} type="button" onClick={() => void getCsv(name)}>
            <bdi class="clip">{words.csvOf(labelOf(shown.session, name))}</bdi>
          </button>
        ))}
        <p role="status" class={said.isRefused ? "refused" : "muted"}>
          {said.text}
        </p>
      </div>
    </details>
  );
}

/** Fetch and save; why not, in the server's words, or "". */
async function get(
  { session, drawing, series, study }: Shown,
  instrument: string,
  signal: AbortSignal,
): Promise<string> {
  const words = historyWords.value;
  const { credentials } = session.connection;
  if (credentials === null) return words.isPublic;
  const channels = series.filter((one) => one.instrument === instrument).map(({ name }) => name);
  const { from, to } = drawing.times;
  try {
    const answer = await fetch(csvAddress(instrument, from, to, channels, study.points), {
      headers: { Authorization: authorization(credentials) },
      credentials: "omit", // else the browser asks for a password of its own where ours is refused
      cache: "no-store",
      signal,
    });
    if (!answer.ok) return await answer.text();
    save(await answer.blob(), fileNameOf(answer.headers.get("Content-Disposition"), instrument));
    return "";
  } catch {
    return words.lost;
  }
}
