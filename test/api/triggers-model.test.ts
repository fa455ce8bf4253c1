/**
 * Triggers over random traces: the engine, run in every way, against the plain model. Catches: a time that comes twice, not
 * at all or too early, an entry of a heap that outlives its window, a state that went to the wrong row, a pane of the
 * wrong kind. Behind filters, unions and other windows: an advance of the watermark that hangs on the batch (INV-1).
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  collect,
  count,
  everyCount,
  everyEventTime,
  forEach,
  fromIterable,
  globalWindow,
  onTime,
  pipeline,
  session,
  sliding,
  sum,
  tumbling,
} from "../../src/index.ts";
import { operatorHarness } from "../../src/testing/harness.ts";
import type { TraceItem } from "../../src/testing/scripted-intake.ts";
import { propertyOptions } from "../connector/seed.ts";
import { anyTrigger } from "./trigger-arbitrary.ts";
import { model } from "./trigger-model.ts";
import { run, type Step } from "./trigger-trace.ts";

const windows = fc.oneof(
  fc.integer({ min: 1, max: 20 }).map((size) => tumbling(size)),
  fc
    .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 10 }))
    .map((sizes) => sliding(...sizes)),
  fc.constant(globalWindow()),
);

const time = fc.integer({ min: -20, max: 40 });
const steps: fc.Arbitrary<Step[]> = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: fc.tuple(fc.constantFrom("a", "b", "c"), time) },
      { weight: 2, arbitrary: time.map((w) => ({ w })) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 8 }).map((ms) => ({ ms })) },
    ),
    { maxLength: 30 },
  )
  .map((list): Step[] => [...list, { w: Number.POSITIVE_INFINITY }]);

/** Of one step in any order, but that of the panes of a window. */
const inOrder = (out: readonly string[]): string[] =>
  out.toSorted((a, b) => {
    const windowOf = (line: string): string => line.replace(/ (early|on-time|late) \d+: .*/, "");
    const [left, right] = [windowOf(a), windowOf(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  });

test("windows with a trigger fire what the model says, in every way in which the engine may run them", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        windows,
        trigger: anyTrigger({ byClock: true }),
        latenessMs: fc.constantFrom(0, 5, 30),
        discard: fc.boolean(),
      }),
      steps,
      async (options, trace) => {
        const latenessMs = options.windows.kind === "global" ? 0 : options.latenessMs;
        const { out, rowsLeft } = await run(
          options.windows,
          {
            trigger: options.trigger,
            allowedLateness: latenessMs,
            panes: options.discard ? "discarding" : "accumulating",
          },
          trace,
        );
        // A record between two windows is counted, not given to anybody.
        const isGap = (line: string): boolean =>
          / late -?\d+$/.test(line) &&
          options.windows.kind === "aligned" &&
          options.windows.slideMs > options.windows.sizeMs;
        const lines = (all: readonly string[]) => inOrder(all.filter((line) => !isGap(line)));
        assert.deepEqual(lines(out), lines(model({ ...options, latenessMs }, trace)));
        if (options.windows.kind !== "global") assert.equal(rowsLeft, 0);
      },
    ),
    propertyOptions(100),
  );
});

describe("one advance of the watermark is one, however the batches are cut,", () => {
  interface Item {
    readonly key: string;
    readonly at: number;
  }
  const trigger = onTime({ early: everyEventTime(3) });
  const sink = forEach(() => {});

  const shapes = {
    "behind a filter": (app: ReturnType<typeof pipeline>) =>
      read(app)
        .filter((r) => r.key !== "b")
        .keyBy((r) => r.key)
        .window(tumbling(10), { trigger, allowedLateness: 4 })
        .aggregate(collect((r) => r.at)),
    "behind a union of branches": (app: ReturnType<typeof pipeline>) => {
      const all = read(app);
      return all
        .filter((r) => r.key === "a")
        .union(
          all.filter((r) => r.key !== "a").flatMap((r) => [r, r]),
          read(app, "other"),
        )
        .keyBy((r) => r.key)
        .window(sliding(10, 4), { trigger })
        .aggregate(collect((r) => r.at));
    },
    "behind a union one branch of which is held back": (app: ReturnType<typeof pipeline>) => {
      const all = read(app);
      return all
        .keyBy((r) => r.key)
        .window(session(2))
        .aggregate(count())
        .map((w) => ({ key: w.key, at: w.windowStart }))
        .union(all.filter((r) => r.key !== "a"))
        .keyBy((r) => r.key)
        .window(tumbling(20), { trigger, allowedLateness: 20 })
        .aggregate(collect((r) => r.at));
    },
    "behind another window": (app: ReturnType<typeof pipeline>) =>
      read(app)
        .keyBy((r) => r.key)
        .window(session(2), { trigger: onTime({ early: everyCount(2) }) })
        .aggregate({ n: count() })
        .keyBy(() => "all")
        .window(tumbling(20), { trigger })
        .aggregate(sum((w) => w.n)),
    "for sessions": (app: ReturnType<typeof pipeline>) =>
      read(app)
        .filter((r) => r.key !== "b")
        .keyBy((r) => r.key)
        .window(session(4), { trigger })
        .aggregate(collect((r) => r.at)),
  };

  function read(app: ReturnType<typeof pipeline>, name = "in") {
    return app.source(fromIterable<Item>([]), {
      name,
      timestamp: (r) => r.at,
      watermark: { maxOutOfOrderness: 3 },
    });
  }

  for (const [name, shape] of Object.entries(shapes)) {
    test(name, async () => {
      await fc.assert(
        fc.asyncProperty(steps, async (list) => {
          const sources = name === "behind a union of branches" ? ["in", "other"] : ["in"];
          const trace = list.flatMap((step, i): TraceItem[] => {
            const source = sources[i % sources.length] as string;
            if (typeof step === "number" || "ms" in step || ("w" in step && step.w > 1000)) return [];
            if ("w" in step) return [{ source, watermark: step.w }];
            return [{ source, record: { key: step[0], at: step[1] } }];
          });
          const build = () => {
            const app = pipeline("shape");
            shape(app).to(sink, { name: "out" });
            return app;
          };
          await operatorHarness(build, trace);
        }),
        propertyOptions(40),
      );
    });
  }
});
