/** The head of process(): its tables, what they hold, and the functions that are made anew with it. */
import { isTokenBefore, keyOf as keyOfToken, tokenOf } from "../core/key.ts";
import { listState } from "../operator/process-list.ts";
import { type LifeOptions, stateLife } from "../operator/process-life.ts";
import { mapState } from "../operator/process-map.ts";
import { processRefusals } from "../operator/process-refusals.ts";
import { stepTimers, type TimerCell } from "../operator/process-timers.ts";
import { valueState } from "../operator/process-value.ts";
import { processHead, type StateOptions } from "../operator/process.ts";
import { stepLoop } from "../operator/step-loop.ts";
import { hasEventTime } from "../plan/builder.ts";
import type { KeyByNode } from "../plan/node.ts";
import type { ProcessNode, StateSpec } from "../plan/process-node.ts";
import type { Cell } from "../state/bucket.ts";
import { MISS } from "../state/miss.ts";
import { OwnedTable } from "../state/owned-table.ts";
import { type Rows, Table } from "../state/table.ts";
import { Timers } from "../state/timers.ts";
import { copyOf } from "../state/value-copy.ts";
import { keepValues, type ValueCell } from "../state/value-cell.ts";
import type { HeadKind } from "./contract.ts";

/** What of an operator's tables is not the user's has a name that no state can have. */
const TIMERS = "#timers";

/** Parts of a TTL: expired values are removed at most one part after their time. */
const SLOTS_PER_TTL = 4;

export function processKind(node: ProcessNode, keyBy: KeyByNode | null): HeadKind {
  const { name, onRecord, onTimer, outputs, onError } = node;
  const states = node.states.map((spec) => stateOf(name, spec));
  const table = new OwnedTable<TimerCell>(name, TIMERS);
  table.signature = "timers";
  const timers = { table, event: new Timers(), processing: new Timers(), rows: { count: 0 } };
  const indexes = states.flatMap(({ life }) => (life === null ? [] : [life.index]));
  const tables: Rows<any>[] = [...states.map((state) => state.table), ...indexes, table];
  return {
    factory: processHead,
    ports: {
      keyOf: keyBy?.fn,
      tokenOf,
      keyOfToken,
      isTokenBefore,
      copyOf,
      onRecord,
      onTimer,
      states,
      timers,
      portOf: new Map(outputs.map((output, i) => [output, 1 + i])),
      mayFail: onError !== "fail",
      refusals: processRefusals({
        operator: name,
        hasTimers: onTimer !== undefined,
        hasEventTime: hasEventTime(node.input),
        outputs,
      }),
      MISS,
    },
    tables,
    aggregator: null,
    index: {
      table,
      add(token, row, owner) {
        const { isEvent, armed } = row as TimerCell;
        timers.rows.count += 1;
        if (owner !== null) (isEvent ? timers.event : timers.processing).push(armed, owner, nameOf(token));
      },
    },
    parts: { stepLoop, valueState, listState, mapState, stateLife, stepTimers },
  };
}

const nameOf = (token: Parameters<typeof keyOfToken>[0]): string => String(keyOfToken(token));

function stateOf(operator: string, spec: StateSpec): StateOptions {
  const { name, kind, initial, coding, touches } = spec;
  const life = lifeOf(operator, spec);
  if (kind === "value") {
    const table = new Table<ValueCell>(operator, name, "by-key");
    keepValues(table, kind, coding);
    return { name, kind, life, table, initial };
  }
  const table = new OwnedTable<ValueCell>(operator, name);
  keepValues(table, kind, coding);
  return kind === "list"
    ? { name, kind, life, table, isRead: touches === "all" }
    : { name, kind, life, table, touches };
}

function lifeOf(operator: string, { name, ttl }: StateSpec): LifeOptions | null {
  if (ttl === null) return null;
  const index = new Table<Cell>(operator, `${name}#ttl`, "by-time");
  index.signature = `expiry by ${ttl.time} time`;
  return {
    index,
    ttlMs: ttl.ms,
    slotMs: Math.max(1, Math.ceil(ttl.ms / SLOTS_PER_TTL)),
    isEvent: ttl.time === "event",
  };
}
