/**
 * What goes wrong, and how often: each seed draws its own rates, so that some runs are quiet, some fail in one way all
 * the time, and some in every way at once. Faults are counted: when the run has had its share, nothing fails any more
 * and the job must come to its end.
 */
import type { Dice } from "./dice.ts";

/** The first word is what a failing seed leaves out when it is made smaller. */
export const FAULT_KINDS = [
  "fail-before",
  "fail-within",
  "fail-after",
  "crash",
  "power",
  "disk-full",
  "slow",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** "within": a write of a part of its bytes; other effects have no within and don't happen then. */
export type Part = "before" | "within" | "after";

export type Fate =
  | { readonly does: "happen" }
  | { readonly does: "fail"; readonly part: Part; readonly code: string }
  /** The process dies, or the machine loses its power. */
  | { readonly does: "crash"; readonly part: Part; readonly loss: "process" | "power" };

/** Kinds of effects, as names of operations begin. */
const AIMS = ["rename", "sync", "write", "cut", "apply", "commit", "prepare", "remove", "create", "flush"];
/** An effect that is aimed at fails so many times as often. */
const AIMED = 8;

const HAPPEN: Fate = { does: "happen" };

export class Faults {
  readonly rates: ReadonlyMap<FaultKind, number>;
  readonly aim: string | null;
  /** Faults so far, for whoever reads of a failure. */
  readonly happened: string[] = [];
  /** Operations that failed, also those of a disk that stays full. */
  failures = 0;
  readonly #dice: Dice;
  readonly #most: number;
  #crashesLeft: number;
  #fullUntil = Number.NEGATIVE_INFINITY;

  /** @param most faults at all; `without` kinds never happen */
  constructor(dice: Dice, most: number, without: readonly string[]) {
    this.#dice = dice;
    const rates = new Map<FaultKind, number>();
    for (const kind of FAULT_KINDS) {
      const rate = dice.chance(0.4) ? 0 : dice.scale(1 / 1500, 1 / 25);
      rates.set(kind, without.includes(kind) ? 0 : rate);
    }
    this.rates = rates;
    this.aim = dice.chance(0.5) ? dice.pick(AIMS) : null;
    this.#crashesLeft = 1 + dice.below(12);
    this.#most = Math.min(most, this.#crashesLeft + dice.below(20));
  }

  /** Nothing fails any more. */
  get areOver(): boolean {
    return this.happened.length >= this.#most;
  }

  /** @param name of the operation: its kind, then what it works on */
  fateOf(name: string, isChange: boolean, now: number): Fate {
    if (now < this.#fullUntil && /^(write|create) /.test(name)) {
      this.failures += 1;
      return { does: "fail", part: "within", code: "ENOSPC" };
    }
    if (this.areOver) return HAPPEN;
    const factor = this.aim !== null && name.startsWith(this.aim) ? AIMED : isChange ? 1 : 0.2;
    const dice = this.#dice;
    const hits = (kind: FaultKind): boolean => dice.chance((this.rates.get(kind) as number) * factor);
    for (const kind of ["crash", "power"] as const) {
      if (!hits(kind) || this.#crashesLeft === 0) continue;
      this.#crashesLeft -= 1;
      return this.#note(name, {
        does: "crash",
        part: isChange ? dice.pick(["before", "within", "after", "after"]) : "before",
        loss: kind === "crash" ? "process" : "power",
      });
    }
    if (hits("fail-before")) return this.#note(name, fail("before", isChange));
    if (!isChange) return HAPPEN;
    if (hits("fail-within")) return this.#note(name, fail("within", true));
    if (hits("fail-after")) return this.#note(name, fail("after", true));
    if (name.startsWith("write") && hits("disk-full")) {
      this.#fullUntil = now + dice.scale(1, 60_000);
      return this.#note(name, { does: "fail", part: "within", code: "ENOSPC" });
    }
    return HAPPEN;
  }

  /** How long an operation takes, in milliseconds. */
  delayMs(): number {
    const dice = this.#dice;
    if (!this.areOver && dice.chance(this.rates.get("slow") as number)) return dice.scale(1, 5000);
    return dice.chance(0.5) ? 0 : dice.next() * 0.3;
  }

  /** Whether something that is no operation goes wrong, e.g. a source. */
  strikes(kind: FaultKind, name: string): boolean {
    if (this.areOver || !this.#dice.chance(this.rates.get(kind) as number)) return false;
    this.failures += 1;
    this.happened.push(`${kind} ${name}`);
    return true;
  }

  #note<F extends Fate>(name: string, fate: F): F {
    this.failures += 1;
    this.happened.push(`${Object.values(fate).join(" ")}: ${name}`);
    return fate;
  }
}

/** What can't be read now can be read later: EIO of a manifest would be taken for damage, which is another test. */
const fail = (part: Part, isChange: boolean): Fate => ({
  does: "fail",
  part,
  code: isChange ? "EIO" : "EMFILE",
});
