/**
 * What clock and calendar of a zone show, read from the fields that Intl.DateTimeFormat writes: the oracle of calendar
 * windows. It shares nothing with src/window: no offset, no span, no date arithmetic but Date's own.
 */
import type { CalendarUnit } from "../../src/window/assigner.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export const UNITS: readonly CalendarUnit[] = ["hour", "day", "week", "month", "quarter", "year"];

/** Numbers that grow with the local time: two instants have the same one if they show the same hour, day, ... */
export interface Reading {
  /** The local time as if it were UTC. */
  readonly wallMs: number;
  readonly units: Readonly<Record<CalendarUnit, number>>;
}

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** "Sun, 11/7/2010 A, 23:01:59" */
const WRITTEN = /^(\w+), (\d+)\/(\d+)\/(\d+) ([AB]), (\d+):(\d+):(\d+)$/;

export function wallClock(zone: string): (timestamp: number) => Reading {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    era: "narrow",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  return (timestamp) => {
    const text = format.format(timestamp);
    const match = WRITTEN.exec(text);
    if (match === null) throw new Error(`Intl writes ${text}`);
    const year = match[5] === "A" ? Number(match[4]) : 1 - Number(match[4]);
    const month = Number(match[2]) - 1;
    const midnight = new Date(0).setUTCFullYear(year, month, Number(match[3]));
    const milliseconds = ((timestamp % 1000) + 1000) % 1000;
    const seconds = Number(match[6]) * 3600 + Number(match[7]) * 60 + Number(match[8]);
    return reading(midnight, seconds * 1000 + milliseconds, year * 12 + month, WEEKDAYS.indexOf(match[1]));
  };
}

/** The same of a local time. */
export function readingOf(wallMs: number): Reading {
  const timeMs = ((wallMs % DAY_MS) + DAY_MS) % DAY_MS;
  const date = new Date(wallMs - timeMs);
  const month = date.getUTCFullYear() * 12 + date.getUTCMonth();
  return reading(wallMs - timeMs, timeMs, month, (date.getUTCDay() + 6) % 7);
}

function reading(midnight: number, timeMs: number, month: number, weekday: number): Reading {
  const wallMs = midnight + timeMs;
  const day = midnight / DAY_MS;
  return {
    wallMs,
    units: {
      hour: Math.floor(wallMs / HOUR_MS),
      day,
      week: day - weekday,
      month,
      quarter: Math.floor(month / 3),
      year: Math.floor(month / 12),
    },
  };
}
