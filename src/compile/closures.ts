/** The closure path: the same heads and operators, called through closures. Used where code generation is forbidden. */
import { MillraceError } from "../core/errors.ts";
import { aggregatorClosures } from "../operator/aggregator.ts";
import type { Emit, Head } from "../operator/contract.ts";
import { numberAggregatorClosures } from "../operator/number-aggregator.ts";
import { closure } from "../operator/stateless.ts";
import type { Tree } from "../plan/stages.ts";
import type { MakeHead } from "./contract.ts";

export function chainClosures({
  plan,
  outputs,
  isSide,
  direct,
  stalled,
  counts,
  bases,
  position,
  dropped,
  failOperator,
  factory,
  parts,
  aggregator,
  inNumbers,
  ports,
}: MakeHead): Head {
  const outputOf = new Map(plan.outputs.map((edge, i) => [edge, outputs[i]]));

  function emitTo(trees: readonly Tree[]): Emit {
    const emits = trees.map((tree): Emit => {
      if ("edge" in tree) {
        const out = outputOf.get(tree.edge);
        const callback = direct && "sink" in tree.edge.to ? tree.edge.to.sink.sink.callback : undefined;
        if (out === undefined) throw new MillraceError("ENGINE_BUG", "an edge has no batch");
        return callback === undefined
          ? (value, timestamp) => out.push(value, timestamp, position.ordinal)
          : (value, timestamp) => out.call(callback, value, timestamp);
      }
      const { operator, index } = tree;
      return closure({
        node: operator,
        next: tree.ports.map(emitTo),
        fail: (error, value) => failOperator(index, error, value),
        counts,
        base: bases[index],
      });
    });
    if (emits.length === 1) return emits[0];
    return (value, timestamp) => {
      for (const emit of emits) emit(value, timestamp);
    };
  }

  const full = (): boolean =>
    stalled?.() || outputs.some((out) => out.n >= out.limit || out.waiting !== null);

  const sides = plan.ports.slice(1).map(emitTo);

  return factory({
    ...ports,
    ...parts,
    ...(aggregator === null ? {} : aggregatorClosures(aggregator.fields, aggregator.withReplaces)),
    numbers:
      inNumbers && aggregator !== null
        ? numberAggregatorClosures(aggregator.fields, aggregator.outlive)
        : null,
    emit: emitTo(plan.ports[0]),
    side:
      dropped === null
        ? (sides[0] ?? (() => {}))
        : (value: unknown, timestamp: number) => dropped.offer(value, timestamp),
    sides,
    mark(watermark: number) {
      outputs.forEach((out, i) => {
        if (!isSide(i) || watermark === Number.POSITIVE_INFINITY) out.mark(watermark, position.ordinal);
      });
    },
    full,
    room: () => (full() ? 0 : 1),
  });
}
