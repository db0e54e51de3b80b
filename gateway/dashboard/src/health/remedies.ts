// What to do about what an agent says of an instrument's port and lines, and about what a database said. Pure.
// The same fragments and sentences as in broker/kleinmaelzung_wire/remedies.py and the doctor's checks/services.py.

import { language } from "../words/language.ts";

type Remedy = readonly [fragment: string, en: string, de: string];

const LINE = [
  "Set baudrate, bytesize, parity and stopbits in agent.toml as the instrument has them (its menu or manual); then encoding and terminator.",
  "Setzen Sie baudrate, bytesize, parity und stopbits in agent.toml so, wie das Gerät sie hat (Menü oder Handbuch); dann encoding und terminator.",
] as const;
const FAULT = [
  "Look at the agent's log, and report what stands there.",
  "Sehen Sie ins Protokoll des Agenten und melden Sie, was dort steht.",
] as const;
const OFF = [
  "Look whether it is switched on and its cable is the right one (crossed or not), then at the baudrate.",
  "Sehen Sie nach, ob es eingeschaltet und das Kabel das richtige ist (gekreuzt oder nicht), dann nach der Baudrate.",
] as const;
const ROOM = [
  "Make room on the database's disk (df -h there); the log goes on by itself then.",
  "Schaffen Sie Platz auf der Platte der Datenbank (dort df -h); danach wird von selbst weiter aufgezeichnet.",
] as const;
const OWN = [
  "Give the services a database of their own, and the right to create tables in it.",
  "Geben Sie den Diensten eine eigene Datenbank und das Recht, darin Tabellen anzulegen.",
] as const;

// Of each list the first whose fragment is found in the reason.
const PORT: readonly Remedy[] = [
  [
    "looking for",
    "Plug it in and switch it on; search in agent.toml says at which ports it may be asked.",
    "Stecken Sie es an und schalten Sie es ein; search in agent.toml sagt, an welchen Ports es gesucht wird.",
  ],
  [
    "used by another instrument",
    "Two instruments name one port: correct port in agent.toml, or set bus = true.",
    "Zwei Geräte nennen denselben Port: berichtigen Sie port in agent.toml, oder setzen Sie bus = true.",
  ],
  [
    "there is no such I2C bus",
    "Enable I2C (sudo raspi-config); ls /dev/i2c-* shows buses; correct agent.toml.",
    "Schalten Sie I2C ein (sudo raspi-config); ls /dev/i2c-* zeigt die Busse; berichtigen Sie agent.toml.",
  ],
  [
    "in the group i2c",
    "On the agent: sudo usermod -aG i2c USER, the agent's user, and start the agent again.",
    "Auf dem Agenten: sudo usermod -aG i2c USER mit dem Benutzer des Agenten, dann den Agenten neu starten.",
  ],
  [
    "a longer wait?",
    "Give the step a longer wait in agent.toml, as the manual says.",
    "Geben Sie dem Schritt in agent.toml ein längeres wait, wie es im Handbuch steht.",
  ],
  [
    "nothing answers at address",
    "Look at power, SDA, SCL and ground; i2cdetect -y 1 shows which addresses answer.",
    "Prüfen Sie Versorgung, SDA, SCL und Masse; i2cdetect -y 1 zeigt, welche Adressen antworten.",
  ],
  [
    "there is no 1-wire bus",
    "Enable 1-Wire (sudo raspi-config, Interface Options), and start the machine again.",
    "Schalten Sie 1-Wire ein (sudo raspi-config, Interface Options), und starten Sie den Rechner neu.",
  ],
  [
    "sees no 1-wire sensor",
    "Look at wires and the pull-up (4.7 kΩ); ls /sys/bus/w1/devices shows what is there.",
    "Prüfen Sie Leitungen und Pull-up (4,7 kΩ); ls /sys/bus/w1/devices zeigt, was da ist.",
  ],
  [
    " hangs: ",
    "Switch the instruments on its wires off and on; if it stays, start the machine again.",
    "Schalten Sie die Geräte an diesen Leitungen aus und ein; bleibt es so, starten Sie den Rechner neu.",
  ],
  [
    "is not there",
    "Plug it in; ls -l /dev/serial/by-id shows what is there; correct port in agent.toml.",
    "Stecken Sie es an; ls -l /dev/serial/by-id zeigt, was da ist; berichtigen Sie port in agent.toml.",
  ],
  [
    "permission denied",
    "On the agent: sudo usermod -aG dialout USER, the agent's user, and start the agent again.",
    "Auf dem Agenten: sudo usermod -aG dialout USER mit dem Benutzer des Agenten, dann den Agenten neu starten.",
  ],
  [
    "used by another program",
    "End what has it open (sudo fuser -v PORT), often ModemManager or a terminal.",
    "Beenden Sie, was ihn offen hat (sudo fuser -v PORT), oft ModemManager oder ein Terminal.",
  ],
  [
    "no device answers behind it",
    "Look at the adapter: another USB socket, another cable; dmesg says more.",
    "Prüfen Sie den Adapter: andere USB-Buchse, anderes Kabel; dmesg sagt mehr.",
  ],
  [
    "was disconnected",
    "Plug it in again; if this comes back, look at cable, hub and power supply.",
    "Stecken Sie es wieder an; kommt das öfter vor, prüfen Sie Kabel, Hub und Netzteil.",
  ],
  ["internal error", ...FAULT],
  ["fault in the driver", ...FAULT],
  ["nothing has come yet", ...OFF],
  [
    "opening",
    "Wait a moment; if it stays, the port's driver hangs: plug it in again.",
    "Warten Sie einen Moment; bleibt es so, hängt der Treiber des Ports: stecken Sie es neu an.",
  ],
  [
    "",
    "Look whether the port or its network address is right in agent.toml, and whether it is there.",
    "Sehen Sie nach, ob Port oder Netzadresse in agent.toml stimmen, und ob es da ist.",
  ],
];

const LINES: readonly Remedy[] = [
  [
    "another instrument answers",
    "Plug in the right one, or correct identity in agent.toml if this is the right one.",
    "Stecken Sie das richtige an, oder berichtigen Sie identity in agent.toml, falls dieses das richtige ist.",
  ],
  [
    "right CRC",
    "Look at wires, their length and the pull-up of 4.7 kΩ, and at the sensor's power.",
    "Prüfen Sie Leitungen, ihre Länge, den Pull-up von 4,7 kΩ und die Versorgung des Sensors.",
  ],
  [
    "its checksum or its count",
    "Look at wires and pull-ups; then at wait, read and crc in agent.toml.",
    "Prüfen Sie Leitungen und Pull-ups; dann wait, read und crc in agent.toml.",
  ],
  [
    "spool",
    'See its agent\'s spool; with when_full = "stop" no more is taken until there is room.',
    'Siehe Zwischenspeicher des Agenten; mit when_full = "stop" wird nichts mehr aufgenommen, bis Platz ist.',
  ],
  ["undecodable", ...LINE],
  ["bytes without a line end", ...LINE],
  ["too long", ...LINE],
  ["fault in the driver", ...FAULT],
  [
    "wrong checksum",
    "Compare the checksum in agent.toml with the manual; else look at cable and shielding.",
    "Vergleichen Sie checksum in agent.toml mit dem Handbuch; sonst prüfen Sie Kabel und Schirmung.",
  ],
  [
    "rejected",
    "It can be read: is this the instrument that agent.toml describes? Compare its patterns and units.",
    "Es ist lesbar: ist es das Gerät, das agent.toml beschreibt? Vergleichen Sie Muster und Einheiten.",
  ],
  [
    "too late",
    "Give the poll a longer timeout in agent.toml.",
    "Geben Sie der Abfrage in agent.toml ein längeres timeout.",
  ],
  ["", "Look at the agent's log.", "Sehen Sie ins Protokoll des Agenten."],
];

const DATABASE: readonly Remedy[] = [
  ["disk is full", ...ROOM],
  ["No space left", ...ROOM],
  [
    "schema version",
    "Start the same version of all services: this one is older than the tables.",
    "Starten Sie alle Dienste in derselben Version: dieser ist älter als die Tabellen.",
  ],
  [
    "written by another build",
    "Start the version that made these tables, or use another database.",
    "Starten Sie die Version, die diese Tabellen angelegt hat, oder nehmen Sie eine andere Datenbank.",
  ],
  ["tables cannot be made", ...OWN],
  ["cannot be made", ...OWN],
  ["needed is 15 or newer", "Use PostgreSQL 15 or newer.", "Nehmen Sie PostgreSQL 15 oder neuer."],
  [
    "password authentication failed",
    "Correct user and password in KLEINMAELZUNG_DSN.",
    "Berichtigen Sie Benutzer und Passwort in KLEINMAELZUNG_DSN.",
  ],
  [
    "does not exist",
    "Correct the database's and the user's name in KLEINMAELZUNG_DSN, or make them.",
    "Berichtigen Sie den Namen von Datenbank und Benutzer in KLEINMAELZUNG_DSN, oder legen Sie beide an.",
  ],
  [
    "no pg_hba.conf entry",
    "Let this user in from this machine: pg_hba.conf.",
    "Lassen Sie diesen Benutzer von diesem Rechner aus zu: pg_hba.conf.",
  ],
  [
    "too many clients",
    "Raise max_connections of the database, or end what else uses it.",
    "Erhöhen Sie max_connections der Datenbank, oder beenden Sie, was sie sonst benutzt.",
  ],
  [
    "read-only",
    "The address leads to a standby: name the primary in KLEINMAELZUNG_DSN.",
    "Die Adresse führt zu einem Standby: nennen Sie in KLEINMAELZUNG_DSN den Primärserver.",
  ],
  [
    "has taken more than",
    "Look what else keeps the database and its disk busy.",
    "Sehen Sie nach, was die Datenbank und ihre Platte sonst beschäftigt.",
  ],
  [
    "does not answer",
    "Look whether the database is frozen or overloaded, and at the network to it.",
    "Sehen Sie nach, ob die Datenbank hängt oder überlastet ist, und nach dem Netz dorthin.",
  ],
  [
    "",
    "Look whether the database is running, and at its address in KLEINMAELZUNG_DSN.",
    "Sehen Sie nach, ob die Datenbank läuft, und nach ihrer Adresse in KLEINMAELZUNG_DSN.",
  ],
];

/** About a port that is not open. */
export const forPort = (reason: string): string => first(PORT, reason);

/** About what comes, and is not what is expected. */
export const forLines = (reason: string): string => first(LINES, reason);

/** About what a database said. */
export const forDatabase = (reason: string): string => first(DATABASE, reason);

export const forSilence = (): string => (language.value === "de" ? OFF[1] : OFF[0]);

function first(remedies: readonly Remedy[], reason: string): string {
  const [, en, de] = remedies.find(([fragment]) => reason.includes(fragment)) ?? ["", "", ""];
  return language.value === "de" ? de : en;
}
