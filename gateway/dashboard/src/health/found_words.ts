// The sentences of what was found, as the doctor says them, and what each is about.

import { inBoth } from "../words/language.ts";

export const foundWords = inBoth(
  {
    about: {
      page: "This page",
      gateway: "Gateway",
      broker: "Broker",
      logger: "Logger",
      history: "History",
      batches: "Batches",
      calibration: "Calibration",
      database: "Database",
      storage: "Room of the database",
      agent: "Agent",
      "agent-clock": "Clock of agent",
      "agent-spool": "Spool of agent",
      "agent-orders": "Orders to agent",
      instrument: "Instrument",
      version: "Versions",
    } as Record<string, string>,

    noConnection: "it is not connected to the server, so nothing here is live.",
    noConnectionRemedy:
      "It comes back by itself. If it does not: look whether the server runs and the network is there.",

    gatewayRuns: "running",
    gatewaySilent: "it does not answer.",
    gatewaySilentRemedy: "Look whether it runs, and at its log; agents keep their data meanwhile.",
    brokerConnected: "connected",
    brokerLost: (state: string) =>
      `the gateway's connection to it is ${state}. Nobody can sign in, and nothing live comes.`,
    brokerRemedy: "Start Mosquitto, and look what the gateway's log says: address, password, certificate.",

    lost: {
      logger: "nothing is recorded now; agents keep their data",
      history: "nobody can look back; recording goes on",
      batches: "no batch can be begun and no note be written; recording goes on",
      calibration: "no certificate can be issued; recording goes on",
    } as Record<string, string>,
    none: (lost: string) => `there is none, so ${lost}.`,
    start: (role: string) => `Start kleinmaelzung-${role}.`,
    startAndLook: (role: string) => `Start kleinmaelzung-${role}, and look at its log.`,
    thenStart: (remedy: string, role: string) => `${remedy} Then start kleinmaelzung-${role}.`,
    doesAllWork: (others: string) => `${others} does all the work`,
    hangs: (lost: string) => `says that it is well, but does not answer, so perhaps ${lost}.`,
    hangsRemedy: "Look at its log; where it hangs, start it again: nothing is lost by that.",
    seeDatabase: (lost: string) => `running, but ${lost}: see database.`,
    seeDatabaseRemedy: "See database.",
    ended: (lost: string, reason: string) => `ended, so ${lost}: ${reason}`,
    notRunning: (lost: string) => `not running, so ${lost}.`,
    behind: (count: string) => `behind: ${count} messages wait to be recorded.`,
    behindRemedy: "Look what keeps the database's machine busy; agents keep what is not recorded yet.",
    recording: "recording",
    answers: "running, and answers",
    noReason: "no reason is told",

    size: (size: string) => size,
    growing: (perDay: string) => `growing by ${perDay} a day`,
    tooNew: "too new to say how fast it grows",
    roomNotKnown: "how much room its disk has is not known to the logger",
    free: (free: string) => `${free} are free`,
    enoughForAll: "enough for all that is kept",
    enoughFor: (span: string) => `enough for ${span}`,
    days: (days: string) => `${days} days`,
    years: (years: string) => `${years} years`,
    storageRemedy: "Give the database more room, or keep less: docs/deployment.md.",

    online: (span: string, version: string) => `online for ${span}, version ${version}`,
    wasStopped: (heard: string) => `was stopped${heard}.`,
    startAgain: "Start kleinmaelzung-agent there again.",
    offline: (reason: string, heard: string) => `offline${reason}${heard}.`,
    heard: (age: string) => `, its newest value is ${age} old`,
    offlineRemedy:
      "Look whether it has power and network; on it run kleinmaelzung-agent --config agent.toml --check, which says what is wrong there.",
    wrongSecret: (age: string) => `is not let in: its name or secret is wrong, last ${age} ago.`,
    wrongSecretRemedy: (name: string) =>
      `Enrol it again (Agents, Add an agent, it takes the place of one that is there), or put the secret that kleinmaelzung agent add ${name} printed into its agent.toml.`,
    twoWithOneName: (age: string) => `two agents use this name and push each other out, last ${age} ago.`,
    twoWithOneNameRemedy: "Give each machine a name of its own: Agents, Add an agent.",
    stranger: (age: string) => `knocks and may not connect, last ${age} ago.`,
    strangerRemedy: (name: string) =>
      `If it is yours: kleinmaelzung agent enrol ${name}, or switch it off; else look whose it is.`,

    clockAhead: (span: string) => `${span} ahead of the server: its samples have wrong times.`,
    clockBehind: (span: string) => `${span} behind the server: its samples have wrong times.`,
    clockRemedy: "Have it synchronised: timedatectl there, and a time server that it reaches.",
    clockFree: "not synchronised: its samples are marked so.",
    clockGood: "synchronised",

    spoolNotWritable: (reason: string) => `${reason}; new frames wait in memory.`,
    spoolNotWritableRemedy: "Make room on its disk or repair it (df -h, dmesg); it is tried again every 5 s.",
    spoolFull: (share: string, frames: string) => `${share} full, ${frames} frames wait to be recorded.`,
    spoolFullRemedy:
      "See to the logger first; [spool] bytes in agent.toml allows more; when it is full, the oldest go.",
    spoolDisk: (free: string) => `its disk has ${free} left.`,
    spoolDiskRemedy: "Make room on its disk (df -h there).",
    spoolDamagedRemedy: "Look at its disk; keep or delete that file.",
    spoolManyRemedy:
      "Wait: what was kept is being sent; if this does not fall, look at the logger and the line to the agent.",

    order: (kind: string, result: string, age: string, reason: string) =>
      `its last ${kind} was ${result} ${age} ago: ${reason}`,
    orderKinds: { configuration: "configuration", program: "program" } as Record<string, string>,
    orderResults: { refused: "refused", "rolled back": "rolled back" } as Record<string, string>,
    configurationRemedy: (name: string) =>
      `It runs the one before. Correct yours, then: kleinmaelzung agent configure ${name} FILE.`,
    programRemedy: (name: string) =>
      `It runs the version before; on it journalctl -u kleinmaelzung-agent-update says more; then: kleinmaelzung agent update ${name}.`,

    versionsApart: (gateway: string, others: string) => `the server has ${gateway}; ${others}: they work together.`,
    versionsUnfit: (gateway: string, others: string) =>
      `the server has ${gateway}; ${others}: they may not fit together.`,
    versionRemedy: "Install the same version everywhere, the server first.",
    versionAgentsRemedy: (agents: string) =>
      `Install the same version everywhere, the server first; agents from there: kleinmaelzung agent update ${agents}.`,

    live: "live",
    newest: (age: string) => `newest value ${age} old`,
    noValue: "no value yet",
    opening: "its port is being opened",
    nothingComes: (reason: string) => `the port is open, and nothing comes: ${reason}`,
    saidNothing: "its agent has said nothing about it",
    lookAtLog: "Look at the agent's log.",
    and: (one: string, other: string) => `${one}, ${other}.`,
  },
  {
    about: {
      page: "Diese Seite",
      gateway: "Gateway",
      broker: "Broker",
      logger: "Logger",
      history: "Verlauf",
      batches: "Chargen",
      calibration: "Kalibrierung",
      database: "Datenbank",
      storage: "Platz der Datenbank",
      agent: "Agent",
      "agent-clock": "Uhr von Agent",
      "agent-spool": "Zwischenspeicher von Agent",
      "agent-orders": "Aufträge an Agent",
      instrument: "Gerät",
      version: "Versionen",
    } as Record<string, string>,

    noConnection: "sie ist nicht mit dem Server verbunden, nichts hier ist live.",
    noConnectionRemedy:
      "Sie verbindet sich von selbst wieder. Sonst sehen Sie nach, ob der Server läuft und das Netz da ist.",

    gatewayRuns: "läuft",
    gatewaySilent: "es antwortet nicht.",
    gatewaySilentRemedy: "Sehen Sie nach, ob es läuft, und in sein Protokoll; die Agenten behalten ihre Daten solange.",
    brokerConnected: "verbunden",
    brokerLost: (state: string) =>
      `die Verbindung des Gateways zu ihm ist ${state === "lost" ? "verloren" : state}. Niemand kann sich anmelden, und nichts kommt live.`,
    brokerRemedy: "Starten Sie Mosquitto, und sehen Sie ins Protokoll des Gateways: Adresse, Passwort, Zertifikat.",

    lost: {
      logger: "jetzt wird nichts aufgezeichnet; die Agenten behalten ihre Daten",
      history: "niemand kann zurückblicken; aufgezeichnet wird weiter",
      batches: "keine Charge kann begonnen und keine Notiz geschrieben werden; aufgezeichnet wird weiter",
      calibration: "kein Kalibrierschein kann ausgestellt werden; aufgezeichnet wird weiter",
    } as Record<string, string>,
    none: (lost: string) => `es gibt keinen solchen Dienst: ${lost}.`,
    start: (role: string) => `Starten Sie kleinmaelzung-${role}.`,
    startAndLook: (role: string) => `Starten Sie kleinmaelzung-${role}, und sehen Sie in sein Protokoll.`,
    thenStart: (remedy: string, role: string) => `${remedy} Dann starten Sie kleinmaelzung-${role}.`,
    doesAllWork: (others: string) => `alle Arbeit macht ${others}`,
    hangs: (lost: string) => `meldet, dass alles gut ist, antwortet aber nicht; vielleicht heißt das: ${lost}.`,
    hangsRemedy: "Sehen Sie in sein Protokoll; hängt er, starten Sie ihn neu: verloren geht dabei nichts.",
    seeDatabase: (lost: string) => `läuft, aber ${lost}: siehe Datenbank.`,
    seeDatabaseRemedy: "Siehe Datenbank.",
    ended: (lost: string, reason: string) => `beendet, ${lost}: ${reason}`,
    notRunning: (lost: string) => `läuft nicht: ${lost}.`,
    behind: (count: string) => `im Rückstand: ${count} Nachrichten warten auf die Aufzeichnung.`,
    behindRemedy:
      "Sehen Sie nach, was den Rechner der Datenbank beschäftigt; die Agenten behalten, was noch nicht aufgezeichnet ist.",
    recording: "zeichnet auf",
    answers: "läuft und antwortet",
    noReason: "ein Grund wird nicht genannt",

    size: (size: string) => size,
    growing: (perDay: string) => `wächst um ${perDay} am Tag`,
    tooNew: "zu neu, um zu sagen, wie schnell sie wächst",
    roomNotKnown: "wie viel Platz ihre Platte hat, weiß der Logger nicht",
    free: (free: string) => `${free} sind frei`,
    enoughForAll: "genug für alles, was aufgehoben wird",
    enoughFor: (span: string) => `genug für ${span}`,
    days: (days: string) => `${days} Tage`,
    years: (years: string) => `${years} Jahre`,
    storageRemedy: "Geben Sie der Datenbank mehr Platz, oder heben Sie weniger auf: docs/deployment.md.",

    online: (span: string, version: string) => `seit ${span} online, Version ${version}`,
    wasStopped: (heard: string) => `wurde angehalten${heard}.`,
    startAgain: "Starten Sie dort kleinmaelzung-agent wieder.",
    offline: (reason: string, heard: string) => `offline${reason}${heard}.`,
    heard: (age: string) => `, sein neuester Wert ist ${age} alt`,
    offlineRemedy:
      "Sehen Sie nach, ob er Strom und Netz hat; was dort nicht stimmt, sagt auf ihm: kleinmaelzung-agent --config agent.toml --check.",
    wrongSecret: (age: string) => `wird nicht eingelassen: Name oder Geheimnis ist falsch, zuletzt vor ${age}.`,
    wrongSecretRemedy: (name: string) =>
      `Nehmen Sie ihn neu auf (Agenten, Agent hinzufügen, er ersetzt einen vorhandenen), oder tragen Sie in seine agent.toml das Geheimnis ein, das kleinmaelzung agent add ${name} ausgegeben hat.`,
    twoWithOneName: (age: string) => `zwei Agenten benutzen diesen Namen und verdrängen einander, zuletzt vor ${age}.`,
    twoWithOneNameRemedy: "Geben Sie jedem Rechner einen eigenen Namen: Agenten, Agent hinzufügen.",
    stranger: (age: string) => `klopft an und darf sich nicht verbinden, zuletzt vor ${age}.`,
    strangerRemedy: (name: string) =>
      `Gehört er Ihnen: kleinmaelzung agent enrol ${name}, oder schalten Sie ihn aus; sonst sehen Sie nach, wessen er ist.`,

    clockAhead: (span: string) => `geht gegenüber dem Server um ${span} vor: seine Werte haben falsche Zeiten.`,
    clockBehind: (span: string) => `geht gegenüber dem Server um ${span} nach: seine Werte haben falsche Zeiten.`,
    clockRemedy: "Lassen Sie sie synchronisieren: dort timedatectl, und ein Zeitserver, den er erreicht.",
    clockFree: "nicht synchronisiert: seine Werte sind so gekennzeichnet.",
    clockGood: "synchronisiert",

    spoolNotWritable: (reason: string) => `${reason}; neue Frames warten im Arbeitsspeicher.`,
    spoolNotWritableRemedy:
      "Schaffen Sie Platz auf seiner Platte, oder reparieren Sie sie (df -h, dmesg); alle 5 s wird es wieder versucht.",
    spoolFull: (share: string, frames: string) => `zu ${share} voll, ${frames} Frames warten auf die Aufzeichnung.`,
    spoolFullRemedy:
      "Kümmern Sie sich zuerst um den Logger; [spool] bytes in agent.toml erlaubt mehr; ist er voll, gehen die ältesten verloren.",
    spoolDisk: (free: string) => `auf seiner Platte sind noch ${free} frei.`,
    spoolDiskRemedy: "Schaffen Sie Platz auf seiner Platte (dort df -h).",
    spoolDamagedRemedy: "Sehen Sie nach seiner Platte; heben Sie die Datei auf, oder löschen Sie sie.",
    spoolManyRemedy:
      "Warten Sie: was aufbewahrt wurde, wird gesendet; wird es nicht weniger, sehen Sie nach Logger und Leitung zum Agenten.",

    order: (kind: string, result: string, age: string, reason: string) =>
      `${kind} wurde vor ${age} ${result}: ${reason}`,
    orderKinds: { configuration: "die letzte Konfiguration", program: "das letzte Programm" } as Record<string, string>,
    orderResults: { refused: "abgelehnt", "rolled back": "zurückgenommen" } as Record<string, string>,
    configurationRemedy: (name: string) =>
      `Er läuft mit der vorigen. Berichtigen Sie Ihre, dann: kleinmaelzung agent configure ${name} FILE.`,
    programRemedy: (name: string) =>
      `Er läuft mit der vorigen Version; mehr sagt auf ihm journalctl -u kleinmaelzung-agent-update; dann: kleinmaelzung agent update ${name}.`,

    versionsApart: (gateway: string, others: string) => `der Server hat ${gateway}; ${others}: sie arbeiten zusammen.`,
    versionsUnfit: (gateway: string, others: string) =>
      `der Server hat ${gateway}; ${others}: sie passen vielleicht nicht zusammen.`,
    versionRemedy: "Installieren Sie überall dieselbe Version, den Server zuerst.",
    versionAgentsRemedy: (agents: string) =>
      `Installieren Sie überall dieselbe Version, den Server zuerst; Agenten von dort: kleinmaelzung agent update ${agents}.`,

    live: "live",
    newest: (age: string) => `neuester Wert ${age} alt`,
    noValue: "noch kein Wert",
    opening: "sein Port wird geöffnet",
    nothingComes: (reason: string) => `der Port ist offen, und nichts kommt: ${reason}`,
    saidNothing: "sein Agent hat nichts über es gesagt",
    lookAtLog: "Sehen Sie ins Protokoll des Agenten.",
    and: (one: string, other: string) => `${one}, ${other}.`,
  },
);
