/** One section of the catalogue: its title and the ids of its behaviours. */
export interface Section {
  readonly section: string;
  readonly ids: readonly string[];
}

/** One test as it went. */
export interface TestResult {
  readonly title: string;
  readonly passed: boolean;
}

/** What the docs add to the tests: ids with a waiver, and ids of wishes with an answer. */
export interface Documented {
  readonly waived: readonly string[];
  readonly answered: readonly string[];
}

/** Each id of the catalogue in one of the five lists. */
export interface Coverage {
  readonly covered: readonly string[];
  readonly waived: readonly string[];
  readonly answered: readonly string[];
  readonly notYetDue: readonly string[];
  readonly missing: readonly string[];
  /** What makes the count itself wrong. */
  readonly complaints: readonly string[];
}

/** How many behaviours one test may claim to show. */
const maxIdsPerTest = 4;
/** How many behaviours may have no meaning in Node. */
const maxWaivers = 15;

/** The ids that a text names, each in brackets of its own: `[J-62] [J-63] a job …`. */
export function idsIn(text: string): string[] {
  return [...text.matchAll(/\[([A-Z]+-\d+)\]/g)].map((match) => match[1] as string);
}

/** An id is covered when a passing test names it and no failing one does. */
export function coverageOf(
  catalogue: readonly Section[],
  tests: readonly TestResult[],
  { waived, answered }: Documented,
): Coverage {
  const all = catalogue.flatMap((section) => section.ids);
  const passing = new Set(tests.filter((test) => test.passed).flatMap((test) => idsIn(test.title)));
  const failing = new Set(tests.filter((test) => !test.passed).flatMap((test) => idsIn(test.title)));
  const lists: { readonly [list in Exclude<keyof Coverage, 'complaints'>]: string[] } = {
    covered: [],
    waived: [],
    answered: [],
    notYetDue: [],
    missing: [],
  };
  for (const id of all) {
    if (passing.has(id) && !failing.has(id)) lists.covered.push(id);
    else if (waived.includes(id)) lists.waived.push(id);
    else if (id.startsWith('W-') && answered.includes(id)) lists.answered.push(id);
    else if (id.startsWith('M-')) lists.notYetDue.push(id);
    else lists.missing.push(id);
  }
  const known = new Set(all);
  const named = [...passing, ...failing, ...waived, ...answered];
  return {
    ...lists,
    complaints: [
      ...[...new Set(named)].filter((id) => !known.has(id)).map((id) => `${id} is not in the catalogue`),
      ...tests
        .filter((test) => idsIn(test.title).length > maxIdsPerTest)
        .map((test) => `more than ${maxIdsPerTest} ids in one test: ${test.title}`),
      ...waived.filter((id) => passing.has(id)).map((id) => `${id} has a waiver and a passing test`),
      ...(waived.length > maxWaivers ? [`${waived.length} waivers, ${maxWaivers} are allowed`] : []),
    ],
  };
}
