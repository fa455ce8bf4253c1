/** A function of the program's own. */
import type { Sink } from "../../src/connector/contract.ts";
import type { Engine } from "../engine/entry.ts";
import type { Life } from "../world/life.ts";
import { oneLane, type OutRow, type Place, type Visible } from "./place.ts";

export class CallbackPlace implements Place {
  readonly transactional = false;
  readonly wholeEpochs = false;
  #rows: string[] = [];

  copy(): CallbackPlace {
    const copy = new CallbackPlace();
    copy.#rows = [...this.#rows];
    return copy;
  }

  visible(): Visible {
    return oneLane(this.#rows);
  }

  sink(engine: Engine, life: Life): Sink<OutRow> {
    const take = ({ row }: OutRow): unknown => {
      this.#rows.push(row);
      if (!life.dice.chance(0.05)) return undefined;
      return new Promise<void>((resolve) => life.later("busy callback", life.dice.next(), resolve));
    };
    return engine.forEach(take);
  }
}
