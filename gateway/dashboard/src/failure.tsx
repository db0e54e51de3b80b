// A view that fails says so, and leaves the rest of the page as it is: header, navigation, the other views.

import type { ComponentChildren } from "preact";
import { useErrorBoundary } from "preact/hooks";
import { appWords } from "./words.ts";

export function Guarded({ children }: { children: ComponentChildren }) {
  const [failure, again] = useErrorBoundary((error) => reportError(error));
  if (failure === undefined) return <>{children}</>;
  const words = appWords.value;
  return (
    <section class="panel stack" role="alert">
      <h1>{words.failed}</h1>
      <p>{words.failedBecause}</p>
      <pre class="scroll">
        <bdi>{String(failure)}</bdi>
      </pre>
      <p>
        <button type="button" onClick={again}>
          {words.tryAgain}
        </button>
      </p>
    </section>
  );
}
