// Turns what the system or Postgres said into a sentence for the person who runs the server.
import { StartFault } from './start-fault.ts';

const CAUSES: readonly [RegExp, string][] = [
  [
    /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/,
    'the disk is full. Nothing was lost: make room and start again.',
  ],
  [
    /EROFS|Read-only file system/,
    'the disk is read-only. Nothing was lost: make it writable, or set server.data_dir to a folder that is.',
  ],
  [
    /EACCES|EPERM|Permission denied|permission denied|Operation not permitted/,
    'the folder may not be read and written by this user. Give it to the user who runs the server, or set server.data_dir.',
  ],
  [/ENOTDIR|Not a directory/, 'a part of this path is a file, not a folder.'],
  [
    /pre-existing shared memory|lock file .* already exists|is another post/,
    'another Postgres still works on this folder. Stop it, then start again.',
  ],
  [
    /could not look up effective user ID/,
    'this user has no name on this system, and Postgres wants one. Run as a named user, or set database.url.',
  ],
  [
    /invalid checkpoint record|could not locate a valid checkpoint|PANIC/,
    'Postgres cannot read its data: restore a backup. What it said:',
  ],
];

/** What `action` on `folder` failed with, as a StartFault that names the folder and what to do. Mistakes of ours pass as they are. */
export function explainFailure(action: string, folder: string, problem: unknown): Error {
  if (problem instanceof StartFault || problem instanceof TypeError || problem instanceof ReferenceError)
    return problem;
  const said = problem instanceof Error ? problem.message : String(problem);
  const cause = CAUSES.find(([pattern]) => pattern.test(said))?.[1];
  const detail = cause?.endsWith('.') ? cause : [cause ?? 'Postgres said:', lastLines(said)].join(' ');
  return new StartFault(`${action} failed in ${folder}: ${detail}`, { cause: problem });
}

/** The last few lines that say something; programs put the reason at the end. */
function lastLines(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-4).join(' ').slice(-600);
}
