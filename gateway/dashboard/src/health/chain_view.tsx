// The way of a value as a picture: each link with its state in shape and word, and where it is broken.

import type { Link } from "./chain.ts";
import { FOUND_CLASSES, FOUND_SHAPES } from "./findings.ts";
import { healthWords } from "./words.ts";

export function Chain({ links }: { links: readonly Link[] }) {
  const words = healthWords.value;
  return (
    <section class="health-chain" aria-label={words.chain}>
      <ol>
        {links.map(({ id, state, word }) => (
          <li key={id} class={`chain-link chain-${state}`} data-link={id}>
            <span class="chain-name">{words.linkNames[id]}</span>
            <span class="chain-word">
              <span class={`shape ${FOUND_CLASSES[state]}`} role="img" aria-label={words.states[state]}>
                {FOUND_SHAPES[state]}
              </span>
              {word}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
