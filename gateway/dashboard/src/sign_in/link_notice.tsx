// What the one-time link leaves behind: the password for the next time, shown on demand until it is put away.

import { useSignal } from "@preact/signals";
import type { Connection } from "../wire/connection.ts";
import { newPassword, putAway } from "./session.ts";
import { signInWords } from "./words.ts";

export function LinkNotice({ connection }: { connection: Connection }) {
  const words = signInWords.value;
  const isShown = useSignal(false);
  if (newPassword.value === "") return null;
  const user = connection.welcome.value?.user;
  return (
    <section class="notice" aria-label={words.byLink}>
      <p>
        {words.signedInAs}{" "}
        <strong>
          <bdi>{user}</bdi>
        </strong>{" "}
        {words.linkIsUsed}
      </p>
      <p class="secret">
        {isShown.value ? (
          <output>{newPassword}</output>
        ) : (
          <button
            type="button"
            onClick={() => {
              isShown.value = true;
            }}
          >
            {words.showPassword}
          </button>
        )}
      </p>
      <p>
        {words.chooseOwn} <code>kleinmaelzung user password {user} --ask</code>
      </p>
      <button type="button" onClick={putAway}>
        {words.close}
      </button>
    </section>
  );
}
