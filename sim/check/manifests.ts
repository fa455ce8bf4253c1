/**
 * The state directory as the disk has it, read by other means than the engine's: which epochs are there, and which of
 * them no crash can take away any more.
 */
import { join } from "node:path";
import type { Disk } from "../world/disk.ts";
import type { Position } from "../world/source.ts";
import { STATE } from "../world/world.ts";
import { type Cut, partitionId } from "./expected.ts";

interface SavedPartition {
  readonly position: Position;
}

export interface FoundManifest {
  readonly generation: number;
  readonly epoch: number;
  readonly ended: boolean;
  readonly logs: readonly {
    readonly from: { readonly segment: number; readonly bytes: number };
    readonly to: { readonly segment: number; readonly bytes: number };
    readonly sealed: readonly number[];
  }[];
  readonly body: {
    readonly sources: {
      readonly [name: string]: {
        readonly watermark: number | string;
        readonly partitions: { readonly [id: string]: SavedPartition };
      };
    };
    readonly stages: { readonly [head: string]: { readonly watermark: number | string } };
  } | null;
}

const isManifest = (name: string): boolean => /^manifest-.*\.json$/.test(name);

/** The newest epoch that a start finds; null where there is none. */
export function newestManifest(disk: Disk, folder = STATE): FoundManifest | null {
  return newest(
    disk.list(folder).filter(isManifest),
    (name) => disk.content(join(folder, name)),
    () => true,
  );
}

/** The newest that survives whatever happens, with the parts of the logs that it names. */
export function durableManifest(disk: Disk, folder = STATE): FoundManifest | null {
  return newest(
    disk.durableList(folder).filter(isManifest),
    (name) => disk.durable(join(folder, name)),
    (manifest) => lostLog(disk, folder, manifest) === null,
  );
}

/** A part of a log that the manifest names and that a loss of power could take. */
export function lostLog(disk: Disk, folder: string, { logs }: FoundManifest): string | null {
  for (const [log, { from, to, sealed }] of logs.entries()) {
    for (const [i, bytes] of [...sealed, to.bytes].entries()) {
      const name = `log-${log}-${from.segment + i}.bin`;
      if (bytes > 0 && (disk.durable(join(folder, name))?.length ?? 0) < bytes) return name;
    }
  }
  return null;
}

function newest(
  names: readonly string[],
  contentOf: (name: string) => Buffer | null,
  counts: (manifest: FoundManifest) => boolean,
): FoundManifest | null {
  const found = names
    .map((name) => read(contentOf(name)))
    .filter((manifest) => manifest !== null && counts(manifest))
    .sort((a, b) => b!.generation - a!.generation || b!.epoch - a!.epoch);
  return found[0] ?? null;
}

/** A file's bytes are one buffer until it changes. */
const readings = new WeakMap<Buffer, FoundManifest | "torn">();

/** null where the file is torn. */
export function read(content: Buffer | null): FoundManifest | null {
  if (content === null) return null;
  let reading = readings.get(content);
  if (reading === undefined) {
    try {
      reading = JSON.parse(content.toString()).manifest as FoundManifest;
    } catch {
      reading = "torn";
    }
    readings.set(content, reading);
  }
  return reading === "torn" ? null : reading;
}

/** Which inputs an epoch is made of. @param sources their names */
export function cutOf(manifest: FoundManifest | null, sources: readonly string[]): Cut {
  const taken = new Map<string, number>();
  const marks = new Set<string>();
  for (const [name, { partitions }] of Object.entries(manifest?.body?.sources ?? {})) {
    for (const [id, { position }] of Object.entries(partitions)) {
      taken.set(partitionId(sources.indexOf(name), Number(id)), position.at);
      marks.add(position.mark);
    }
  }
  if (marks.size > 1) throw new Error(`the positions of one epoch are of ${marks.size} instants`);
  return { mark: [...marks][0] ?? null, taken };
}
