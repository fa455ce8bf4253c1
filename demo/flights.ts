/**
 * The demo's pipeline: which airports, hours and routes run late. Start reading here; `main.ts` only feeds it.
 *
 *   departures -+- sliding windows per airport ------------- out/airports.ndjson   (too late: out/late.ndjson)
 *               +- sessions of delayed flights per airport - out/bad-hours.ndjson
 *               +- mean delay per route and day - top 10 --- out/worst-routes.ndjson
 *               +- impossible records ---------------------- out/refused.ndjson
 *
 * Flights come in the order in which they left; event time is when they should have left. A flight that leaves three
 * hours late is a record that comes three hours late, so how long windows wait for such flights is a decision:
 *
 *   maxOutOfOrderness          1h       2h      4h     6h    (of all 3,000,000 flights)
 *   too late for airports  11,864    4,146     903    393
 *            for bad hours 132,797  28,216   3,113    792
 *            for routes     8,937    2,842     269    169
 *
 * `npm run demo` prints the column of 4h; the others come with another `maxOutOfOrderness` below. Bad hours are made of
 * nothing but flights over an hour late, and lose the greatest share of them, so they decide: 4 hours.
 */
import { join } from "node:path";
import {
  avg,
  count,
  type JobOptions,
  max,
  ndjsonFile,
  pipeline,
  type Source,
  session,
  sliding,
  topN,
  tumbling,
} from "../src/index.ts";

export interface Flight {
  /** Scheduled departure, in milliseconds since 1970. (Local time of the airport, which the demo takes for UTC.) */
  readonly date: number;
  /** Minutes after that at which it left; negative when it left early. */
  readonly delay: number;
  readonly origin: string;
  readonly destination: string;
}

/** Above it a departure makes a bad hour. */
const BAD_MINUTES = 60;

/**
 * Two flights in the file left 16 and 19 hours "early": their dates are wrong. One record from the future is enough to
 * drag the watermark along, and the flights of the hours after it would be late (22,112 instead of 903): refuse it.
 */
function scheduledDeparture(flight: Flight): number {
  if (flight.delay < -120) throw new Error(`it left ${-flight.delay} minutes early, so its date is wrong`);
  return flight.date;
}

/**
 * The pipeline over any source of flights. Results go to files in the folder `out`; the streams take further sinks.
 * Every operator with state has a name: it is by that name that a later run finds its state again.
 */
export function flightsPipeline(source: Source<Flight>, out: string, options: JobOptions = {}) {
  const file = (name: string) => ndjsonFile<unknown>(join(out, name));
  const app = pipeline("flights", options);

  const departures = app.source(source, {
    name: "departures",
    timestamp: scheduledDeparture,
    watermark: { maxOutOfOrderness: "4h" },
    onError: "dead-letter",
  });
  app.deadLetters.to(file("refused.ndjson"));

  // Delays per airport over three hours, every hour.
  const airports = departures
    .keyBy((flight) => flight.origin)
    .window(sliding("3h", "1h"), { name: "airports" })
    .aggregate({
      flights: count(),
      meanDelay: avg((flight) => flight.delay),
      delayed: avg((flight) => (flight.delay > 15 ? 1 : 0)),
    });
  airports.filter((window) => window.flights >= 20).to(file("airports.ndjson"));
  airports.late.to(file("late.ndjson"));

  // An airport's bad hours: ten or more badly delayed departures, none more than half an hour from the next.
  const badHours = departures
    .filter((flight) => flight.delay > BAD_MINUTES)
    .keyBy((flight) => flight.origin)
    .window(session("30m"), { name: "bad hours" })
    .aggregate({
      flights: count(),
      meanDelay: avg((flight) => flight.delay),
      worst: max((flight) => flight.delay),
    })
    .filter((bad) => bad.flights >= 10)
    .to(file("bad-hours.ndjson"));

  // The ten worst routes per day: windows over the results of windows, by their own time.
  const worstRoutes = departures
    .keyBy((flight) => [flight.origin, flight.destination])
    .window(tumbling("1d"), { name: "routes" })
    .aggregate({ flights: count(), meanDelay: avg((flight) => flight.delay) })
    .filter((route) => route.flights >= 3)
    .keyBy((route) => route.windowStart)
    .window(tumbling("1d"), { name: "worst routes" })
    .aggregate({ routes: topN(10, (route) => route.meanDelay) })
    .to(file("worst-routes.ndjson"));

  return { app, airports, badHours, worstRoutes };
}
