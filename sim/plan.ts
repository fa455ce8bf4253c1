/** The pipeline of a scenario as one life of the process builds it: over simulated sources and watched sinks. */
import type { DeadLetter, Sink } from "../src/connector/contract.ts";
import { inputsOf, type Plan, type PlanNode } from "../src/plan/node.ts";
import { hasBad } from "./case/items.ts";
import { type Laws, laneOfRow } from "./check/laws.ts";
import type { Engine } from "./engine/entry.ts";
import type { OutRow, Place } from "./places/place.ts";
import type { Life } from "./world/life.ts";
import { simulatedSource } from "./world/source.ts";
import type { World } from "./world/world.ts";

export function planOf(engine: Engine, world: World, life: Life, laws: Laws): Plan {
  const { scenario, places } = world;
  const { case: own } = scenario;
  const app = own.build(engine, {
    sink: (name) => rowSink(engine, life, laws, name, places.get(name) as Place, own.rowOf),
    source: (index) =>
      simulatedSource({
        index,
        partitions: own.inputs[index],
        bounded: scenario.merging,
        slices: scenario.slices,
        mostAtOnce: scenario.mostAtOnce,
        delayMs: scenario.delayMs,
        life,
        onOpen: (source, positions) => laws.sourceOpened(source, positions),
        onPoll: (poll) => world.history.add(poll),
        mark: () => world.history.mark,
      }),
  });
  if (!hasBad(own.inputs)) return app.plan();
  const letters = places.get("deadLetters") as Place;
  app.deadLetters.to(rowSink(engine, life, laws, "deadLetters", letters, rowOfLetter) as Sink<DeadLetter>);
  return lenient(app.plan());
}

function rowOfLetter(letter: unknown): string {
  const { source, partition, offset, code } = letter as DeadLetter;
  return `${source}/${partition}/${offset} ${code}`;
}

/** The plan, with sources that send bad inputs to the dead letters. */
function lenient(plan: Plan): Plan {
  const replaced = new Map<PlanNode, PlanNode>();
  const nodes = plan.nodes.map((node): PlanNode => {
    const [input] = inputsOf(node).map(({ node: from, port }) => ({
      node: replaced.get(from) as PlanNode,
      port,
    }));
    let next: PlanNode;
    if (node.kind === "source") next = { ...node, onError: "dead-letter" };
    else if (node.kind === "union")
      next = {
        ...node,
        inputs: node.inputs.map(({ node: from, port }) => ({ node: replaced.get(from) as PlanNode, port })),
      };
    else next = { ...node, input };
    replaced.set(node, next);
    return next;
  });
  return { ...plan, nodes };
}

/** A place as a sink of whatever flows, watched when it commits. */
function rowSink(
  engine: Engine,
  life: Life,
  laws: Laws,
  name: string,
  place: Place,
  rowOf: (value: unknown, timestamp: number) => string,
): Sink<unknown> {
  const sink = place.sink(engine, life);
  const outRow = (value: unknown, timestamp: number): OutRow => {
    const row = rowOf(value, timestamp);
    return { row, lane: laneOfRow(row) };
  };
  const { callback, ...rest } = sink;
  return {
    ...(rest as Sink<unknown>),
    ...(callback === undefined
      ? {}
      : { callback: (value, timestamp) => callback(outRow(value, timestamp), timestamp) }),
    async open(context) {
      const open = await sink.open(context);
      const { epochs } = open;
      let failedEpoch: number | null = null;
      return {
        write: (values, timestamps, from, to) =>
          open.write(
            values.slice(from, to).map((value, i) => outRow(value, timestamps[from + i])),
            timestamps.slice(from, to),
            0,
            to - from,
          ),
        flush: () => open.flush(),
        close: () => open.close(),
        ...(epochs === undefined
          ? {}
          : {
              epochs: {
                lastEpoch: epochs.lastEpoch,
                prepare: (epoch: number, last: boolean) => epochs.prepare(epoch, last),
                async commit(epoch: number, handle) {
                  laws.commits(name, epoch, failedEpoch);
                  failedEpoch ??= epoch;
                  await epochs.commit(epoch, handle);
                  failedEpoch = null;
                },
              },
            }),
      };
    },
  };
}
