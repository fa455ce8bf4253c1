/** Positions in numbered records: how many came before. */
import type { Json } from "../core/json.ts";
import { MillraceError, preview } from "../core/errors.ts";

export type RecordPosition = { readonly index: number };

export interface NumberedRecords {
  /** For the message, e.g. `generator(load)`. */
  readonly source: string;
  readonly partition: string;
  readonly total: number;
}

/**
 * The index in a position of a partition; 0 where there is none.
 *
 * @throws SOURCE_POSITION_LOST where it holds none, or one behind the last record
 */
export function indexIn(position: Json | undefined, { source, partition, total }: NumberedRecords): number {
  if (position === undefined) return 0;
  const index = (position as Partial<RecordPosition> | null)?.index;
  const lost = (what: string) =>
    new MillraceError("SOURCE_POSITION_LOST", `${source} can't go on at ${preview(position)}: ${what}`, {
      source,
      partition,
    });
  if (!Number.isSafeInteger(index) || Number(index) < 0)
    throw lost("that is no position in numbered records");
  if (Number(index) > total) throw lost(`it has only ${total} records`);
  return Number(index);
}
