// Starts the page: who is signed in here, and the frame they see.

import { render } from "preact";
import { App } from "./app.tsx";
import { startClock } from "./clock.ts";
import { follow } from "./routes.ts";
import { begin } from "./sign_in/session.ts";
import { startTheme } from "./theme.ts";
import { startTitle, startTraces } from "./title.ts";
import { startLanguage } from "./words/language.ts";
import "./style/page.css";

startLanguage();
startTheme();
begin(); // before follow: takes a link's code out of the address
follow();
startClock();
startTraces();
startTitle();
const place = document.getElementById("page");
if (place !== null) render(<App />, place);
