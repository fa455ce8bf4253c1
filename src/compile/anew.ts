/**
 * Making code anew from its own text fails where a bundler or a coverage tool has put calls of its own into it. The
 * shared code does the same, slower.
 */
export function anewOrShared<F>(anew: () => F, shared: () => F): F {
  try {
    return anew();
  } catch (error) {
    if (error instanceof ReferenceError || error instanceof SyntaxError) return shared();
    throw error;
  }
}
