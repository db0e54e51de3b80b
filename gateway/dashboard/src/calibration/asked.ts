// What a view asks once it is shown, and again when it is told to or the connection is back.

import { useCallback, useEffect, useState } from "preact/hooks";
import type { Session } from "../sign_in/session.ts";
import { whyNot } from "./desk.ts";

export interface Answered<Answer> {
  answer: Answer | null;
  /** Why there is none. */
  said: string;
  again: () => void;
}

/** `read` is asked anew where `key` is another. */
export function useAsked<Answer>(session: Session, key: string, read: () => Promise<Answer>): Answered<Answer> {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [said, setSaid] = useState("");
  const [times, setTimes] = useState(0);
  const isLive = session.connection.standing.value === "live";
  useEffect(() => {
    if (!isLive) return undefined;
    let isWanted = true;
    const take = (found: Answer | null, why: string) => {
      if (!isWanted) return;
      if (found !== null) setAnswer(found);
      setSaid(why);
    };
    read().then(
      (found) => take(found, ""),
      (error: unknown) => take(null, whyNot(error)),
    );
    return () => {
      isWanted = false;
    };
  }, [isLive, key, times]);
  const again = useCallback(() => setTimes((before) => before + 1), []);
  return { answer, said, again };
}
