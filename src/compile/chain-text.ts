/**
 * The text of what follows a head: its trees of stateless operators down to the writes to the stage's outputs.
 *
 * A run of operators without a split is one `try`, in which `at` says how far the record came: a `try` around each
 * call costs 4-5 ns a record in a chain of eight.
 */
import { isStep, type Split, type Step, splitText, stepText } from "../operator/stateless-text.ts";
import type { EdgePlan, Tree } from "../plan/stages.ts";

export interface ChainTextContext {
  /** The name of an output in the text. */
  readonly outputName: (edge: EdgePlan) => string;
  readonly bases: readonly number[];
  /** Callback sinks are called from here. */
  readonly direct: boolean;
  bind(value: unknown): string;
}

type OperatorTree = Extract<Tree, { readonly operator: unknown }>;

/** The statements that give the record in the variable to each of the trees. */
export function chainText(trees: readonly Tree[], value: string, context: ChainTextContext): string {
  return trees
    .map((tree) => ("edge" in tree ? edgeText(tree.edge, value, context) : runText(tree, value, context)))
    .join("");
}

function runText(first: OperatorTree, value: string, context: ChainTextContext): string {
  const { bases, bind } = context;
  const run: OperatorTree[] = [];
  let rest: readonly Tree[] = [first];
  for (let tree = rest[0]; rest.length === 1 && "operator" in tree && isStep(tree.operator); [tree] = rest) {
    run.push(tree);
    rest = tree.ports[0];
  }
  const label = `b${first.index}`;
  if (run.length === 0) {
    const below = (port: number, name: string): string => chainText(first.ports[port], name, context);
    const split = splitText(
      first.operator as Split,
      first.index,
      { value, base: bases[first.index], label, bind },
      below,
    );
    return `${label}: { ${split} }\n`;
  }
  const variables: string[] = [];
  /** What the operators work on, the last one first: `at === i ? variable : ...` */
  let workedOn = value;
  let current = value;
  const steps = run.map(({ operator, index }) => {
    const result = `v${index}`;
    if (current !== value) workedOn = `at === ${index} ? ${current} : ${workedOn}`;
    const step = stepText(operator as Step, result, { value: current, base: bases[index], label, bind });
    if (operator.kind === "map") {
      variables.push(result);
      current = result;
    }
    return `at = ${index}; ${step}`;
  });
  const [end] = rest;
  // A callback at the end of the run shares its `try`.
  const call = rest.length === 1 && "edge" in end ? callText(end.edge, current, context) : null;
  if (call !== null) steps.push(`at = -1; ${call.attempt}`);
  const refuse = call === null ? "" : `if (at < 0) ${call.refuse} `;
  return `${label}: { let ${["at", "r", ...variables].join(", ")};
try { ${steps.join("\n")} } catch (e) { ${refuse}fail(at, e, ${workedOn}); break ${label}; }
${call === null ? chainText(rest, current, context) : call.after} }
`;
}

function edgeText(edge: EdgePlan, value: string, context: ChainTextContext): string {
  const call = callText(edge, value, context);
  if (call === null) return `${pushText(edge, value, context)}\n`;
  return `{ let r; try { ${call.attempt} } catch (e) { ${call.refuse} } ${call.after} }\n`;
}

function pushText(edge: EdgePlan, value: string, { outputName }: ChainTextContext): string {
  const out = outputName(edge);
  const ordinal = edge.ordered ? ` ${out}.ord[n] = position.ordinal;` : "";
  return `{ const n = ${out}.n; if (n === ${out}.ts.length) ${out}.grow(); ${out}.values[n] = ${value}; ${out}.ts[n] = timestamp; ${out}.wm[n] = ${out}.last;${ordinal} ${out}.n = n + 1; }`;
}

/** The call of a sink's callback, what to do if it throws, and with what it returns in `r`; null for other edges. */
function callText(edge: EdgePlan, value: string, context: ChainTextContext) {
  const callback = context.direct && "sink" in edge.to ? edge.to.sink.sink.callback : undefined;
  if (callback === undefined) return null;
  const out = context.outputName(edge);
  return {
    attempt: `if (${out}.waiting === null) { ${out}.written += 1; r = ${context.bind(callback)}(${value}, timestamp); } else ${pushText(edge, value, context)}`,
    refuse: `${out}.refuse(e);`,
    after: `if (r !== undefined) ${out}.await(r);`,
  };
}

/** Whether one record of the head can make more than one record on one of the outputs. */
export function multiplies(trees: readonly Tree[]): boolean {
  return trees.some(
    (tree) => "operator" in tree && (tree.operator.kind === "flatMap" || tree.ports.some(multiplies)),
  );
}
