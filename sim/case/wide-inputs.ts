/** Inputs of many keys: an epoch changes many rows, and a cache can't hold them. */
import type { PipelineSpec, Rec, RecordKey } from "../../test/property/spec.ts";
import type { Dice } from "../world/dice.ts";
import type { Inputs, Item } from "./items.ts";

const MOST_RECORDS = 300;

export function wideInputs(spec: PipelineSpec, dice: Dice): Inputs {
  const keys = Math.round(dice.scale(3, 150));
  const keyOf = (n: number): RecordKey =>
    n % 3 === 0 ? n : n % 3 === 1 ? `key ${n}` : [n % 2 === 0 ? "even" : "odd", n];
  const inputs = spec.sources.map(({ partitions }) => Array.from({ length: partitions }, (): Item[] => []));
  const records = Math.round(dice.scale(50, MOST_RECORDS));
  // How fast event time goes: many windows of few records, or few of many.
  const pace = dice.scale(0.05, 5);
  const disorder = dice.pick([1, 3, 10, 30]);
  let now = dice.pick([0, 1_700_000_000_000]);
  for (let id = 0; id < records; id++) {
    now += dice.next() * 2 * pace;
    const source = dice.below(inputs.length);
    const items = dice.pick(inputs[source]);
    const at = Math.floor(now) - dice.below(disorder);
    if (dice.chance(0.03)) items.push({ watermark: at - dice.below(10) });
    const record: Rec = { id, key: keyOf(dice.below(keys)), at, value: dice.below(15) - 5 };
    items.push({ record });
  }
  return inputs;
}
