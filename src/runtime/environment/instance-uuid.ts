import { SignalboxError } from '../../errors.ts';
import type { IdSource, TextFilePort } from './ports.ts';

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The UUID of this instance, read from its file or made and written there. It names the instance, not the run, so a
 * restarted process recognises its own jobs. The file: `SIGNALBOX_UUID_FILE`, else `instance.uuid` in the
 * store's directory, else `uuid.txt` in the working directory.
 *
 * @throws SignalboxError `INVALID_OPTION` when the file's first line is no UUID, or the file is a link to nothing.
 */
export function instanceUuid(files: TextFilePort, ids: IdSource, directory: string | null): string {
  const path =
    files.environment('SIGNALBOX_UUID_FILE') ??
    (directory === null ? 'uuid.txt' : `${directory}/instance.uuid`);
  const text = files.read(path);
  if (text !== null) {
    const uuid = text.split('\n', 1)[0]?.trim() ?? '';
    if (uuidPattern.test(uuid)) return uuid.toLowerCase();
    throw new SignalboxError('INVALID_OPTION', {
      option: path,
      expected: 'a file whose first line is a UUID',
      // It may be any file of the machine: its content must not be shown.
      actual: 'other text',
      repair: 'Delete it to get a new one.',
    });
  }
  const uuid = ids.newUuid();
  try {
    files.write(path, `${uuid}\n\n${explanation}`);
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code !== 'EEXIST') throw error;
    throw new SignalboxError(
      'INVALID_OPTION',
      {
        option: path,
        expected: 'a file, or a name that is free',
        actual: 'a link that leads nowhere, or a file that has just been made',
        repair: 'Remove the link, or start again.',
      },
      { cause: error },
    );
  }
  return uuid;
}

const explanation = `The first line is the UUID of this Signalbox instance. A restarted process recognises by it the jobs
that it left behind, so two processes that run at the same time need two files: set the environment variable
SIGNALBOX_UUID_FILE to another path for one of them. Delete this file to get a new UUID at the next start.
`;
