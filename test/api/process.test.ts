/** process() by worked examples: states, outputs, accounts; what it refuses. Timers and TTL have files of their own. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  count,
  forEach,
  fromIterable,
  listState,
  mapState,
  MillraceError,
  type OnError,
  output,
  type Pipeline,
  pipeline,
  tumbling,
  valueState,
} from "../../src/index.ts";
import { operatorHarness, testDriver } from "../../src/testing/index.ts";
import { done, failBoth, operator, runBoth } from "./run-both.ts";

interface Order {
  readonly user: string;
  readonly amount: number;
  readonly at: number;
}

const order = (user: string, amount: number, at: number): Order => ({ user, amount, at });

const source = (app: Pipeline, orders: readonly Order[]) =>
  app.source(fromIterable(orders), { name: "orders", timestamp: (o) => o.at });

const keyed = (app: Pipeline, orders: readonly Order[]) => source(app, orders).keyBy((o) => o.user);

const orders = [
  order("ada", 5, 1000),
  order("bob", 7, 2000),
  order("ada", 20, 3000),
  order("bob", 1, 4000),
  order("ada", 1, 5000),
];

describe("states", () => {
  test("a value is that of the key at hand, and its initial one before it was set", async () => {
    const { totals } = await runBoth((app) => ({
      totals: keyed(app, orders).process({
        state: { total: valueState<number>({ initial: () => 0 }) },
        emits: output<string>(),
        onRecord({ amount }, { key, state, emit }) {
          state.total.set(state.total.get() + amount);
          emit(`${key} ${state.total.get()}`);
        },
      }),
    }));
    assert.deepEqual(totals, ["ada 5", "bob 7", "ada 25", "bob 8", "ada 26"]);
  });

  test("a value without an initial one is undefined until it is set, and again when it is cleared", async () => {
    const { seen } = await runBoth((app) => ({
      seen: keyed(app, orders).process({
        state: { last: valueState<number>() },
        emits: output<number | undefined>(),
        onRecord({ amount }, { state, emit }) {
          emit(state.last.get());
          if (amount > 10) state.last.clear();
          else state.last.set(amount);
        },
      }),
    }));
    assert.deepEqual(seen, [undefined, undefined, 5, 7, undefined]);
  });

  test("a list has its elements in the order in which they were added", async () => {
    const { lists } = await runBoth((app) => ({
      lists: keyed(app, orders).process({
        state: { amounts: listState<number>() },
        emits: output<readonly number[]>(),
        onRecord({ amount }, { state: { amounts }, emit }) {
          if (amount === 20) amounts.clear();
          amounts.add(amount);
          amounts.add(-amount);
          emit(amounts.get());
        },
      }),
    }));
    assert.deepEqual(lists, [
      [5, -5],
      [7, -7],
      [20, -20],
      [7, -7, 1, -1],
      [20, -20, 1, -1],
    ]);
  });

  test("a map has its entries in the order of their keys, whatever the order in which they came", async () => {
    const { maps } = await runBoth((app) => ({
      maps: keyed(app, orders).process({
        state: { byAmount: mapState<number | string, number>() },
        emits: output<unknown>(),
        onRecord({ amount, at, user }, { state: { byAmount }, emit }) {
          if (user !== "ada") return;
          byAmount.set(`${amount}`, at);
          byAmount.set(amount, at);
          if (amount === 20) byAmount.delete(5);
          emit([byAmount.entries().map(([k]) => k), byAmount.has(5), byAmount.get(20), byAmount.get("x")]);
          if (amount === 1) byAmount.clear();
          assert.equal(byAmount.has(1), false);
        },
      }),
    }));
    assert.deepEqual(maps, [
      [[5, "5"], true, undefined, undefined],
      [[20, "20", "5"], false, 3000, undefined],
      [[1, 20, "1", "20", "5"], false, 3000, undefined],
    ]);
  });

  test("the key is what keyBy gave, whatever kind of key it is", async () => {
    const { keys } = await runBoth((app) => ({
      keys: source(app, orders.slice(0, 2))
        .keyBy((o) => [o.user, o.amount])
        .process({
          emits: output<readonly [string, number]>(),
          onRecord: (_order, { key, emit }) => emit(key),
        }),
    }));
    assert.deepEqual(keys, [
      ["ada", 5],
      ["bob", 7],
    ]);
  });

  test("two of them behind one keyBy keep their states apart", async () => {
    const { first, second } = await runBoth((app) => {
      const users = keyed(app, orders);
      const counting = (by: number) =>
        users.process({
          state: { n: valueState<number>({ initial: () => 0 }) },
          emits: output<number>(),
          onRecord(_order, { state: { n }, emit }) {
            n.set(n.get() + by);
            emit(n.get());
          },
        });
      return { first: counting(1), second: counting(10) };
    });
    assert.deepEqual(first, [1, 1, 2, 2, 3]);
    assert.deepEqual(second, [10, 10, 20, 20, 30]);
  });

  test("an object may be changed in place where it is set again", async () => {
    const build = () => {
      const app = pipeline("in place");
      keyed(app, [])
        .process({
          state: { basket: valueState<{ items: number[] }>({ initial: () => ({ items: [] }) }) },
          emits: output<number[]>(),
          onRecord({ amount }, { state: { basket }, emit }) {
            const held = basket.get();
            held.items.push(amount);
            basket.set(held);
            emit([...held.items]);
          },
        })
        .to(
          forEach(() => {}),
          { name: "baskets" },
        );
      return app;
    };
    const trace = orders.map((record) => ({ source: "orders", record }));
    const { outputs } = await operatorHarness(build, trace);
    assert.deepEqual(
      outputs.get("baskets")?.map(({ value }) => value),
      [[5], [7], [5, 20], [7, 1], [5, 20, 1]],
    );
  });

  test("an object that is changed and not set is found by the operator harness", async () => {
    const build = () => {
      const app = pipeline("in place");
      keyed(app, [])
        .process({
          state: { basket: valueState<{ n: number }>() },
          emits: output<number>(),
          onRecord({ amount }, { state: { basket }, emit }) {
            const held = basket.get();
            if (held === undefined) basket.set({ n: amount });
            else held.n += amount;
            emit(basket.get()?.n ?? 0);
          },
        })
        .to(forEach(() => {}));
      return app;
    };
    const trace = orders.map((record) => ({ source: "orders", record }));
    await assert.rejects(operatorHarness(build, trace), { code: "ENGINE_BUG" });
  });

  test("a state's own object that is emitted, and changed later, is found by the operator harness", async () => {
    const build = () => {
      const app = pipeline("in place");
      keyed(app, [])
        .process({
          state: { basket: valueState<{ n: number }>({ initial: () => ({ n: 0 }) }) },
          emits: output<{ n: number }>(),
          onRecord({ amount }, { state: { basket }, emit }) {
            const held = basket.get();
            held.n += amount;
            basket.set(held);
            emit(held);
          },
        })
        .to(forEach(() => {}));
      return app;
    };
    const trace = orders.map((record) => ({ source: "orders", record }));
    await assert.rejects(operatorHarness(build, trace), /read only property/);
  });

  test("a function that catches whatever its reads throw gives the same over a backend", async () => {
    const build = () => {
      const app = pipeline("catching");
      keyed(app, [])
        .process({
          state: { total: valueState<number>({ initial: () => 0 }), seen: mapState<number, true>() },
          emits: output<string>(),
          onRecord({ amount }, { key, state: { total, seen }, emit }) {
            let before = Number.NaN;
            let known = false;
            try {
              before = total.get();
              known = seen.has(amount);
            } catch {
              // A user may think that nothing here is of importance.
            }
            emit(`${key} ${before} ${known}`);
            if (amount === 0) return;
            total.set(before + amount);
            seen.set(amount, true);
          },
        })
        .to(forEach(() => {}));
      return app;
    };
    const looks = [order("ada", 0, 6000), order("bob", 0, 6000)];
    const trace = [...orders, ...looks, ...orders, ...looks].map((record) => ({ source: "orders", record }));
    await operatorHarness(build, trace);
  });

  test("touches spares a function its second run over a backend", async () => {
    const runs = async (touches: boolean): Promise<number> => {
      let calls = 0;
      const app = pipeline("touching");
      keyed(app, [])
        .process({
          state: { seen: mapState<number, number>(), all: listState<number>() },
          ...(touches ? { touches: { seen: (o: Order) => [o.amount], all: "all" as const } } : {}),
          onRecord({ amount }, { state: { seen, all } }) {
            calls += 1;
            seen.set(amount, (seen.get(amount) ?? 0) + 1);
            all.get();
            all.add(amount);
          },
        })
        .to(forEach(() => {}));
      const t = await testDriver(app, { evict: "every-turn" });
      for (const record of orders) await t.push("orders", record);
      await t.close();
      return calls;
    };
    assert.equal(await runs(true), orders.length);
    assert.ok((await runs(false)) > orders.length);
  });
});

describe("what it gives", () => {
  test("has the timestamp of the record, unless another is given", async () => {
    const app = pipeline("stamps");
    const stamped = keyed(app, []).process({
      emits: output<string>(),
      outputs: { aside: output<string>() },
      onRecord({ at }, { emit, output, timestamp }) {
        emit(`${timestamp}`);
        emit("earlier", at - 0.5);
        output("aside", "aside");
        output("aside", "later", at + 10);
      },
    });
    stamped.to(
      forEach(() => {}),
      { name: "main" },
    );
    stamped.outputs.aside.to(
      forEach(() => {}),
      { name: "aside" },
    );
    const t = await testDriver(app);
    await t.push("orders", order("ada", 1, 1000));
    assert.deepEqual(t.take("main"), [
      { value: "1000", timestamp: 1000 },
      { value: "earlier", timestamp: 999 },
    ]);
    assert.deepEqual(t.take("aside"), [
      { value: "aside", timestamp: 1000 },
      { value: "later", timestamp: 1010 },
    ]);
  });

  test("flows into windows, on every output, with the watermark of the input", async () => {
    const { all, large } = await runBoth((app) => {
      const split = keyed(app, orders).process({
        emits: output<Order>(),
        outputs: { large: output<Order>() },
        onRecord(o, { emit, output }) {
          emit(o);
          if (o.amount > 5) output("large", o);
        },
      });
      const counted = (stream: typeof split.outputs.large) =>
        stream
          .keyBy((o) => o.user)
          .window(tumbling("2s"))
          .aggregate(count())
          .map(({ key, windowStart, value }) => `${key} ${windowStart} ${value}`);
      return { all: counted(split), large: counted(split.outputs.large) };
    });
    assert.deepEqual(all, ["ada 0 1", "bob 2000 1", "ada 2000 1", "bob 4000 1", "ada 4000 1"]);
    assert.deepEqual(large, ["bob 2000 1", "ada 2000 1"]);
  });

  test("comes from late records too", async () => {
    const app = pipeline("late");
    keyed(app, [])
      .process({ emits: output<number>(), onRecord: (o, { emit, watermark }) => emit(watermark - o.at) })
      .to(
        forEach(() => {}),
        { name: "lag" },
      );
    const t = await testDriver(app);
    await t.push("orders", order("ada", 1, 5000));
    await t.push("orders", order("ada", 1, 1000));
    assert.deepEqual(t.take("lag"), [
      { value: Number.NEGATIVE_INFINITY, timestamp: 5000 },
      { value: 4000, timestamp: 1000 },
    ]);
    assert.equal(t.report().operators.find(({ kind }) => kind === "process")?.done.late, 0);
  });

  test("is counted, output by output", async () => {
    const { report } = await runBoth((app) => {
      const split = keyed(app, orders).process({
        state: { n: valueState<number>() },
        emits: output<number>(),
        outputs: { twice: output<number>() },
        onRecord(o, { emit, output, state }) {
          state.n.set(o.amount);
          if (o.amount > 5) emit(o.amount);
          output("twice", o.amount);
          output("twice", o.amount);
        },
      });
      return { main: split.map((n) => n), twice: split.outputs.twice.filter((n) => n > 5, { name: "few" }) };
    });
    const found = operator(report, "process");
    assert.deepEqual([found.in, found.out, found.rows], [5, 2, 2]);
    assert.deepEqual(done(report, "process"), { contributed: 5 });
    assert.deepEqual([operator(report, "map").in, operator(report, "few").in], [2, 10]);
    assert.deepEqual(found.process, { timers: 0, failedTimers: 0, expired: 0 });
  });
});

describe("a function that throws", () => {
  const failing = (app: Pipeline, onError: OnError) =>
    keyed(app, orders).process(
      {
        state: { total: valueState<{ n: number }>({ initial: () => ({ n: 0 }) }), all: listState<number>() },
        emits: output<string>(),
        onRecord({ amount }, { key, state: { total, all }, timers, emit }) {
          const sum = total.get();
          sum.n += amount;
          total.set(sum);
          all.add(amount);
          emit(`${key} ${sum.n} ${all.get().join("+")}`);
          timers.setEventTime(amount === 20 ? "bad" : "good", 100_000);
          if (amount === 20) throw new RangeError("too much");
        },
        onTimer(timer, { key, emit }) {
          emit(`${key} ${timer.name}`);
          if (key === "bob") throw new RangeError("bob again");
        },
      },
      { name: "totals", onError },
    );

  test("with skip leaves nothing behind: no state, no timer, no record", async () => {
    const { totals, report } = await runBoth((app) => ({ totals: failing(app, "skip") }));
    assert.deepEqual(totals, ["ada 5 5", "bob 7 7", "bob 8 7+1", "ada 6 5+1", "ada good"]);
    assert.deepEqual(done(report, "totals"), { contributed: 4, skipped: 1 });
    assert.deepEqual(operator(report, "totals").process, { timers: 2, failedTimers: 1, expired: 0 });
  });

  test("with dead-letter gives the record, or the timer with its key", async () => {
    const { totals, letters } = await runBoth((app) => ({ totals: failing(app, "dead-letter") }), {
      deadLetters: true,
    });
    assert.equal(totals.length, 5);
    assert.deepEqual(
      letters.map(({ operator, reason, value }) => ({ operator, reason, value })),
      [
        {
          operator: "totals",
          reason: "The function of totals threw RangeError: too much",
          value: order("ada", 20, 3000),
        },
        {
          operator: "totals",
          reason: "The function of totals threw RangeError: bob again",
          value: { key: "bob", name: "good", time: 100_000, domain: "event" },
        },
      ],
    );
  });

  test("with fail ends the job, and says where", async () => {
    const error = await failBoth((app) => ({ totals: failing(app, "fail") }));
    assert.equal(error.code, "USER_FUNCTION_FAILED");
    assert.match(error.message, /The function of totals threw RangeError: too much/);
    assert.equal(error.context.operator, "totals");
  });

  test("further down is not the failure of the function that emitted, and can't be caught in it", async () => {
    const error = await failBoth((app) => ({
      out: keyed(app, orders)
        .process({
          emits: output<number>(),
          onRecord({ amount }, { emit }) {
            try {
              emit(amount);
            } catch {
              assert.fail("emit has nothing to throw");
            }
          },
        })
        .map(
          (n) => {
            if (n === 7) throw new RangeError("seven");
            return n;
          },
          { name: "below" },
        ),
    }));
    assert.equal(error.context.operator, "below");
  });
});

describe("process refuses", () => {
  const refused = async (code: string, text: RegExp, build: (app: Pipeline) => unknown): Promise<void> => {
    await assert.rejects(
      async () => {
        const app = pipeline("refused");
        build(app);
        await app.run({ handleSignals: false });
      },
      (error: unknown) => {
        assert.ok(error instanceof MillraceError, String(error));
        assert.equal(error.code, code);
        assert.match(error.message, text);
        return true;
      },
    );
  };
  const bad = (spec: unknown) => (app: Pipeline) =>
    keyed(app, orders)
      .process(spec as never)
      .to(forEach(() => {}));
  const onRecord = (): void => {};

  for (const [what, spec, text] of [
    ["no object", null, /process takes an object with onRecord, not null/],
    ["a missing onRecord", {}, /onRecord is a function, not undefined/],
    ["an onTimer that is no function", { onRecord, onTimer: 5 }, /onTimer is a function, not 5/],
    ["a state that is not declared", { onRecord, state: { n: 5 } }, /state n is made by valueState/],
    ["a state without a usable name", { onRecord, state: { "a b": valueState() } }, /"a b" can't be/],
    ["an output that is not declared", { onRecord, outputs: { a: "a" } }, /a is output<\.\.\.>\(\)/],
    ["an emits that is not declared", { onRecord, emits: "a" }, /emits is output<\.\.\.>\(\)/],
    ["touches of a stranger", { onRecord, touches: { n: "all" } }, /touches names n, which is no state/],
    [
      "touches of a value",
      { onRecord, state: { n: valueState() }, touches: { n: "all" } },
      /touches can't say "all" of n, a value/,
    ],
  ] as const) {
    test(what, () => refused("OPTION_INVALID", text, bad(spec)));
  }

  for (const [what, options, text] of [
    ["a TTL of nothing", { ttl: 0 }, /values that live for 0 ms/],
    ["another kind of time", { ttl: "1h", ttlTime: "wall" }, /ttlTime is "event" or "processing"/],
    ["schema and codec at once", { schema: {}, codec: {} }, /not both/],
    ["a schema that is none", { schema: {} }, /is neither/],
    ["an initial that is no function", { initial: 0 }, /initial is a function/],
    ["a version below 1", { version: 0 }, /a version is a whole number from 1 on/],
    ["an upcaster from a version to come", { version: 2, upcast: { 2: (v: unknown) => v } }, /upcaster/],
  ] as const) {
    test(`a state with ${what}`, () => {
      assert.throws(
        () => valueState(options as never),
        (error: unknown) => {
          assert.ok(error instanceof MillraceError);
          assert.equal(error.code, "OPTION_INVALID");
          assert.match(error.message, text);
          return true;
        },
      );
    });
  }

  test("a TTL of event time where there is none", () =>
    refused("EVENT_TIME_MISSING", /The ttl of n in process needs event time/, (app) =>
      app
        .source(fromIterable(orders))
        .keyBy((o) => o.user)
        .process({ state: { n: valueState<number>({ ttl: "1h" }) }, onRecord })
        .to(forEach(() => {})),
    ));

  test("an async function, at its first record", () =>
    refused("PIPELINE_INVALID", /A function of process is async/, bad({ onRecord: async () => {} })));

  test("an output that it does not have", () =>
    refused(
      "PIPELINE_INVALID",
      /process has no output "other"; it has aside/,
      bad({
        outputs: { aside: output() },
        onRecord: (_: unknown, ctx: { output(name: string, value: number): void }) => ctx.output("other", 1),
      }),
    ));

  test("a timestamp that is none", () =>
    refused("TIMESTAMP_INVALID", /process gives a record at NaN/, (app) =>
      keyed(app, orders)
        .process({
          emits: output<number>(),
          onRecord: (_order, { emit }) => emit(1, Number.NaN),
        })
        .to(forEach(() => {})),
    ));

  test("a key of a map that is none", () =>
    refused("KEY_INVALID", /null is no key/, (app) =>
      keyed(app, orders)
        .process({
          state: { m: mapState<string, number>() },
          onRecord: (_order, { state }) => state.m.set(null as never, 1),
        })
        .to(forEach(() => {})),
    ));
});

test("explain shows its states, what bounds them, and its outputs", () => {
  const app = pipeline("explained");
  const processed = app
    .source(fromIterable(orders), { timestamp: (o) => o.at, watermark: "none" })
    .keyBy((o) => o.user)
    .process({
      state: {
        total: valueState<number>(),
        recent: listState<number>({ ttl: "1h" }),
        seen: mapState<string, number>({ ttl: "1d", ttlTime: "processing" }),
      },
      outputs: { alerts: output<string>() },
      onRecord: () => {},
      onTimer: () => {},
    });
  processed.to(forEach(() => {}));
  processed.outputs.alerts.to(forEach(() => {}));
  const text = app.explain();
  for (const line of [
    "stage 2  process process: with timers, outputs alerts",
    "  state: total: a value, one row per key",
    "  bound: none: values stay until they are cleared",
    "  state: recent: a list, one row per element",
    "  bound: what was written in the last 1h of event time, and what is ahead of the watermark",
    "  state: seen: a map, one row per entry",
    "  bound: what was written in the last 1d of processing time",
    "  state: timers: one row per key and name; when each is due stays in memory",
    "  output alerts:",
    "  process: total has no ttl: values of all keys stay until they are cleared",
    "  process: its timers of event time, the ttl of recent: not due before the end of the input: source source gives no watermark",
  ])
    assert.ok(text.split("\n").includes(line), `${line}\n---\n${text}`);
  assert.match(app.explain("mermaid"), /-->\|"alerts"\|/);
});
