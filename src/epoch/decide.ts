/**
 * Every decision of the commit protocol, as a pure function over observed facts. What reads facts and executes decisions
 * is elsewhere (recover.ts, epochs.ts, and the engine for sinks), so each decision is one line that can be tested, and
 * broken, alone.
 */
import type { Manifest } from "./manifest.ts";
import { manifestName, parseName, segmentName } from "./names.ts";
import { EMPTY_LOG, isBefore, type LogContent } from "./position.ts";

/** Decided epochs that may wait for a sink's commit before the job waits too. */
export const WAITING_EPOCHS = 2;

/** A manifest's file, and what it held. */
export interface ManifestFact {
  readonly name: string;
  readonly generation: number;
  readonly epoch: number;
  readonly read: Manifest | { readonly fault: string };
}

export interface DamagedManifest {
  readonly name: string;
  readonly epoch: number;
  readonly fault: string;
}

export interface DirectoryFacts {
  readonly manifests: readonly ManifestFact[];
  /** Size by name. */
  readonly segments: ReadonlyMap<string, number>;
}

/** Which manifest the job goes on from. `damaged` are those newer than it that can't be read, the newest first. */
export type Choice =
  | { readonly kind: "first start" }
  | { readonly kind: "go on"; readonly manifest: Manifest; readonly damaged: readonly DamagedManifest[] }
  | { readonly kind: "none is sound"; readonly damaged: readonly DamagedManifest[] }
  | { readonly kind: "logs without a manifest" };

export function chooseManifest({ manifests, segments }: DirectoryFacts): Choice {
  const damaged: DamagedManifest[] = [];
  for (const { name, epoch, read } of newestFirst(manifests)) {
    if (!("fault" in read)) return { kind: "go on", manifest: read, damaged };
    damaged.push({ name, epoch, fault: read.fault });
  }
  if (damaged.length > 0) return { kind: "none is sound", damaged };
  return segments.size > 0 ? { kind: "logs without a manifest" } : { kind: "first start" };
}

/** By generation first: a run that went back to an older epoch is newer than what it went back behind. */
export function newestFirst<M extends { readonly generation: number; readonly epoch: number }>(
  manifests: readonly M[],
): M[] {
  return manifests.toSorted((a, b) => b.generation - a.generation || b.epoch - a.epoch);
}

/** Above every generation that there ever was: damaged manifests tell theirs by their names. */
export const nextGeneration = (manifests: readonly ManifestFact[]): number =>
  manifests.reduce((highest, { generation }) => Math.max(highest, generation), 0) + 1;

/** The logs of a run that writes `logs` of them, where `found` are there. A log that is not written any more stays. */
export const logsOfRun = (found: readonly LogContent[], logs: number): LogContent[] =>
  Array.from({ length: Math.max(found.length, logs) }, (_, log) => found[log] ?? EMPTY_LOG);

export interface NeededFile {
  readonly name: string;
  readonly bytes: number;
}

/** The segments that an epoch needs, and how long each must be. */
export function neededFiles({ logs }: Pick<Manifest, "logs">): NeededFile[] {
  return logs.flatMap(({ from, to, sealed }, log) =>
    [...sealed, to.bytes]
      .map((bytes, i) => ({ name: segmentName(log, from.segment + i), bytes }))
      .filter(({ bytes }) => bytes > 0),
  );
}

/** The first segment that lacks decided bytes. */
export const shortFile = (manifest: Manifest, { segments }: DirectoryFacts): NeededFile | undefined =>
  neededFiles(manifest).find(({ name, bytes }) => (segments.get(name) ?? 0) < bytes);

/** The segments with an undecided tail, and where it begins. */
export const tails = (manifest: Manifest, { segments }: DirectoryFacts): NeededFile[] =>
  neededFiles(manifest).filter(({ name, bytes }) => (segments.get(name) ?? 0) > bytes);

/**
 * What can go, manifests before segments, once `kept` are durable (the newest is the last).
 *
 * @param running a run is writing behind what the newest manifest names; otherwise that is an undecided tail
 */
export function unneeded(
  names: readonly string[],
  kept: readonly Manifest[],
  running: boolean,
): { manifests: string[]; segments: string[] } {
  const needed = new Set([...kept.map(manifestName), ...kept.flatMap(neededFiles).map(({ name }) => name)]);
  const newest = kept[kept.length - 1];
  const isAhead = (log: number, segment: number) =>
    log < newest.logs.length && !isBefore({ segment, bytes: 0 }, newest.logs[log].to);
  const found = { manifests: [] as string[], segments: [] as string[] };
  for (const name of names) {
    const file = parseName(name);
    if (file === null || needed.has(name)) continue;
    if (file.kind !== "segment") found.manifests.push(name);
    else if (!running || !isAhead(file.log, file.segment)) found.segments.push(name);
  }
  return found;
}

/** Whether a sink has results of an epoch that this state has not reached. */
export function sinkVerdict(facts: {
  /** The last decided epoch. */
  readonly decided: number;
  /** The last epoch that the sink shows; null where it can't tell. */
  readonly lastEpoch: number | null;
}): "go on" | "STATE_BEHIND_SINK" {
  return facts.lastEpoch !== null && facts.lastEpoch > facts.decided ? "STATE_BEHIND_SINK" : "go on";
}

/**
 * What a sink has to commit at recovery, in order: all decided epochs that waited, whatever it shows already. A commit
 * may have been cut short behind what made it visible, and it is idempotent.
 */
export function commitsDue<W extends { readonly epoch: number }>(facts: {
  readonly decided: number;
  /** What sinks prepared and the last manifest still names. */
  readonly waiting: readonly W[];
}): W[] {
  return facts.waiting.filter(({ epoch }) => epoch <= facts.decided).sort((a, b) => a.epoch - b.epoch);
}

/** Whether a barrier may start: with its epoch, no more than `limit` decided ones will wait for the slowest sink. */
export function mayStartEpoch(facts: {
  readonly decided: number;
  /** The last epoch that every sink has committed. */
  readonly committed: number;
  readonly limit?: number;
}): boolean {
  return facts.decided - facts.committed < (facts.limit ?? WAITING_EPOCHS);
}
