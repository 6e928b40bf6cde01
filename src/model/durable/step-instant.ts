let instant: number | null = null;

/** The instant of the step that is made now; null: none is. For what guards and assigns ask. */
export function stepInstant(): number | null {
  return instant;
}

/** Makes a step at an instant: it is synchronous, so no two are made at once. */
export function atInstant<Result>(now: number, make: () => Result): Result {
  const before = instant;
  instant = now;
  try {
    return make();
  } finally {
    instant = before;
  }
}
