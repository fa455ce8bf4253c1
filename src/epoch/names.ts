/**
 * The names of a state directory's files.
 *
 *   LOCK                                  held by the process that works here
 *   manifest-GENERATION-EPOCH.json        the newest is the one with the highest (generation, epoch)
 *   manifest-GENERATION-EPOCH.json.tmp    one that is being written
 *   log-LOG-SEGMENT.bin                   a segment of a log
 *
 * No name is ever used twice for a manifest, and a damaged manifest still says by its name which generation was there.
 * Whatever has another name is not ours and is never touched.
 */

export const LOCK = "LOCK";

export type StateFile =
  | { readonly kind: "manifest"; readonly generation: number; readonly epoch: number }
  | { readonly kind: "segment"; readonly log: number; readonly segment: number }
  | { readonly kind: "temporary" };

export function manifestName(of: { readonly generation: number; readonly epoch: number }): string {
  return `manifest-${String(of.generation).padStart(6, "0")}-${String(of.epoch).padStart(12, "0")}.json`;
}

export const segmentName = (log: number, segment: number): string => `log-${log}-${segment}.bin`;

export const temporaryName = (name: string): string => `${name}.tmp`;

/** null where the name is not ours. */
export function parseName(name: string): StateFile | null {
  const manifest = /^manifest-(\d{6,})-(\d{12,})\.json(\.tmp)?$/.exec(name);
  if (manifest !== null) {
    if (manifest[3] !== undefined) return { kind: "temporary" };
    return { kind: "manifest", generation: Number(manifest[1]), epoch: Number(manifest[2]) };
  }
  const segment = /^log-(\d+)-(\d+)\.bin$/.exec(name);
  return segment === null ? null : { kind: "segment", log: Number(segment[1]), segment: Number(segment[2]) };
}
