// What needs somebody, the worst first, each with what to do; or that all is well.

import { useSignal } from "@preact/signals";
import { type Finding, FOUND_CLASSES, FOUND_SHAPES, needed } from "./findings.ts";
import { foundWords } from "./found_words.ts";
import { healthWords } from "./words.ts";

const SHOWN = 12;

export function Summary({ findings, isKnown }: { findings: readonly Finding[]; isKnown: boolean }) {
  const words = healthWords.value;
  const isWhole = useSignal(false);
  const all = needed(findings);
  const state = all[0]?.state ?? (isKnown ? "ok" : "unchecked");
  const said = all.length > 0 ? words.needAttention(all.length) : isKnown ? words.allWell : words.looking;
  const shown = isWhole.value ? all : all.slice(0, SHOWN);
  return (
    <section class={`panel health-summary health-${state}`} aria-labelledby="health-summary">
      <h2 id="health-summary">
        <span class={`shape ${FOUND_CLASSES[state]}`} aria-hidden="true">
          {FOUND_SHAPES[state]}
        </span>
        <span role="status">{said}</span>
      </h2>
      {shown.length > 0 && (
        <ul class="health-needs">
          {shown.map((finding) => (
            <Need key={`${finding.id} ${finding.of}`} finding={finding} />
          ))}
        </ul>
      )}
      {shown.length < all.length && (
        <button
          type="button"
          onClick={() => {
            isWhole.value = true;
          }}
        >
          {words.isCut(all.length)}
        </button>
      )}
    </section>
  );
}

function Need({ finding: { id, of, state, found, remedy } }: { finding: Finding }) {
  const words = healthWords.value;
  const about = foundWords.value.about[id] ?? id;
  return (
    <li class={id === "logger" && state === "broken" ? "health-need loudest" : "health-need"}>
      <span class={`shape ${FOUND_CLASSES[state]}`} role="img" aria-label={words.states[state]}>
        {FOUND_SHAPES[state]}
      </span>
      <p>
        <strong>
          {about}
          {isNamed(id, of) && (
            <>
              {" "}
              <bdi>{of}</bdi>
            </>
          )}
          :
        </strong>{" "}
        <bdi>{found}</bdi>
      </p>
      {remedy && (
        <p class="health-remedy">
          <span class="hidden">{words.whatToDo} </span>
          <span aria-hidden="true">{"\u2192"} </span>
          {remedy}
        </p>
      )}
    </li>
  );
}

/** `logger` is what it is about already, `logger-2` and `pi-1` are not. */
function isNamed(id: string, of: string): boolean {
  return of !== "" && of !== id;
}
