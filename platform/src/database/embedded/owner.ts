// Under whose name Postgres runs: it refuses root, so for root a user id of its own that owns nothing else is taken.
import { readFileSync } from 'node:fs';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** An id below the ranges that systemd and containers hand out and above those for people. */
const POSTGRES_ID = 59_832;
const NOBODY_ID = 65_534;

/** The ids to try for Postgres, best first; empty if this process is not root and Postgres runs as we do. */
export function ownersToTry(): Owner[] {
  if (process.getuid?.() !== 0) return [];
  const nobody = initialisingOwner();
  return [{ uid: POSTGRES_ID, gid: POSTGRES_ID }, nobody];
}

/** initdb wants a user with a name, so it runs as nobody; its files then go to the owner. */
export function initialisingOwner(): Owner {
  try {
    const entry = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
    if (entry) return { uid: Number(entry[1]), gid: Number(entry[2]) };
  } catch {
    // Without a readable list of users the usual id is as good a guess as any.
  }
  return { uid: NOBODY_ID, gid: NOBODY_ID };
}
