/** A queue: what was written is visible when it arrives, which is by the next flush. */
import type { Sink } from "../../src/connector/contract.ts";
import type { Engine } from "../engine/entry.ts";
import type { Life } from "../world/life.ts";
import { oneLane, type OutRow, type Place, type Visible } from "./place.ts";

export class QueuePlace implements Place {
  readonly transactional = false;
  readonly wholeEpochs = false;
  #rows: string[] = [];

  copy(): QueuePlace {
    const copy = new QueuePlace();
    copy.#rows = [...this.#rows];
    return copy;
  }

  visible(): Visible {
    return oneLane(this.#rows);
  }

  sink(_engine: Engine, life: Life): Sink<OutRow> {
    return {
      description: "simulated queue",
      open: async () => {
        let sending: Promise<void> = Promise.resolve();
        let waiting: string[] = [];
        const send = (): Promise<void> => {
          const rows = waiting;
          waiting = [];
          const whole = (): void => void this.#rows.push(...rows);
          const part = (): void => void this.#rows.push(...rows.slice(0, life.dice.below(rows.length + 1)));
          sending = sending.then(() =>
            life.operation({ name: `write ${rows.length} rows`, isChange: true, whole, part }),
          );
          sending.catch(() => {});
          return sending;
        };
        return {
          write(values, _timestamps, from, to) {
            for (const { row } of values.slice(from, to)) waiting.push(row);
            if (waiting.length > 20) return send();
            return undefined;
          },
          flush: () => (waiting.length > 0 ? send() : sending),
          close: () => sending,
        };
      },
    };
  }
}
