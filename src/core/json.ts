/** JSON values: what positions, handles and manifests are made of. */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [field: string]: Json };

/** A number as JSON can hold it: infinities and NaN as text. */
export const jsonOfNumber = (value: number): Json => (Number.isFinite(value) ? value : String(value));

/** The number that `jsonOfNumber` gave. */
export const numberOfJson = (json: Json | undefined): number => Number(json);
