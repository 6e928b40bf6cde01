import { newScheduleContext } from '../../../machines/schedule.context.ts';
import type { ScheduleEvent } from '../../../machines/schedule.machine.ts';
import { BadStatusError } from '../../errors.ts';
import { scheduleChart } from '../jobs/machine-version.ts';
import type { Transition } from '../jobs/step.ts';
import { recordVersion, type ScheduleRecord } from '../records/records.ts';

/** Applies an event to a schedule, by its chart. @throws BadStatusError when the chart refuses the event. */
export function stepSchedule(record: ScheduleRecord, event: ScheduleEvent): Transition {
  const step = scheduleChart.step(record.state, record, event);
  if (!step.moved) {
    throw new BadStatusError({
      what: `schedule ${record.id}`,
      status: record.state,
      event: event.type,
      guards: step.guards,
    });
  }
  return {
    kind: 'schedule',
    id: record.id,
    event: event.type,
    // The first entry of a record has no state before it.
    from: record.rev === 0 ? null : step.from,
    to: step.to,
    patch: step.patch as Transition['patch'],
    effects: step.effects,
    job: null,
  };
}

/** A schedule that was never set. */
export function newScheduleRecord(id: string): ScheduleRecord {
  return { id, v: recordVersion, rev: 0, lastSeq: 0, state: 'ended', ...newScheduleContext() };
}
