/**
 * Changelogs of windows of all kinds. Catches: rows that are forgotten while their window can still fire, or kept after
 * it; retractions of another row than is out; what hangs on batches, on where rows are, on who changes a row meanwhile.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Change, forEach, fromIterable, type Pipeline, pipeline } from "../../src/index.ts";
import { NONE } from "../../src/operator/batch.ts";
import { operatorHarness, type Output, testDriver, type TraceItem } from "../../src/testing/index.ts";
import { propertyOptions } from "../connector/seed.ts";
import { contentOf, idOf, Panes, Table } from "./changelog-oracle.ts";
import { type Item, type Program, programs, resultsOf, type Row, traces } from "./changelog-program.ts";

const nowhere = () => forEach<unknown>(() => {});

function build(program: Program, throttle?: number): Pipeline {
  const app = pipeline("changes");
  const results = resultsOf(app, fromIterable<Item>([]), program);
  results.to(nowhere(), { name: "panes" });
  results.changelog(throttle === undefined ? {} : { throttle }).to(nowhere(), { name: "changes" });
  if (throttle !== undefined) results.throttle(throttle).to(nowhere(), { name: "rows" });
  return app;
}

const rowsOf = (outputs: readonly Output[]) => outputs.map(({ value }) => value as Row);
const changesOf = (outputs: readonly Output[]) => outputs.map(({ value }) => value as Change<Row>);

/** Calls back after each item, and after the end, with what came since. */
async function stepwise(
  app: Pipeline,
  trace: readonly TraceItem[],
  look: (take: (sink: string) => Output[], isEnd: boolean, watermark: number) => void,
): Promise<void> {
  const driver = await testDriver(app, { batchRecords: 1 });
  for (const item of trace) {
    await driver.feed([item]);
    look((sink) => driver.take(sink), false, driver.report().sources[0].watermark);
  }
  await driver.end();
  look((sink) => driver.take(sink), true, Number.POSITIVE_INFINITY);
  await driver.close();
}

/** The state of a global window itself stays, also at the end. */
async function inEveryWay(program: Program, trace: readonly TraceItem[], throttle?: number): Promise<void> {
  const end = program.windows.kind !== "global";
  const items: readonly TraceItem[] = end ? trace : [...trace, { source: "in", end: true }];
  await operatorHarness(() => build(program, throttle), items, { batchSizes: [2, 7], end });
}

describe("a changelog", () => {
  it("is at every point the table of the latest panes, and says of each pane what it changes, at its time", async () => {
    await fc.assert(
      fc.asyncProperty(programs, traces(40), async (program, trace) => {
        const panes = new Panes();
        const table = new Table();
        await stepwise(build(program), trace, (take) => {
          const expected = take("panes").flatMap(({ value, timestamp }) =>
            panes.add(value as Row).map((value) => ({ value, timestamp })),
          );
          const changes = take("changes");
          assert.deepEqual(changes, expected);
          for (const change of changesOf(changes)) table.apply(change);
          assert.deepEqual(table.rows, panes.standing);
        });
      }),
      propertyOptions(150),
    );
  });

  it("is the same in every way of running, and leaves no state behind (INV-1)", async () => {
    await fc.assert(
      fc.asyncProperty(programs, traces(30), async (program, trace) => {
        await inEveryWay(program, trace);
      }),
      propertyOptions(25),
    );
  });

  it("doesn't hang on what others make of its rows", async () => {
    const spoil = (value: unknown) => Object.assign(value as object, { top: "spoilt" });
    await fc.assert(
      fc.asyncProperty(
        programs,
        traces(25),
        fc.constantFrom(undefined, 25),
        async (program, trace, throttle) => {
          const outputsOf = async (isSpoilt: boolean) => {
            const app = pipeline("changes");
            const changes = resultsOf(app, fromIterable<Item>([]), program).changelog(
              throttle === undefined ? {} : { throttle },
            );
            const texts = changes.map((change) => JSON.stringify(change));
            texts.to(nowhere(), { name: "texts" });
            if (isSpoilt) changes.peek(({ row }) => spoil(row)).to(nowhere());
            const driver = await testDriver(app);
            await driver.feed(trace);
            await driver.end();
            return driver.take("texts");
          };
          assert.deepEqual(await outputsOf(true), await outputsOf(false));
        },
      ),
      propertyOptions(40),
    );
  });
});

/** When windows changed, held against an interval. */
class Pace {
  private readonly changedAt = new Map<string, number>();
  private readonly everyMs: number;

  constructor(everyMs: number) {
    this.everyMs = everyMs;
  }

  changes(id: string, now: number, isFirst: boolean, isOver: boolean): void {
    if (!isFirst && !isOver) assert.ok(this.mayChange(id, now), `${id} changes again too early`);
    this.changedAt.set(id, now);
  }

  mayChange(id: string, now: number): boolean {
    return now - (this.changedAt.get(id) ?? Number.NEGATIVE_INFINITY) >= this.everyMs;
  }
}

describe("a throttled changelog", () => {
  it("changes a window at most once per interval, unless that is over, and is behind by no more", async () => {
    await fc.assert(
      fc.asyncProperty(
        programs,
        traces(40),
        fc.constantFrom(10, 25, 60),
        async (program, trace, throttle) => {
          const panes = new Panes();
          const changed = new Table();
          const rows = new Panes();
          const paces = { changes: new Pace(throttle), rows: new Pace(throttle) };
          const latenessMs = Number(program.options.allowedLateness ?? 0);
          let now = 0;
          let at = 0;
          await stepwise(build(program, throttle), trace, (take, isEnd, watermark) => {
            const item = trace[at++];
            if (item !== undefined && "advanceMs" in item) now += item.advanceMs;
            const isOver = ({ windowEnd }: Row): boolean =>
              isEnd || (windowEnd !== null && windowEnd + latenessMs <= watermark);
            for (const row of rowsOf(take("panes"))) panes.add(row);
            for (const change of changesOf(take("changes"))) {
              const { op, row } = change;
              changed.apply(change);
              if (op === "+I" || op === "+U") paces.changes.changes(idOf(row), now, op === "+I", isOver(row));
            }
            for (const row of rowsOf(take("rows"))) {
              const isFirst = !rows.standing.has(idOf(row));
              rows.add(row);
              paces.rows.changes(idOf(row), now, isFirst, isOver(row));
            }
            assert.deepEqual([...changed.rows.keys()].sort(), [...panes.standing.keys()].sort());
            assert.deepEqual([...rows.standing.keys()].sort(), [...panes.standing.keys()].sort());
            for (const [id, row] of panes.standing) {
              if (isEnd || paces.changes.mayChange(id, now))
                assert.deepEqual(contentOf(changed.rows.get(id) as Row), contentOf(row));
              if (isEnd || paces.rows.mayChange(id, now))
                assert.deepEqual(contentOf(rows.standing.get(id) as Row), contentOf(row));
            }
          });
        },
      ),
      propertyOptions(150),
    );
  });

  it("is the same in every way of running, and leaves no state behind (INV-1)", async () => {
    const singly: fc.Arbitrary<readonly TraceItem[]> = traces(25).map((trace) =>
      // The clock moves between turns: what is in one turn must not hang on how many fit.
      trace.flatMap((item) => [item, { advanceMs: 1 }]),
    );
    await fc.assert(
      fc.asyncProperty(programs, singly, async (program, trace) => {
        await inEveryWay(program, trace, 25);
      }),
      propertyOptions(25),
    );
  });

  it("holds its watermark back, so that nothing that was in time is late behind it (INV-6)", async () => {
    await fc.assert(
      fc.asyncProperty(programs, traces(40), async (program, trace) => {
        const app = pipeline("held");
        const results = resultsOf(app, fromIterable<Item>([]), program);
        results.throttle(30).to(nowhere());
        let reached = Number.NEGATIVE_INFINITY;
        const driver = await testDriver(app, {
          batchRecords: 3,
          onRun({ plan, outputs: [out] }) {
            if (plan.head.kind !== "changelog") return;
            let watermark = out.start;
            for (let i = 0; i < out.n; i++) {
              const row = out.values[i] as Row;
              if (row !== NONE && row.pane !== "late") assert.ok(out.ts[i] >= watermark, JSON.stringify(row));
              assert.ok(out.wm[i] >= watermark);
              watermark = out.wm[i];
            }
            reached = out.last;
          },
        });
        await driver.feed(trace);
        await driver.end();
        assert.equal(reached, Number.POSITIVE_INFINITY);
      }),
      propertyOptions(100),
    );
  });
});
