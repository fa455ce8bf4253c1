/**
 * Windows in a job that keeps state, stopped and killed again and again: what becomes visible is what the oracle gives,
 * with state in memory and over a store whose cache holds next to nothing. Finds what a head forgets to keep, or to
 * make anew from its rows.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { memory, type Sink, type StateBackend } from "../../src/index.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { propertyOptions } from "../connector/seed.ts";
import { runDisturbed } from "../job/disturbed.ts";
import { Feed, Ledger } from "../job/feed.ts";
import { scratch } from "../job/scratch.ts";
import { specArbitrary, traceArbitrary } from "./arbitrary.ts";
import { bind } from "./bind.ts";
import { canonical } from "./canonical.ts";
import { evaluate } from "./oracle.ts";
import type { PipelineSpec, Rec, Trace } from "./spec.ts";

const folder = scratch();
let made = 0;

const backends: readonly (readonly [string, number, (directory: string) => StateBackend])[] = [
  ["memory", 60, memory],
  ["rocksdb", 12, (directory) => rocksdb(directory, { cacheBytes: 0 })],
];

/** One source of one partition, whose records alone move its time. */
const plainCase = fc
  .tuple(specArbitrary({ maxSources: 1, maxMoves: 3 }), fc.constantFrom(0, 3, 10))
  .filter(([spec]) => spec.steps.some(({ kind }) => kind === "window"))
  .map(([spec, boundMs]): PipelineSpec => ({ ...spec, sources: [{ partitions: 1, watermark: { boundMs } }] }))
  .chain((spec) =>
    traceArbitrary(spec, { maxItems: 40 }).map((trace): { spec: PipelineSpec; trace: Trace } => ({
      spec,
      trace: [...trace.filter((item) => "record" in item), { source: 0, partition: 0, end: true }],
    })),
  );

const lineOf = (value: unknown, timestamp: number): string => `@${timestamp} ${canonical(value)}`;

/** Writes down texts: a value may be more than a ledger can keep. */
function asTexts(ledger: Ledger<string>): Sink<unknown> {
  const sink = ledger.transactional();
  return {
    description: sink.description,
    transactional: true,
    lastEpoch: async () => ledger.lastEpoch,
    async open(context) {
      const open = await sink.open(context);
      return {
        ...open,
        write(values, timestamps, from, to) {
          const texts = Array.from({ length: to - from }, (_, i) =>
            lineOf(values[from + i], timestamps[from + i]),
          );
          return open.write(texts, timestamps.slice(from, to), 0, texts.length);
        },
      };
    },
  };
}

for (const [name, runs, backend] of backends) {
  describe(`windows with state in ${name}`, () => {
    it("go on after a stop, and after a failure, as if there had been none (INV-4)", async () => {
      await fc.assert(
        fc.asyncProperty(
          plainCase,
          fc.record({ perPoll: fc.integer({ min: 1, max: 6 }), records: fc.integer({ min: 1, max: 12 }) }),
          fc.array(fc.nat(30), { maxLength: 4 }),
          fc.nat(30),
          async ({ spec, trace }, { perPoll, records }, failsAt, stopsAt) => {
            const items = trace.flatMap((item) => ("record" in item ? [item.record] : []));
            const feed = new Feed<Rec>();
            const ledgers = new Map(spec.sinks.map((sink) => [sink.name, new Ledger<string>()]));
            const state = backend(folder(`d${made++}`));
            const app = () =>
              bind(spec, {
                source: () => feed.source({ perPoll }),
                sink: (sink) => asTexts(ledgers.get(sink) as Ledger<string>),
                job: {
                  state,
                  commit: { every: "1h", records },
                  restart: { attempts: 5, backoff: 0, maxBackoff: 0 },
                },
              }).app;
            await runDisturbed(app, feed, items, { failsAt, stopsAt });
            for (const [sink, elements] of evaluate(spec, trace).sinks) {
              const wanted = elements.map(({ value, ts }) => lineOf(value, ts));
              assert.deepEqual(ledgers.get(sink)?.visible.toSorted(), wanted.sort(), sink);
            }
          },
        ),
        propertyOptions(runs),
      );
    });
  });
}
