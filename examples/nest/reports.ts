import {
  type ArgumentsHost,
  BadRequestException,
  Body,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  Headers,
  HttpCode,
  Inject,
  Module,
  Param,
  Post,
  Res,
} from '@nestjs/common';
import { type Job, type Signalbox, SignalboxError } from 'signalbox';
import { report, stepAnnotation } from './jobs.ts';
import { SIGNALBOX, SignalboxModule } from './signalbox.module.ts';

/** What a handler needs of the answer of the framework. */
interface Answer {
  status(code: number): this;
  location(path: string): this;
  json(body: object): void;
}

@Controller()
class Reports {
  readonly #box: Signalbox;

  constructor(@Inject(SIGNALBOX) box: Signalbox) {
    this.#box = box;
  }

  // Answers when the job is on disk: after that, no crash loses it. A client that got no answer may send the same
  // request again: with the same key it puts no second job.
  @Post('reports')
  @HttpCode(202)
  async put(
    @Body() { title, steps }: { readonly title?: unknown; readonly steps?: unknown } = {},
    @Headers('idempotency-key') id: string | undefined,
    @Res({ passthrough: true }) answer: Answer,
  ) {
    if (
      typeof title !== 'string' ||
      !(Number.isInteger(steps) && Number(steps) >= 1 && Number(steps) <= 1000)
    )
      throw new BadRequestException('Expected {"title": a text, "steps": a whole number from 1 to 1000}.');
    const job = await this.#box.queue().put(report(title, Number(steps)), id === undefined ? {} : { id });
    answer.location(`/reports/${job.id}`);
    return statusOf(job);
  }

  @Get('reports/:id')
  status(@Param('id') id: string) {
    return statusOf(this.#box.job<string>(id));
  }

  @Get('health')
  async health(@Res({ passthrough: true }) answer: Answer) {
    const status = this.#box.getDispatcher()?.getStatusInfo().status ?? 'STOPPED';
    answer.status(status === 'RUNNING' ? 200 : 503);
    return { status, waiting: await this.#box.queue().length() };
  }
}

/** Asks the store. @throws SignalboxError `JOB_NOT_FOUND`. */
async function statusOf(job: Job<string>) {
  const { id, args, status, ending, annotations, outcome } = await job.refresh();
  const progress = { done: annotations[stepAnnotation] ?? 0, of: args[1] };
  return { id, status, ending, progress, outcome };
}

const answerOf: Readonly<Record<string, number>> = {
  INVALID_OPTION: 400,
  JOB_NOT_FOUND: 404,
  BOX_STOPPED: 503,
  QUEUE_FULL: 503,
  STORE_FULL: 503,
};

/** Errors of Signalbox as answers. */
@Catch(SignalboxError)
export class SignalboxErrors implements ExceptionFilter<SignalboxError> {
  catch(error: SignalboxError, host: ArgumentsHost): void {
    const status = answerOf[error.code];
    if (status === undefined) console.error(error);
    host
      .switchToHttp()
      .getResponse<Answer>()
      .status(status ?? 500)
      .json({ error: status === undefined ? 'See the log.' : error.message });
  }
}

@Module({ imports: [SignalboxModule], controllers: [Reports] })
export class AppModule {}
