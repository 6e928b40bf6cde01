import { hello } from '../app-state.ts';
import { newestSeq } from '../connection.ts';
import { numberText } from '../format.ts';

/** The line at the bottom: which store this is, and how far its history reaches. */
export function Foot() {
  const { value } = hello;
  if (value === null) return <footer class="foot" />;
  const place = value.place === value.store ? value.store : `${value.store} · ${value.place}`;
  return (
    <footer class="foot">
      <span class="cut">{place}</span>
      {value.source === 'closed' && <span>closed</span>}
      <span>seq {numberText(newestSeq.value)}</span>
      <span class="opt">history since seq {numberText(value.keptFrom)}</span>
      <span>{value.level}</span>
      {value.user !== 'local' && <span class="opt">{value.user}</span>}
    </footer>
  );
}
