import { type BeforeApplicationShutdown, Inject, Module } from '@nestjs/common';
import { createSignalbox, type Signalbox } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { report } from './jobs.ts';

/** What a class asks for that puts or reads jobs: `@Inject(SIGNALBOX)`. */
export const SIGNALBOX = Symbol('Signalbox');

async function openAndStart(): Promise<Signalbox> {
  const box = await createSignalbox({ store: jsonStore('.signalbox/nest'), jobs: [report] });
  await box.start();
  return box;
}

/** Opens the box before the application listens, and stops it before the application waits for its connections. */
@Module({
  providers: [{ provide: SIGNALBOX, useFactory: openAndStart }],
  exports: [SIGNALBOX],
})
export class SignalboxModule implements BeforeApplicationShutdown {
  readonly #box: Signalbox;

  constructor(@Inject(SIGNALBOX) box: Signalbox) {
    this.#box = box;
  }

  // A page of the inspector keeps its connection until the box has stopped. Running jobs have three seconds to end.
  async beforeApplicationShutdown(): Promise<void> {
    await this.#box.stop({ grace: '3s' });
  }
}
