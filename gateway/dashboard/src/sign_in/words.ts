import { inBoth } from "../words/language.ts";

export const signInWords = inBoth(
  {
    title: "Sign in",
    name: "Name",
    password: "Password",
    signIn: "Sign in",
    signingIn: "Signing in …",
    backToPublic: "Back to the public view",
    noAnswer: "The server does not answer. Try again in a moment.",
    connecting: "Connecting …",
    byLink: "Signed in by a link",
    signedInAs: "You are signed in as",
    linkIsUsed:
      "by the one-time link, which is used up now. From the next time on you need the password: note it down.",
    showPassword: "Show the password",
    chooseOwn: "To choose one of your own:",
    close: "Close",
  },
  {
    title: "Anmelden",
    name: "Name",
    password: "Passwort",
    signIn: "Anmelden",
    signingIn: "Anmeldung läuft …",
    backToPublic: "Zurück zur öffentlichen Ansicht",
    noAnswer: "Der Server antwortet nicht. Versuchen Sie es gleich noch einmal.",
    connecting: "Verbindung wird aufgebaut …",
    byLink: "Mit einem Link angemeldet",
    signedInAs: "Sie sind angemeldet als",
    linkIsUsed:
      "mit dem einmaligen Link, der nun verbraucht ist. Von nun an brauchen Sie das Passwort: schreiben Sie es auf.",
    showPassword: "Passwort zeigen",
    chooseOwn: "Ein eigenes wählen:",
    close: "Schließen",
  },
);
