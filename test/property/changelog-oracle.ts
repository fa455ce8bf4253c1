/** What a changelog is, said in the plainest way: of panes that came, and of changes that came. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { Change } from "../../src/index.ts";
import type { Row } from "./changelog-program.ts";

export const idOf = ({
  key,
  windowStart,
  windowEnd,
}: Pick<Row, "key" | "windowStart" | "windowEnd">): string => JSON.stringify([key, windowStart, windowEnd]);

/** A pane without what tells it from one that says the same. */
export function contentOf({ paneIndex, replaces, ...content }: Row): object {
  return content;
}

/** The panes that stand, of those given one after the other. */
export class Panes {
  readonly standing = new Map<string, Row>();

  /** The changes that a pane makes. */
  add(row: Row): Change<Row>[] {
    const { standing } = this;
    const changes: Change<Row>[] = [];
    for (const { start, end } of row.replaces ?? []) {
      const id = idOf({ key: row.key, windowStart: start, windowEnd: end });
      const before = standing.get(id);
      if (before === undefined) continue;
      changes.push({ op: "-D", row: before });
      standing.delete(id);
    }
    const before = standing.get(idOf(row));
    if (before === undefined) changes.push({ op: "+I", row });
    else if (isDeepStrictEqual(contentOf(before), contentOf(row))) return changes;
    else changes.push({ op: "-U", row: before }, { op: "+U", row });
    standing.set(idOf(row), row);
    return changes;
  }
}

/** A table that changes are applied to; it refuses those that don't fit. */
export class Table {
  readonly rows = new Map<string, Row>();

  apply({ op, row }: Change<Row>): void {
    const id = idOf(row);
    if (op === "+I" || op === "+U") {
      assert.ok(!this.rows.has(id), `${op} of ${id}, which is there`);
      this.rows.set(id, row);
    } else {
      assert.deepEqual(row, this.rows.get(id), `${op} of another row than is out`);
      this.rows.delete(id);
    }
  }
}
