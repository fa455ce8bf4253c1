/** Results as lines on standard output, as they come: as many as a person can still read. */
import { forEach } from "../src/index.ts";
import type { flightsPipeline } from "./flights.ts";
import { day, hours, moment, percent, time, whole } from "./text.ts";

const span = (w: { windowStart: number; windowEnd: number }): string =>
  `${moment(w.windowStart)} - ${time(w.windowEnd)}`;

export function printLive({ airports, badHours, worstRoutes }: ReturnType<typeof flightsPipeline>): void {
  const print = (name: string) => [forEach((line: string) => console.log(line)), { name }] as const;

  airports
    .filter((w) => w.flights >= 20 && w.meanDelay >= 30)
    .map((w) => {
      const late = `${whole(w.meanDelay).padStart(3)} min late, ${percent(w.delayed)} over 15 min`;
      return `${span(w)}  ${w.key}  ${w.flights} flights: ${late}`;
    })
    .to(...print("printed airports"));

  badHours
    .map((bad) => {
      const what = `${bad.flights} flights over an hour late, one by ${bad.worst} min`;
      return `${span(bad)}  ${bad.key}  BAD for ${hours(bad.windowEnd - bad.windowStart)}: ${what}`;
    })
    .to(...print("printed bad hours"));

  worstRoutes
    .map(({ key, routes }) => {
      const worst = routes
        .slice(0, 5)
        .map((route) => `${route.key.join(" - ")} ${whole(route.meanDelay)} min`);
      return `${day(key)}  worst routes: ${worst.join(", ")}`;
    })
    .to(...print("printed routes"));
}
