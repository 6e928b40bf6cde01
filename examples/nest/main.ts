import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { createInspector } from 'signalbox/inspector';
import { AppModule, SignalboxErrors } from './reports.ts';
import { SIGNALBOX } from './signalbox.module.ts';

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });

// Pages that show every job. They read their requests themselves, so they come before what reads bodies. In production
// they want to know who may look: see docs/inspector.md.
app.use('/inspect', createInspector(app.get(SIGNALBOX)).node);
app.useGlobalFilters(new SignalboxErrors());

// A signal closes the application, which stops the box first: see signalbox.module.ts.
app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
await app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
console.log(`Listening on ${await app.getUrl()}, pid ${process.pid}`);
