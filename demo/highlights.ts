/** The few results that the demo shows at its end, kept as they come. */
import { forEach, type RunReport, type Stream } from "../src/index.ts";
import type { flightsPipeline } from "./flights.ts";
import type { Replay } from "./replay.ts";
import { day, hours, moment, percent, seconds, table, time, whole } from "./text.ts";

type Streams = ReturnType<typeof flightsPipeline>;
type ResultOf<S> = S extends Stream<infer R> ? R : never;
export type AirportWindow = ResultOf<Streams["airports"]>;
export type BadHours = ResultOf<Streams["badHours"]>;
export type WorstRoutes = ResultOf<Streams["worstRoutes"]>;

/** A window of fewer flights says more about chance than about the airport. */
const MANY_FLIGHTS = 40;

export class Highlights {
  readonly worstWindow = new Map<string, AirportWindow>();
  readonly badHours: BadHours[] = [];
  readonly days: WorstRoutes[] = [];

  constructor({ airports, badHours, worstRoutes }: Streams) {
    airports.to(
      forEach((window) => {
        if (window.flights < MANY_FLIGHTS) return;
        const worst = this.worstWindow.get(window.key);
        if (worst === undefined || window.meanDelay > worst.meanDelay)
          this.worstWindow.set(window.key, window);
      }),
      { name: "airport highlights" },
    );
    badHours.to(
      forEach((bad) => void this.badHours.push(bad)),
      { name: "bad hour highlights" },
    );
    worstRoutes.to(
      forEach((worst) => void this.days.push(worst)),
      { name: "route highlights" },
    );
  }

  toString(): string {
    return [this.airportTable(), this.badHoursTable(), this.routesTable()].join("\n");
  }

  private airportTable(): string {
    const worst = [...this.worstWindow.values()].toSorted((a, b) => b.meanDelay - a.meanDelay).slice(0, 10);
    const rows = worst.map((w) => [
      w.key,
      `${moment(w.windowStart)} - ${time(w.windowEnd)}`,
      whole(w.flights),
      whole(w.meanDelay),
      percent(w.delayed),
    ]);
    const heads = ["airport", "window", " flights", " mean delay, min", " over 15 min"];
    return `Worst three hours of an airport (${MANY_FLIGHTS} flights or more)\n${table(heads, rows)}`;
  }

  private badHoursTable(): string {
    const longest = this.badHours.toSorted((a, b) => length(b) - length(a)).slice(0, 10);
    const rows = longest.map((bad) => [
      bad.key,
      moment(bad.windowStart),
      hours(length(bad)),
      whole(bad.flights),
      whole(bad.meanDelay),
      whole(bad.worst),
    ]);
    const heads = ["airport", "since", " lasted", " flights", " mean delay, min", " worst, min"];
    return `Longest bad hours: departures over 60 minutes late, one after the other\n${table(heads, rows)}`;
  }

  private routesTable(): string {
    const meanOf = ({ routes }: WorstRoutes): number =>
      routes.reduce((sum, route) => sum + route.meanDelay, 0) / routes.length;
    const worstDays = this.days.toSorted((a, b) => meanOf(b) - meanOf(a)).slice(0, 5);
    const rows = worstDays.flatMap(({ key, routes }) =>
      routes
        .slice(0, 3)
        .map((route, i) => [
          i === 0 ? day(key) : "",
          String(i + 1),
          route.key.join(" - "),
          whole(route.flights),
          whole(route.meanDelay),
        ]),
    );
    const heads = ["day", " rank", "route", " flights", " mean delay, min"];
    return `Worst routes of the worst days (3 flights or more)\n${table(heads, rows)}`;
  }
}

const length = (bad: { windowStart: number; windowEnd: number }): number => bad.windowEnd - bad.windowStart;

/** What was read and what became of it, in the words of the engine's own accounts. */
export function account(report: RunReport, replay: Replay): string {
  const [source] = report.sources;
  const late = (name: string): string => {
    const operator = report.operators.find((o) => o.name === name);
    return whole(operator?.done.late ?? 0);
  };
  const given = (name: string): string => whole(report.sinks.find((s) => s.name === name)?.records ?? 0);
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < source.records; i++) {
    const { date } = replay.at(i);
    first = Math.min(first, date);
    last = Math.max(last, date);
  }
  const rows = [
    [
      "flights",
      whole(source.records),
      source.records === 0 ? "" : `scheduled ${moment(first)} ... ${moment(last)}`,
    ],
    ["refused", whole(source.deadLettered), "their dates can't be right"],
    [
      "too late",
      late("airports"),
      `for every window of their airport (bad hours: ${late("bad hours")}, routes: ${late("routes")})`,
    ],
    ["airport windows", given("airport highlights"), "of 3 hours, one every hour"],
    ["bad hours", given("bad hour highlights"), "of 10 flights or more"],
    ["days", given("route highlights"), "with their ten worst routes"],
  ];
  const rate = whole((source.records - report.recordsBefore) / (report.durationMs / 1000));
  return [
    table(["records", " number", "what"], rows),
    `  ${seconds(report.durationMs)} in the pipeline: ${rate} flights a second`,
    ` (set-up: reading ${seconds(replay.readMs)}, sorting ${seconds(replay.sortMs)})\n`,
  ].join("");
}
