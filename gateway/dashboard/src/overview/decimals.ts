// How a channel's numbers are written so that they do not jump: 12.5 after 12.48 as 12.50, in the width of the widest.

import { decimalsOf } from "../words/numbers.ts";

const MOST_FROM_ONE = 6; // more than that comes from a computer, not from an instrument
const WIDEST = 16; // digits
const SEPARATOR = 0.6; // of a digit, in the widest of the usual types
const FLICKER = 4; // steps of the last digit

/** In digits, of which all are as wide. */
function widthOf(text: string): number {
  const separators = text.match(/[.,\s\u2019]/g)?.length ?? 0;
  return text.length - separators + Math.round(separators * SEPARATOR * 10) / 10;
}

export class Slots {
  private readonly decimals = new Map<string, number>();
  private readonly widths = new Map<string, number>();

  /** With how many decimals to write this value of a channel: the most that were seen. */
  decimalsFor(channel: string, value: number): number {
    const most = Math.max(this.decimals.get(channel) ?? 0, decimalsOf(value));
    this.decimals.set(channel, most);
    return Math.abs(value) < 1 ? most : Math.min(most, MOST_FROM_ONE);
  }

  /** How many digits' width to keep for what is written now. */
  widthFor(channel: string, text: string): number {
    const most = Math.min(Math.max(this.widths.get(channel) ?? 0, widthOf(text)), WIDEST);
    this.widths.set(channel, most);
    return most;
  }

  /** What of a channel is no more than the flicker of its last digit. */
  leastRange(channel: string): number {
    return FLICKER * 10 ** -(this.decimals.get(channel) ?? 0);
  }
}
