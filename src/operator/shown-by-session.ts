/**
 * Windows of which a pane is out, where they are sessions, or others known by both their bounds: one row per key with a
 * list of them. How long a session may
 * still be replaced is no matter of the watermark: while it waits for a later end, its old pane is out. The session head
 * says when one is over (session-window.ts).
 */
import type { Token } from "../core/key.ts";
import type { Cell } from "../state/bucket.ts";
import type { Table } from "../state/table.ts";
import type { Shown, ShownRows, ShownRowsPorts } from "./changelog.ts";

export interface ShownSessions extends Cell {
  sessions: Shown[];
}

export interface ShownBySessionPorts extends ShownRowsPorts {
  readonly table: Table<ShownSessions>;
}

export function shownBySession({ table }: ShownBySessionPorts): ShownRows {
  const bucket = table.open(0);
  const NONE: readonly Shown[] = [];
  let token: Token = 0;
  let row: ShownSessions | undefined;

  return {
    get atHand() {
      return row === undefined ? NONE : row.sessions;
    },

    reach(of) {
      token = of;
      row = table.edit(bucket, token);
    },

    find: (start, end) => row?.sessions.find((shown) => shown.start === start && shown.end === end),

    add(shown) {
      if (row !== undefined) {
        row.sessions.push(shown);
        return;
      }
      row = { mark: 0, sessions: [shown] };
      table.insert(bucket, token, row);
    },

    remove(shown) {
      if (row === undefined) return;
      row.sessions.splice(row.sessions.indexOf(shown), 1);
      if (row.sessions.length > 0) return;
      table.remove(bucket, token);
      row = undefined;
    },

    drop: () => true,
    want: (of) => table.keeper?.want(bucket, of),
    nameOf: () => "",
    endOf: () => 0,
  };
}
