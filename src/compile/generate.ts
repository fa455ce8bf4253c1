/**
 * The stage compiler: one generated function per stage.
 *
 * Its text is made of the stage's chains (chain-text.ts), its aggregator, the writes to its outputs, and the
 * source text of its head's factory. Made anew for each stage, each of these is code of its own for V8: a call site
 * sees one function and one object shape, so the user's functions are inlined and what they make between two
 * operators need not exist. (Eight maps over eight shapes: 110-127 ns a record through shared code, 5-7 ns fused.)
 *
 * User functions, names and literals enter as bound parameters `$[i]`, never as text.
 */
import { aggregatorText } from "../operator/aggregator.ts";
import type { Head } from "../operator/contract.ts";
import { numberAggregatorText } from "../operator/number-aggregator.ts";
import type { EdgePlan } from "../plan/stages.ts";
import { chainText, multiplies } from "./chain-text.ts";
import type { MakeHead } from "./contract.ts";

export function generate(make: MakeHead): Head {
  const bound: unknown[] = [];
  const source = stageText(make, (value) => `$${bound.push(value) - 1}`);
  const names = bound.map((_, i) => `$${i}`);
  // Each bound parameter is a constant of the function, so that V8 can see which function a call will reach.
  const stage = new Function("$", `"use strict";\nconst [${names.join(", ")}] = $;\n${source}`);
  return stage(bound);
}

/** The text of a stage's function. `bind` takes a value and returns the name by which the text has it. */
export function stageText(
  {
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
  }: MakeHead,
  bind: (value: unknown) => string,
): string {
  const outName = new Map<EdgePlan, string>(plan.outputs.map((edge, i) => [edge, `o${i}`]));

  const context = { outputName: (edge: EdgePlan) => outName.get(edge) as string, bases, direct, bind };

  const marks = plan.outputs.map((edge, i) => {
    const out = `o${i}`;
    const write = edge.ordered
      ? `${out}.mark(watermark, position.ordinal);`
      : `${out}.last = watermark; if (${out}.n > 0) ${out}.wm[${out}.n - 1] = watermark; else ${out}.start = watermark;`;
    return isSide(i) ? `if (watermark === Infinity) { ${write} }` : write;
  });
  const limited = outputs
    .map((out, i) => ({ out, name: `o${i}` }))
    .filter(({ out }) => out.limit !== Number.POSITIVE_INFINITY);
  const full = [
    ...(stalled === null ? [] : [`${bind(stalled)}()`]),
    ...limited.map(({ out, name }) => `${name}.n >= ${Number(out.limit)} || ${name}.waiting !== null`),
  ];
  const room =
    stalled !== null || multiplies(plan.ports[0])
      ? "full() ? 0 : 1"
      : `full() ? 0 : Math.min(Infinity, ${limited.map(({ out, name }) => `${Number(out.limit)} - ${name}.n`).join(", ")})`;

  return `const counts = ${bind(counts)}, position = ${bind(position)}, fail = ${bind(failOperator)};
${outputs.map((out, i) => `const o${i} = ${bind(out)};`).join("\n")}
function emit(value, timestamp) {
${chainText(plan.ports[0], "value", context)}}
function side(value, timestamp) {
${dropped === null ? "" : `${bind(dropped)}.offer(value, timestamp);\n`}${chainText(plan.ports[1] ?? [], "value", context)}}
const sides = [side${plan.ports
    .slice(2)
    .map((trees) => `, function (value, timestamp) {\n${chainText(trees, "value", context)}}`)
    .join("")}];
function mark(watermark) {
${marks.join("\n")}
}
function full() { return ${full.length === 0 ? "false" : full.join(" || ")}; }
function room() { return ${room}; }
${aggregator === null ? "" : aggregatorText(aggregator.fields, aggregator.withReplaces, bind)}
const numbers = ${inNumbers && aggregator !== null ? numberAggregatorText(aggregator.fields, aggregator.outlive, bind) : "null"};
const parts = { ${Object.entries(parts)
    .map(([name, part]) => `${name}: ${part.toString()}`)
    .join(",\n")} };
const head = ${factory.toString()};
return head({ ...${bind(ports)}, ...parts, emit, side, sides, mark, full, room${aggregator === null ? "" : ", create, add, probe, merge, result, numbers"} });
`;
}
