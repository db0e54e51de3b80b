// What is shown, as a file: the values as CSV, from the log, and the picture as PNG.

import { useEffect, useRef, useState } from "preact/hooks";
import { rangeOf } from "../plot/view.ts";
import { formatNumber } from "../words/numbers.ts";
import { authorization, csvAddress, fileNameOf, save, TOO_LARGE } from "./files.ts";
import type { Shown } from "./plot_panel.tsx";
import { drawPng } from "./png.ts";
import { instrumentWords } from "./words.ts";

const POINTS = 2000;

export function Export({ shown }: { shown: Shown }) {
  const words = instrumentWords.value;
  const [said, setSaid] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [isTooLarge, setTooLarge] = useState(false);
  const leaving = useRef<AbortController | null>(null);
  useEffect(() => () => leaving.current?.abort(), []);
  const getCsv = async (points?: number) => {
    leaving.current = new AbortController();
    setBusy(true);
    setSaid(words.csvGetting);
    const { sentence, isLarge } = await get(shown, leaving.current.signal, points);
    setSaid(sentence);
    setTooLarge(isLarge);
    setBusy(false);
  };
  const getPng = () => void drawPng(shown).then((png) => png && save(png.blob, png.name));
  return (
    <div class="export">
      <div class="row">
        <span class="muted">{words.saveAs}</span>
        {!shown.session.connection.isPublic && (
          <button type="button" aria-label={words.csvLabel} disabled={isBusy} onClick={() => void getCsv()}>
            {words.csv}
          </button>
        )}
        <button type="button" aria-label={words.pngLabel} onClick={getPng}>
          {words.png}
        </button>
      </div>
      <p role="status" class={isBusy ? "muted" : "refused"}>
        {shown.session.connection.isPublic ? <span class="muted">{words.csvPublic}</span> : said}
      </p>
      {isTooLarge && (
        <button type="button" disabled={isBusy} onClick={() => void getCsv(POINTS)}>
          {words.csvThinned(formatNumber(POINTS))}
        </button>
      )}
    </div>
  );
}

/** Fetch and save; what there is to say of it. */
async function get({ session, instrument, plotting }: Shown, signal: AbortSignal, points?: number) {
  const words = instrumentWords.value;
  const { credentials } = session.connection;
  if (credentials === null) return { sentence: words.csvPublic, isLarge: false };
  const channels = plotting.channels.value.filter(({ id }) => !plotting.hidden.value.has(id)).map(({ name }) => name);
  const { from, to } = rangeOf(plotting.view.value, plotting.now());
  try {
    const answer = await fetch(csvAddress(instrument.name, from, to, channels, points), {
      headers: { Authorization: authorization(credentials) },
      credentials: "omit", // else the browser asks for a password of its own where ours is refused
      cache: "no-store",
      signal,
    });
    if (!answer.ok)
      return { sentence: await answer.text(), isLarge: answer.status === TOO_LARGE && points === undefined };
    save(await answer.blob(), fileNameOf(answer.headers.get("Content-Disposition"), instrument.name));
    return { sentence: "", isLarge: false };
  } catch {
    return { sentence: signal.aborted ? "" : words.csvLost, isLarge: false };
  }
}
