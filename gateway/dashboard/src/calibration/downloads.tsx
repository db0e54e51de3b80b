// A certificate as files: they come over the socket, with the rights of whoever asks.

import { useState } from "preact/hooks";
import type { Session } from "../sign_in/session.ts";
import { Refused } from "../wire/connection.ts";
import { download } from "./desk.ts";
import { calibrationWords } from "./words.ts";

const FILES = { pdf: "application/pdf", xml: "application/xml", json: "application/json" };

export function Downloads({ session, number, revision }: { session: Session; number: string; revision?: number }) {
  const [said, setSaid] = useState("");
  const get = (file: string, type: string) => {
    setSaid("");
    const asked = { request: "certificate-file", number, file, ...(revision && { revision }) };
    download(session, asked, `${number}.${file}`, type).catch((error: unknown) => {
      setSaid(error instanceof Refused ? error.message : calibrationWords.value.notDownloaded);
    });
  };
  return (
    <div>
      <div class="row">
        {Object.entries(FILES).map(([file, type]) => (
          <button key={file} type="button" class="big" aria-label={`${number}.${file}`} onClick={() => get(file, type)}>
            <span aria-hidden="true">{"\u2193 "}</span>
            {file.toUpperCase()}
          </button>
        ))}
      </div>
      <p class="refused" role="alert">
        {said}
      </p>
    </div>
  );
}
