/** The name under which Node looks for what `console.log` and `util.inspect` are to show. */
const inspectKey: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/**
 * An object that `console.log` and `JSON.stringify` show by what it knows, instead of by its fields. Nothing is asked for
 * it, so it shows what was known last.
 */
export abstract class Inspectable {
  /** What is shown: data without secrets. */
  abstract toJSON(): object;

  /** Test runners copy what is an `Object`, to show a difference; a copy has no private fields, and would throw. */
  get [Symbol.toStringTag](): string {
    return this.constructor.name;
  }

  [inspectKey](): object {
    const { name } = this.constructor;
    // Node writes the name of a class, and indents and cuts the object as any other.
    const { [name]: Shown } = { [name]: class {} };
    return Object.assign(Shown === undefined ? {} : new Shown(), this.toJSON());
  }
}
