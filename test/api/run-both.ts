/** Each pipeline test runs on both code paths: generated stages and closures. They must agree, report included. */
import assert from "node:assert/strict";
import {
  type DeadLetter,
  forEach,
  MillraceError,
  type Pipeline,
  pipeline,
  type RunOptions,
  type RunReport,
  type Stream,
} from "../../src/index.ts";

type Outputs = Readonly<Record<string, Stream<any>>>;
type RecordsOf<O> = { readonly [N in keyof O]: O[N] extends Stream<infer T> ? T[] : never };

export interface BothOptions extends RunOptions {
  /** Gives the dead-letter stream a sink; `letters` holds what came. */
  readonly deadLetters?: boolean;
}

/** What both paths gave: the records of each output by its name, the report, the dead letters. */
export type Both<O> = RecordsOf<O> & {
  readonly report: Omit<RunReport, "durationMs">;
  readonly letters: readonly DeadLetter[];
};

async function runOnce<O extends Outputs>(
  build: (app: Pipeline) => O,
  { deadLetters = false, ...options }: BothOptions,
): Promise<Both<O>> {
  const app = pipeline("test");
  const records: Record<string, unknown[]> = {};
  for (const [name, stream] of Object.entries(build(app))) {
    const list: unknown[] = [];
    records[name] = list;
    stream.to(forEach((record) => void list.push(record)));
  }
  const letters: DeadLetter[] = [];
  if (deadLetters) app.deadLetters.to(forEach((letter) => void letters.push(letter)));
  const { durationMs, ...report } = await app.run({ handleSignals: false, ...options });
  assert.ok(durationMs >= 0);
  return { ...records, report, letters } as Both<O>;
}

/** Runs the pipeline that `build` makes, anew on each path, until its input ends. */
export async function runBoth<O extends Outputs>(
  build: (app: Pipeline) => O,
  options: BothOptions = {},
): Promise<Both<O>> {
  const generated = await runOnce(build, { ...options, codegen: "on" });
  const closures = await runOnce(build, { ...options, codegen: "off" });
  assert.deepEqual(closures, generated, 'codegen "off" and "on" disagree');
  return generated;
}

async function failureOnce(build: (app: Pipeline) => Outputs, options: BothOptions): Promise<MillraceError> {
  try {
    await runOnce(build, options);
  } catch (error) {
    assert.ok(error instanceof MillraceError, `no MillraceError, but ${String(error)}`);
    return error;
  }
  assert.fail("the pipeline did not fail");
}

/** The error that ends the pipeline, the same on both paths. */
export async function failBoth(
  build: (app: Pipeline) => Outputs,
  options: BothOptions = {},
): Promise<MillraceError> {
  const generated = await failureOnce(build, { ...options, codegen: "on" });
  const closures = await failureOnce(build, { ...options, codegen: "off" });
  assert.equal(closures.message, generated.message, 'codegen "off" and "on" disagree');
  assert.deepEqual(closures.context, generated.context);
  return generated;
}

/** The one operator of a report with this name. */
export function operator(report: Pick<RunReport, "operators">, name: string): RunReport["operators"][number] {
  const found = report.operators.filter((one) => one.name === name);
  assert.equal(found.length, 1, `operators named ${name}`);
  return found[0];
}

/** What an operator did with its records, zeros left out. */
export function done(report: Pick<RunReport, "operators">, name: string): Record<string, number> {
  return Object.fromEntries(Object.entries(operator(report, name).done).filter(([, n]) => n !== 0));
}
