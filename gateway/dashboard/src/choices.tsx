// What every reader may choose, signed in or not: language and colours.

import { chosenTheme, setTheme, type Theme } from "./theme.ts";
import { type Language, language, setLanguage } from "./words/language.ts";
import { appWords } from "./words.ts";

export const LANGUAGES: Record<Language, string> = { en: "English", de: "Deutsch" };

export function Choices() {
  const words = appWords.value;
  return (
    <div class="choices">
      <Choice
        name={words.language}
        value={language.value}
        of={LANGUAGES}
        choose={(chosen) => setLanguage(chosen as Language)}
      />
      <Choice
        name={words.theme}
        value={chosenTheme.value}
        of={words.themes}
        choose={(chosen) => setTheme(chosen as Theme)}
      />
    </div>
  );
}

interface Given {
  name: string;
  value: string;
  of: Record<string, string>;
  choose: (value: string) => void;
}

function Choice({ name, value, of, choose }: Given) {
  return (
    <label>
      {name}
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {Object.entries(of).map(([key, words]) => (
          <option key={key} value={key}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}
