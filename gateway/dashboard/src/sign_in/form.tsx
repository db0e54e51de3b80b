// The form where one signs in, and what is said of it.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Choices } from "../choices.tsx";
import { Mark } from "../mark.tsx";
import { NO_ANSWER } from "../wire/connection.ts";
import { capitalised } from "../words/capitalised.ts";
import { appWords } from "../words.ts";
import { backToPublic, hasPublicView, refusal, session, signIn } from "./session.ts";
import { signInWords } from "./words.ts";

export function SignIn() {
  const words = signInWords.value;
  const name = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  const isTrying = useSignal(false);
  useEffect(() => name.current?.focus(), []);

  useEffect(() => {
    if (refusal.value === "") return;
    isTrying.value = false;
    password.current?.select(); // most often it is not the name
  }, [refusal.value]);

  const submit = (event: Event) => {
    event.preventDefault();
    isTrying.value = true;
    signIn(name.current?.value.trim() ?? "", password.current?.value ?? "");
  };
  const isUnderWay = isTrying.value && session.value?.connection.standing.value === "opening";
  const said = refusal.value === NO_ANSWER ? words.noAnswer : capitalised(refusal.value);

  // post: should the script be missing, the password must not end up in an address
  return (
    <main class="sign-in">
      <form method="post" onSubmit={submit} aria-labelledby="sign-in-title">
        <p class="wordmark">
          <Mark />
          {appWords.value.title}
        </p>
        <h1 id="sign-in-title">{words.title}</h1>
        <label>
          {words.name}
          <input ref={name} name="user" autocomplete="username" autocapitalize="none" spellcheck={false} required />
        </label>
        <label>
          {words.password}
          <input ref={password} name="password" type="password" autocomplete="current-password" required />
        </label>
        <p class="message" role="alert">
          {isUnderWay ? words.signingIn : said}
        </p>
        <button class="primary" type="submit">
          {words.signIn}
        </button>
        {hasPublicView() && (
          <button class="plain" type="button" onClick={backToPublic}>
            {words.backToPublic}
          </button>
        )}
      </form>
      <Choices />
    </main>
  );
}
