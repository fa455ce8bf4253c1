/**
 * The private signal of a read that needs a row which is not in memory. The engine undoes the record at hand, loads
 * what was asked for, and runs the record again. It is no Error: nobody but the engine may see it.
 */
export const MISS = Symbol("miss");
