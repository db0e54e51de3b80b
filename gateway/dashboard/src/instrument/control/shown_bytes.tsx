// Bytes as text. Few fonts have ␍ and ␊, so the style draws their names; the text itself stays what it is.

import { LINE_ENDS, shownBytes } from "./bytes_shown.ts";

export function ShownBytes({ bytes }: { bytes: Uint8Array }) {
  return (
    <bdi class="bytes">
      {shownBytes(bytes)
        .split(/([\u2409\u240a\u240d])/)
        .map((part, at) => {
          const name = LINE_ENDS[part];
          return name === undefined ? (
            part
          ) : (
            <span key={at} class="line-end" data-name={name}>
              {part}
            </span>
          );
        })}
    </bdi>
  );
}
