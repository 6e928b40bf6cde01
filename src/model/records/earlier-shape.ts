type Fields = Readonly<Record<string, unknown>>;

/**
 * The fields of a record, or of a patch of the journal, as they are written now. Earlier versions wrote `order`: the line of a job, and
 * behind it its position, which a patch left to the store. A proxy had one, too, whose line said nothing.
 */
export function inPresentShape<Given extends Fields>(kind: string, fields: Given, isPatch: boolean): Given {
  if (!('order' in fields) || (kind !== 'job' && kind !== 'proxy')) return fields;
  const { order, ...others } = fields;
  if (order === null) return { ...others, line: null } as unknown as Given;
  if (!Array.isArray(order) || order.length !== 2) return fields;
  const [line, seq] = order as readonly unknown[];
  const place = kind === 'proxy' ? { createdSeq: seq } : { position: seq };
  return { ...others, ...(kind === 'job' ? { line } : {}), ...(isPatch ? {} : place) } as unknown as Given;
}
