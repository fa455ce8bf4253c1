/**
 * The sketches: what they promise of their error and their size. Where errors are measured, data and hashes are fixed:
 * nothing there is luck.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { hashToken } from "../../src/aggregate/hash.ts";
import { addCode, codeOf, mergeSketches, type Sketch } from "../../src/aggregate/hyper-log-log.ts";
import {
  type Aggregate,
  approxDistinctCount,
  distinctCount,
  quantile,
  quantiles,
  stddev,
} from "../../src/index.ts";
import { Shapes } from "../../src/schema/shapes.ts";
import { structural } from "../../src/schema/structural.ts";
import { propertyOptions } from "../connector/seed.ts";
import { ranked } from "../property/oracle-aggregate.ts";
import { encoded } from "../schema/round-trip.ts";
import { accumulated, addOne, folded } from "./over.ts";

/** Numbers from 0 to 1, the same for one seed. Source: mulberry32 (Tommy Ettinger). */
function randoms(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const bytesOf = (one: Aggregate<any, any, unknown>, records: Iterable<unknown>): number =>
  encoded(structural(new Shapes()), accumulated(one, records)).length;

/** 0 ... n - 1 in the number range of a seed. */
const range = (n: number, seed = 0): number[] => Array.from({ length: n }, (_, i) => seed * 1e9 + i);

test("texts are hashed as MurmurHash3_x86_32 hashes their bytes", () => {
  const text = (bytes: string): string => Buffer.from(bytes, "latin1").toString("utf16le");
  // SMHasher's own, by way of the vectors that ports of it share.
  assert.equal(hashToken("", 0), 0);
  assert.equal(hashToken("", 1), 0x514e28b7);
  assert.equal(hashToken("", 0x9747b28c), 0xebb6c228);
  assert.equal(hashToken(text("test"), 0), 0xba6bd213);
  assert.equal(hashToken(text("test"), 0x9747b28c), 0x704b81dc);
  assert.equal(hashToken(text("aaaa"), 0x9747b28c), 0x5a97808a);
  assert.equal(hashToken(text("aa"), 0x9747b28c), 0x5d211726);
  assert.equal(hashToken(text("abcd"), 0x9747b28c), 0xf0478627);
  assert.equal(hashToken(text("ab"), 0x9747b28c), 0x74875592);
});

describe("a HyperLogLog sketch", () => {
  test("gives every second value rank 1, every fourth rank 2, and so on, and every index as many", () => {
    const n = 200_000;
    const ranks = new Array<number>(64).fill(0);
    const indices = new Array<number>(32).fill(0);
    for (let i = 0; i < n; i++) {
      const code = codeOf(`value ${i}`);
      ranks[code & 63] += 1;
      indices[code >>> 26] += 1;
    }
    const near = (got: number, share: number): void =>
      assert.ok(Math.abs(got - n * share) <= 5 * Math.sqrt(n * share), `${got} for ${n * share}`);
    for (let rank = 1; rank <= 12; rank++) near(ranks[rank], 2 ** -rank);
    for (const got of indices) near(got, 1 / 32);
  });

  test("keeps the greatest rank of each index: sparse of 25 bits, dense of the first ones", () => {
    const codes = fc.array(
      fc
        .record({
          high: fc.nat(7),
          low: fc.constantFrom(0, 1, 2, 2 ** 20),
          rank: fc.integer({ min: 1, max: 40 }),
        })
        .map(({ high, low, rank }) => ((high << 22) | low) * 64 + rank),
      { maxLength: 30, size: "max" },
    );
    fc.assert(
      fc.property(codes, fc.constantFrom(4, 6, 7, 8), fc.nat(30), (codes, precision, cut) => {
        const greatest = new Map<number, number>();
        for (const code of codes)
          greatest.set(code >>> 6, Math.max(greatest.get(code >>> 6) ?? 0, code & 63));
        const most = 2 ** precision / 8;
        const expected: Sketch =
          greatest.size <= most
            ? [...greatest].map(([index, rank]) => index * 64 + rank).sort((a, b) => a - b)
            : new Uint8Array(2 ** precision);
        if (expected instanceof Uint8Array) {
          for (const [index, rank] of greatest) {
            // The bits as text: what is behind those of the register, and as many zeros as the rank says.
            const bits = `${index.toString(2).padStart(25, "0")}${"0".repeat(rank - 1)}1`;
            const register = Number.parseInt(bits.slice(0, precision), 2);
            expected[register] = Math.max(expected[register], bits.indexOf("1", precision) - precision + 1);
          }
        }
        const of = (some: readonly number[]): Sketch =>
          some.reduce((sketch: Sketch, code) => addCode(sketch, code, precision), []);
        assert.deepStrictEqual(of(codes), expected);
        assert.deepStrictEqual(
          mergeSketches(of(codes.slice(cut)), of(codes.slice(0, cut)), precision),
          expected,
        );
      }),
      propertyOptions(500),
    );
  });
});

describe("approxDistinctCount", () => {
  const itself = (x: number): number => x;
  const kinds: Record<string, (n: number) => string | number | bigint | readonly [string, number]> = {
    numbers: (n) => n,
    fractions: (n) => n / 7,
    texts: (n) => `user-${n}`,
    "tuples of a text and a number": (n) => ["user", n],
    bigints: (n) => BigInt(n) * 10n ** 20n,
  };

  for (const [kind, make] of Object.entries(kinds)) {
    test(`is within four standard errors of 1.04 / sqrt(m) from 1 to a million ${kind}, and within one as a rule`, () => {
      const sizes = [1, 2, 10, 100, 1000, 2048, 2049, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000];
      const squares: number[] = [];
      for (let seed = 1; seed <= 2; seed++) {
        for (const precision of [10, 14]) {
          const one = approxDistinctCount(make, { precision });
          const standard = 1.04 / Math.sqrt(2 ** precision);
          const most = kind === "numbers" || kind === "texts" ? 1_000_000 : 100_000;
          let acc = one.create();
          for (let n = 1; n <= most; n++) {
            acc = addOne(one, acc, seed * 1e9 + n);
            if (!sizes.includes(n)) continue;
            const error = one.result(acc) / n - 1;
            assert.ok(
              Math.abs(error) <= 4 * standard,
              `${n} ${kind}, precision ${precision}: error ${error}`,
            );
            if (n > 2 ** precision / 8) squares.push((error / standard) ** 2);
            // Sparse: but for values that share an index of 25 bits.
            else assert.ok(Math.abs(error * n) <= 1, `${n} ${kind}: error ${error}`);
          }
        }
      }
      const typical = Math.sqrt(squares.reduce((a, b) => a + b) / squares.length);
      assert.ok(typical < 1.3, `${typical} standard errors`);
    });
  }

  test("has no bias, and its standard error is 1.04 / sqrt(m), over many sets of values", () => {
    for (const n of [100, 300, 1000, 3000, 20_000]) {
      const one = approxDistinctCount(itself, { precision: 8 });
      const errors = range(100).map((seed) => folded(one, range(n, seed)) / n - 1);
      const mean = errors.reduce((a, b) => a + b) / errors.length;
      const standard = 1.04 / Math.sqrt(256);
      assert.ok(Math.abs(mean) < (3 * standard) / Math.sqrt(errors.length), `${n}: mean error ${mean}`);
      assert.ok(folded(stddev(itself), errors) < 1.25 * standard, `${n}`);
    }
  });

  test("holds at every precision", () => {
    for (let precision = 4; precision <= 18; precision++) {
      const got = folded(approxDistinctCount(itself, { precision }), range(50_000));
      const room = (4 * 1.04) / Math.sqrt(2 ** precision);
      assert.ok(Math.abs(got / 50_000 - 1) <= room, `precision ${precision}: ${got}`);
    }
  });

  test("counts a value once, however often it comes", () => {
    const one = approxDistinctCount(itself);
    for (const n of [5, 5000]) {
      const acc = accumulated(one, range(n));
      const once = one.result(acc);
      assert.equal(one.result(range(n).reduce((sofar, value) => addOne(one, sofar, value), acc)), once);
    }
  });

  test("tells values apart as distinctCount does", () => {
    const values = [0, -0, Number.NaN, Number.NaN, "0", "NaN", 0n, 1, 1n, "1", true, "true", false, ""];
    const more = [[1], ["1"], [1], [], new Date(1), new Date(1), new Date(0), "\0d1", "\0s", "1970"];
    const of = (value: unknown): string => value as string;
    assert.equal(folded(distinctCount(of), [...values, ...more]), 20);
    assert.equal(folded(approxDistinctCount(of), [...values, ...more]), 20);
  });

  test("has a few bytes per value for few values, and 2^precision at most", () => {
    const one = approxDistinctCount(itself);
    assert.ok(bytesOf(one, range(3)) <= 20);
    assert.ok(bytesOf(one, range(2048)) <= 2048 * 5 + 10);
    assert.ok(bytesOf(one, range(100_000)) <= 16_384 + 10);
    assert.ok(bytesOf(approxDistinctCount(itself, { precision: 4 }), range(100_000)) <= 16 + 10);
  });
});

describe("quantile", () => {
  const of = (x: number): number => x;
  const next = randoms(7);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const shapes: Record<string, () => number> = {
    "latencies, lognormal": () => Math.exp(3 + normal()),
    "around zero": normal,
    "uniform, negative": () => -1e6 * next(),
    "heavy tail": () => 1 / (1 - next()) ** 3,
    "mostly zero": () => (next() < 0.7 ? 0 : 100 * next()),
    "whole numbers": () => Math.floor(next() * 20) - 10,
    "over the whole range": () => (next() - 0.5) * 10 ** (600 * next() - 300),
  };
  const shares = [0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1];

  for (const [shape, make] of Object.entries(shapes)) {
    test(`is within its accuracy of the number of that rank: ${shape}`, () => {
      const numbers = Array.from({ length: 20_000 }, make);
      for (const accuracy of [0.001, 0.01, 0.1]) {
        const got = folded(quantiles(shares, of, { accuracy }), numbers);
        shares.forEach((q, i) => {
          const expected = ranked(numbers, q);
          const error = Math.abs(got[i] - expected);
          assert.ok(error <= accuracy * Math.abs(expected), `q ${q}: ${got[i]} for ${expected}`);
        });
      }
    });
  }

  test("of one number is that number within the accuracy, at every place between two bins", () => {
    for (const accuracy of [0.001, 0.01, 0.5]) {
      const gamma = (1 + accuracy) / (1 - accuracy);
      for (let i = -700 / Math.log(gamma); i < 700 / Math.log(gamma); i += 1 + Math.abs(i) / 100) {
        for (const x of [gamma ** Math.round(i), gamma ** Math.round(i) * (1 + 2 ** -52)]) {
          const got = folded(quantile(0.5, of, { accuracy }), [x]);
          assert.ok(Math.abs(got - x) <= accuracy * x, `${got} for ${x}`);
        }
      }
    }
    assert.ok(folded(quantile(1, of), [Number.MAX_VALUE]) <= Number.MAX_VALUE);
    assert.equal(folded(quantile(1, of), [Number.POSITIVE_INFINITY]), Number.POSITIVE_INFINITY);
    assert.equal(folded(quantile(0, of), [Number.NEGATIVE_INFINITY, 1]), Number.NEGATIVE_INFINITY);
  });

  test("has as many bins as the range of its numbers asks for, and no more than its bound", () => {
    const tenfold = Array.from({ length: 100_000 }, (_, i) => 1 + (9 * i) / 100_000);
    // 115.1 ratios of gamma, and the ends of two more.
    assert.equal(accumulated(quantile(0.5, of), tenfold).size, 117);
    const one = quantile(0.5, of, { accuracy: 0.5 });
    const bound = one.bound as { elements: number };
    assert.ok(bound.elements < 3000);
    const everywhere = Array.from(
      { length: 40_000 },
      (_, i) => (i % 2 === 0 ? 1 : -1) * 2 ** (i / 19 - 1040),
    );
    const all = accumulated(one, [...everywhere, 0, Number.MAX_VALUE, -Number.MAX_VALUE, 1 / 0, -1 / 0]);
    assert.equal(all.size, bound.elements);
  });
});
