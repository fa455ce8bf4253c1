/**
 * Standard Schema, version 1: the one interface that zod, valibot, arktype and others have in common. Written down
 * here, so that any of them can describe state and none has to be installed.
 *
 * Source: the specification at standardschema.dev.
 */

export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": StandardProps<Input, Output>;
}

export interface StandardProps<Input = unknown, Output = Input> {
  readonly version: 1;
  readonly vendor: string;
  readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
  /** Never there at run time: carries the types. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type of the values that a schema describes. */
export type Infer<S extends StandardSchema> = NonNullable<S["~standard"]["types"]>["output"];
