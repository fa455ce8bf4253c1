/**
 * The order in which a job takes the records of a slow partition and of a fast one. The test driver takes what it is
 * told to; whom a job reads is seen only where it reads by itself.
 */
import { forEach, pipeline, type WatermarkOption } from "millrace";
import type { Source } from "millrace/connector";
import type { Arrival } from "./scene.ts";

interface Reading {
  readonly partition: 0 | 1;
  readonly at: number;
}

const RECORDS = 14;
/** Seconds between two records of partition 0, and of partition 1. */
const STEPS = [2, 8];

/** Two partitions without an end, which give a record at each poll. */
const uneven: Source<Reading> = {
  description: "uneven",
  bounded: false,
  open: async ({ wake }) =>
    STEPS.map((step, partition) => {
      let n = 0;
      return {
        id: String(partition),
        poll(into, from) {
          into[from] = { partition: partition as 0 | 1, at: n * step };
          n += 1;
          wake();
          return 1;
        },
        ended: false,
        caughtUp: false,
        locate: (index) => ({ offset: index }),
        close: async () => {},
      };
    }),
};

export async function arrivalsUnderDrift(watermark: WatermarkOption<Reading>): Promise<Arrival[]> {
  const arrivals: Arrival[] = [];
  const enough = new AbortController();
  const app = pipeline("drift");
  app.source(uneven, { timestamp: ({ at }) => at * 1000, watermark }).to(
    forEach(({ at, partition }) => {
      if (arrivals.length < RECORDS) arrivals.push({ at, partition });
      else enough.abort();
    }),
  );
  await app.run({ signal: enough.signal, handleSignals: false });
  return arrivals;
}
