// Files: where to get them, what they are called, and giving them to the reader.

export const TOO_LARGE = 413;

/** Times in µs. The names of channels hold nothing that an address would have to escape, but who knows. */
export function csvAddress(
  name: string,
  from: number,
  to: number,
  channels: readonly string[],
  points?: number,
): string {
  const asked = new URLSearchParams({ from: String(Math.floor(from)), to: String(Math.ceil(to)) });
  if (channels.length > 0) asked.set("channels", [...new Set(channels)].join(","));
  if (points !== undefined) asked.set("points", String(points));
  return `history/${name}.csv?${asked}`;
}

/** `Basic ...` of a name and a password in whatever script: the password goes in a header, so a link would not do. */
export function authorization({ user, password }: { user: string; password: string }): string {
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${user}:${password}`)))}`;
}

export function fileNameOf(disposition: string | null, name: string): string {
  return /filename="([a-z0-9_.-]+)"/.exec(disposition ?? "")?.[1] ?? `${name.replace("/", "_")}.csv`;
}

/** "pi-1_balance_20261122T080000Z.png" */
export function pictureName(name: string, us: number): string {
  const at = new Date(us / 1000).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  return `${name.replace("/", "_")}_${at}.png`;
}

export function save(blob: Blob, fileName: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
