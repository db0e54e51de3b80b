// Colours and line styles of a plot: those of the page's theme, and those of paper. A channel has both, colour and style.

export interface Colours {
  surface: string;
  ink: string;
  muted: string;
  grid: string;
  gap: string;
  gapLine: string;
  lines: string[];
}

/** Dashes of the channels in turn, in pixels; none: drawn through. */
export const DASHES: readonly (readonly number[])[] = [
  [],
  [7, 4],
  [2, 3],
  [10, 3, 2, 3],
  [14, 5],
  [5, 2, 2, 2, 2, 2],
  [4, 4],
  [1, 4],
];

/** Each with its own colour; where the colours come again, with other dashes. */
export function dashOf(place: number): number {
  return (place + 3 * Math.floor(place / 8)) % 8;
}

/** Of the theme that is shown, from its tokens. */
export function themeColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    surface: token("surface"),
    ink: token("ink"),
    muted: token("muted"),
    grid: token("grid"),
    gap: token("gap"),
    gapLine: token("strong-line"),
    lines: Array.from({ length: 8 }, (_, at) => token(`plot-${at + 1}`)),
  };
}

/** Dark on white, whatever the theme: the light theme's tokens. */
export const PRINT: Colours = {
  surface: "#ffffff",
  ink: "#18211d",
  muted: "#55625c",
  grid: "#e4e8e5",
  gap: "#eceeec",
  gapLine: "#8b9892",
  lines: ["#14634a", "#b35309", "#3659a8", "#9a2a6d", "#5d7010", "#6b4bb5", "#006a80", "#8a4b2a"],
};
