import { pageHash } from '../../route.ts';

/** The cell of a list that leads to one machine. */
export function MachineCell(props: {
  readonly name: string;
  readonly version: string | null;
  readonly isChosen: boolean;
}) {
  const { name, version, isChosen } = props;
  return (
    <td class="task">
      <a class="rowlink" href={pageHash('machines', name)} aria-current={isChosen ? 'page' : undefined}>
        {name} <span class="faint">{version}</span>
      </a>
    </td>
  );
}
