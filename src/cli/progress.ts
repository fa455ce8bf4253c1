/** How far a run is, in one line of a terminal that is drawn again and again in its place. */
import type { Progress } from "../job/progress.ts";
import { numberText, scaled, wholeSecondsText } from "./quantity.ts";

/** Rates are those of this last while: long enough to be steady, short enough to follow. */
const RATE_OVER_MS = 2000;
/** Work that is done sooner shows no progress. */
const QUIET_MS = 500;

export interface Rates {
  /** Null while there is nothing to tell it by. */
  readonly recordsPerS: number | null;
  readonly leftMs: number | null;
}

/**
 * @example formatProgress("orders", progress, { recordsPerS: 812_000, leftMs: 4000 })
 *   -> "orders 43%  1.2 GB of 2.8 GB  3,410,221 records  812 K/s  4 s left"
 */
export function formatProgress(name: string, progress: Progress, { recordsPerS, leftMs }: Rates): string {
  const { done, total, unit, records } = progress;
  const parts: string[] = [];
  if (isKnown(total)) {
    parts.push(`${name} ${Math.floor((100 * Math.min(done, total)) / total)}%`);
    if (unit === "bytes")
      parts.push(`${scaled(done, "B")} of ${scaled(total, "B")}`, `${numberText(records)} records`);
    else parts.push(`${numberText(done)} of ${numberText(total)} records`);
  } else {
    parts.push(name, `${numberText(records)} records`);
  }
  if (recordsPerS !== null) parts.push(`${scaled(recordsPerS)}/s`);
  if (leftMs !== null) parts.push(`${wholeSecondsText(Math.ceil(leftMs / 1000))} left`);
  return parts.join("  ");
}

/** False for a source without end (Infinity), and where no source knows (0). */
const isKnown = (total: number): boolean => total > 0 && Number.isFinite(total);

/** How fast a run is now. */
export class Pace {
  private readonly samples: Progress[] = [];

  add(now: Progress): Rates {
    const { samples } = this;
    // The oldest one stays until the next reaches back far enough.
    while (samples.length > 1 && now.elapsedMs - samples[1].elapsedMs >= RATE_OVER_MS) samples.shift();
    samples.push(now);
    const then = samples[0];
    const ms = now.elapsedMs - then.elapsedMs;
    if (ms <= 0) return { recordsPerS: null, leftMs: null };
    // Files among the sources may come late: then the unit is another than before.
    const did = then.unit === now.unit ? now.done - then.done : 0;
    const leftMs = isKnown(now.total) && did > 0 ? ((now.total - now.done) * ms) / did : null;
    return { recordsPerS: ((now.records - then.records) * 1000) / ms, leftMs };
  }
}

/** The part of a terminal's stream that is used here. */
export interface Terminal {
  readonly columns?: number;
  write(chunk: string | Uint8Array, ...rest: any[]): boolean;
}

const ERASE = "\r\u001b[K";

/**
 * The line. What others write to the same terminal appears above it: their streams are watched, and the line gives
 * way until they have ended theirs.
 */
export class ProgressLine {
  private readonly columns: () => number;
  private readonly write: (text: string) => void;
  private drawn = false;
  /** Someone else is within a line of his own. */
  private held = false;
  /** Of several runs at once, the first shows. */
  private owner: object | null = null;

  constructor(terminal: Terminal, watched: readonly Terminal[]) {
    // Some terminals say that they have 0.
    this.columns = () => terminal.columns || 80;
    const write = terminal.write;
    this.write = (text) => {
      write.call(terminal, text);
    };
    for (const stream of watched) this.giveWayTo(stream);
  }

  /** Shows one run: to be called with its progress. */
  follow(name: string): (progress: Progress) => void {
    const pace = new Pace();
    const me = {};
    return (progress) => {
      const rates = pace.add(progress);
      if (this.owner !== null && this.owner !== me) return;
      this.owner = progress.ended ? null : me;
      if (progress.ended) this.erase();
      else if (progress.elapsedMs >= QUIET_MS) this.draw(formatProgress(name, progress, rates));
    };
  }

  erase(): void {
    if (this.drawn) this.write(ERASE);
    this.drawn = false;
  }

  private draw(text: string): void {
    if (this.held) return;
    // A line that fills the last column would wrap, and could not be erased.
    this.write(ERASE + text.slice(0, Math.max(0, this.columns() - 1)));
    this.drawn = true;
  }

  private giveWayTo(stream: Terminal): void {
    const write = stream.write;
    stream.write = (chunk, ...rest) => {
      this.erase();
      if (chunk.length > 0)
        this.held = typeof chunk === "string" ? !chunk.endsWith("\n") : chunk.at(-1) !== 10;
      return write.call(stream, chunk, ...rest);
    };
  }
}
