/**
 * Rows of three tables, encoded as a commit does it and decoded as a restore does it, against JSON: through
 * JSON.stringify into a Buffer, and back through JSON.parse. In blocks, table by table: a block is encoded, then
 * decoded. `rowByRow` is the ratio where each row is decoded right after it was encoded, which no job does.
 */
import assert from "node:assert/strict";
import { ByteReader, ByteWriter } from "../../src/schema/bytes.ts";
import type { Codec } from "../../src/schema/codec.ts";
import { codecOf } from "../../src/schema/declared.ts";
import { Shapes } from "../../src/schema/shapes.ts";
import { structural } from "../../src/schema/structural.ts";
import { compared, type Outcome, type Settings } from "../benchmark.ts";
import { type Comparison, compare } from "../compare.ts";
import { tables } from "./codec-rows.ts";

const ROWS_OF_A_TABLE = 20_000;
const BLOCK = 1000;

/** One table's way to bytes and back. */
interface Way {
  readonly encode: (row: unknown) => Buffer;
  readonly decode: (bytes: Buffer) => unknown;
}

export async function codec({ runs }: Settings): Promise<Outcome> {
  const all = tables(ROWS_OF_A_TABLE);
  const shapes = new Shapes();
  const json = all.map(() => jsonWay);
  const structurally = all.map(() => codecWay(structural(shapes)));
  const declared = all.map(({ schema }) => codecWay(codecOf(schema, shapes)));
  const records = all.length * ROWS_OF_A_TABLE;

  const trips = (ways: readonly Way[], block: number) => () => {
    let checked = 0;
    all.forEach(({ rows, check }, i) => {
      for (let from = 0; from < rows.length; from += block) {
        checked += roundTrip(rows, from, Math.min(from + block, rows.length), ways[i], check);
      }
    });
    return checked;
  };
  const against = (ways: readonly Way[], block: number): Promise<Comparison> =>
    compare(
      { records, ours: async () => trips(ways, block)(), byHand: { JSON: trips(json, block) } },
      Math.max(runs, 7),
    );

  const bytesOf = (ways: readonly Way[]): number => {
    let bytes = 0;
    all.forEach(({ rows }, i) => {
      for (const row of rows) {
        const encoded = ways[i].encode(row);
        bytes += encoded.length;
        assert.deepStrictEqual(ways[i].decode(encoded), row);
      }
    });
    return bytes / records;
  };
  const bytes = { structural: bytesOf(structurally), declared: bytesOf(declared), json: bytesOf(json) };

  const inBlocks = await against(structurally, BLOCK);
  const byDeclared = await against(declared, BLOCK);
  const rowByRow = await against(structurally, 1);
  const outcome = compared(inBlocks, [
    `${bytes.structural.toFixed(0)} bytes a row, declared ${bytes.declared.toFixed(0)}, JSON ${bytes.json.toFixed(0)}`,
    `declared schema: ${byDeclared.oursNs.toFixed(0)} ns, ratio ${byDeclared.ratio.toFixed(2)}`,
    `structural, row by row: ${rowByRow.oursNs.toFixed(0)} ns, ratio ${rowByRow.ratio.toFixed(2)}`,
  ]);
  return {
    ...outcome,
    json: { ...outcome.json, bytes, declaredRatio: byDeclared.ratio, rowByRowRatio: rowByRow.ratio },
  };
}

function roundTrip(
  rows: readonly unknown[],
  from: number,
  to: number,
  way: Way,
  check: (row: any) => number,
): number {
  const encoded: Buffer[] = [];
  for (let i = from; i < to; i++) encoded.push(way.encode(rows[i]));
  let checked = 0;
  for (const bytes of encoded) checked += check(way.decode(bytes));
  return checked;
}

const jsonWay: Way = {
  encode: (row) => Buffer.from(JSON.stringify(row)),
  decode: (bytes) => JSON.parse(bytes.toString()),
};

function codecWay(made: Codec<any>): Way {
  const into = new ByteWriter();
  const from = new ByteReader(Buffer.alloc(0));
  return {
    encode(row) {
      into.reset();
      made.encode(row, into);
      return into.take();
    },
    decode(bytes) {
      from.over(bytes);
      return made.decode(from);
    },
  };
}
