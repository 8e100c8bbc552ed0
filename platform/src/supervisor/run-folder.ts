// The folder in which the processes of one server find each other's Unix sockets.
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartFault } from './start-fault.ts';

/** The system allows a socket's path about this much. */
const LONGEST_SOCKET_PATH_BYTES = 100;
const LONGEST_NAME = 'homeserver.sock';

/**
 * `run` in the data folder, or a private folder among the temporary ones where the data folder's path is too long.
 * Made if need be; the same for every process of the server.
 */
export function runFolder(dataFolder: string): string {
  const own = join(dataFolder, 'run');
  if (Buffer.byteLength(join(own, LONGEST_NAME)) <= LONGEST_SOCKET_PATH_BYTES) {
    mkdirSync(own, { recursive: true, mode: 0o700 });
    chmodSync(own, 0o700);
    return own;
  }
  const name = createHash('sha256').update(dataFolder).digest('hex').slice(0, 20);
  const folder = join(Buffer.byteLength(tmpdir()) < 50 ? tmpdir() : '/tmp', `carillon-${name}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { mode, uid } = lstatSync(folder);
  if ((mode & 0o170777) !== 0o040700 || uid !== process.getuid?.()) {
    throw new StartFault(`${folder} belongs to somebody else. Remove it, or use a data folder with a shorter path.`);
  }
  return folder;
}
