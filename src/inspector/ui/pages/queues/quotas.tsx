import type { QuotaHolder, QuotaView } from '../../../protocol/queues.ts';
import { now } from '../../connection.ts';
import { durationText, numberText, shortId } from '../../format.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { jobHash } from '../../route.ts';
import { lookOf } from '../../state.ts';

/** More slots than that are too narrow to be counted. */
const mostCells = 48;

/** The quotas of a queue: their slots as cells, and who holds them. */
export function Quotas({ quotas }: { readonly quotas: readonly QuotaView[] }) {
  return (
    <>
      <div class="bar">
        <h2 class="label">Quotas</h2>
        <span class="mono quiet">{quotas.length}</span>
      </div>
      {quotas.length === 0 && (
        <div class="empty tight">
          <span>
            <b>No quota.</b> One limits how many jobs that name it run at the same time.
          </span>
          <code>await queue.quotas.ensure('payments', {'{ size: 4 }'})</code>
        </div>
      )}
      {quotas.map((quota, index) => (
        <Quota key={quota.name} quota={quota} isFirst={index === 0} />
      ))}
    </>
  );
}

function Quota({ quota, isFirst }: { readonly quota: QuotaView; readonly isFirst: boolean }) {
  const { name, taken, size, waiting, fullSince } = quota;
  const isFull = taken >= size;
  return (
    <div class={isFirst ? 'quotabox' : 'quotabox rule'}>
      <div class="qhead">
        <b class="mono">{name}</b>
        <span class={isFull ? 'fails strong' : 'quiet'}>
          {numberText(taken)} of {numberText(size)}
          {isFull ? `, full${fullSince === null ? '' : ` for ${durationText(now.value - fullSince)}`}` : ''}
        </span>
      </div>
      <Cells quota={quota} />
      {quota.holders.length > 0 && <Holders quota={quota} />}
      {waiting > 0 && (
        <p class="quiet">
          {waiting === 1 ? '1 job that names it waits' : `${numberText(waiting)} jobs that name it wait`}.
        </p>
      )}
    </div>
  );
}

function Cells({ quota: { taken, size } }: { readonly quota: QuotaView }) {
  const look = taken >= size ? 'q-slot' : 'q-ok';
  if (size > mostCells) {
    const part = Math.min(100, (taken / size) * 100);
    return (
      <svg class="quota" aria-hidden="true">
        <rect class="q-free" x="0.15%" y="1.5" width="99.7%" height="11" />
        <rect class={look} x="0.15%" y="1" width={`${part * 0.997}%`} height="12" />
      </svg>
    );
  }
  const step = 100 / Math.max(1, size);
  return (
    <svg class="quota" aria-hidden="true">
      {Array.from({ length: size }, (_, index) => (
        <rect
          key={index}
          class={index < taken ? look : 'q-free'}
          x={`${index * step + 0.15}%`}
          y={index < taken ? '1' : '1.5'}
          width={`${step - 0.3}%`}
          height={index < taken ? '12' : '11'}
        />
      ))}
    </svg>
  );
}

/** How long each has held its slot, on one scale, against the median run. */
function Holders({ quota }: { readonly quota: QuotaView }) {
  const { holders, medianMs, taken, size } = quota;
  const longest = Math.max(medianMs ?? 1, ...holders.map((holder) => heldMs(holder) ?? 0));
  const rest = taken - holders.length;
  return (
    <div class={`holders narrow${taken >= size ? '' : ' calm'}`}>
      {holders.map((holder) => (
        <Holder key={holder.id} holder={holder} longest={longest} medianMs={medianMs} />
      ))}
      <span class="scale-note">
        time held{medianMs === null ? '' : `; the mark is the median run, ${durationText(medianMs)}`}
        {rest > 0 ? `; ${numberText(rest)} more hold it for less long` : ''}
      </span>
    </div>
  );
}

function Holder(props: {
  readonly holder: QuotaHolder;
  readonly longest: number;
  readonly medianMs: number | null;
}) {
  const { holder, longest, medianMs } = props;
  const { glyph, word } = lookOf(holder.state, null);
  const ms = heldMs(holder);
  const mark = medianMs === null ? null : `${Math.min(100, (medianMs / longest) * 92 + 0.5)}%`;
  return (
    <>
      <span class={`st st-${glyph}`} title={word}>
        <Glyph name={glyph} />
        <span class="unseen">{word}</span>
      </span>
      <a class="rowlink" href={jobHash(holder.id)} title={`${holder.name} ${holder.id}`}>
        {shortId(holder.id, 6)}
      </a>
      <span class="opt cut" title={holder.name}>
        {holder.name}
      </span>
      <svg aria-hidden="true">
        <rect class="h-track" y="3.5" width="100%" height="1" />
        <rect class="h-bar" width={`${((ms ?? 0) / longest) * 92}%`} height="8" />
        {mark !== null && <line class="h-mark" x1={mark} x2={mark} y1="0" y2="8" />}
      </svg>
      <span class="num">{ms === null ? '?' : durationText(ms)}</span>
    </>
  );
}

function heldMs({ since }: QuotaHolder): number | null {
  return since === null ? null : Math.max(0, now.value - since);
}
