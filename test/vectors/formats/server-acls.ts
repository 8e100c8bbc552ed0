// server_acls: the content of an m.room.server_acl → per name whether it is allowed. The rows compare names as they stand; that a
// port does not count, which callers of the rows' oracle see to, is a unit test of server-acl.ts.
import { compileServerAcl } from '@carillon/event-graph/server-acl.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { type Format, newTally } from '../format.ts';

interface AclRow {
  readonly content: JsonObject;
  readonly expected: Readonly<Record<string, boolean>>;
}

export const format: Format<AclRow> = {
  name: 'server ACLs',
  matches: (row) =>
    'content' in row &&
    'expected' in row &&
    typeof row.expected === 'object' &&
    row.expected !== null &&
    Object.values(row.expected).every((allowed) => typeof allowed === 'boolean'),
  run({ content, expected }) {
    const tally = newTally();
    const acl = compileServerAcl(content);
    const wrong = Object.entries(expected).filter(([server, allowed]) => acl.isHostAllowed(server) !== allowed);
    if (wrong.length === 0) return tally.pass();
    return tally.fail(
      `${JSON.stringify(content)}: ${wrong.map(([server, is]) => `${server} should be ${is}`).join(', ')}`,
    );
  },
};
