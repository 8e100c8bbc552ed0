// identifiers: texts judged by the grammar (a reference server's own, laxer judgement stands beside it and is not ours).
import {
  isCompliantUserId,
  isCurrentUserId,
  isNamespacedIdentifier,
  isOpaqueIdentifier,
  isRoomAlias,
  isRoomVersionIdentifier,
  isServerName,
  isUserId,
  mapToLocalpart,
} from '@carillon/protocol/identifiers.ts';
import { type Format, newTally } from '../format.ts';

interface IdentifierRow {
  readonly kind: string;
  readonly input: string;
  readonly expected?: string;
  readonly grammar?: boolean;
  readonly grammar_current?: boolean;
  readonly grammar_historical_must_accept?: boolean;
  readonly forward_to_clients_outside_events?: boolean;
}

const BY_KIND: ReadonlyMap<string, (text: string) => boolean> = new Map<string, (text: string) => boolean>([
  ['server_name', isServerName],
  ['room_alias', isRoomAlias],
  ['room_version', isRoomVersionIdentifier],
  ['common_namespaced_identifier', isNamespacedIdentifier],
  ['opaque_identifier', isOpaqueIdentifier],
]);

export const format: Format<IdentifierRow> = {
  name: 'identifiers',
  matches: (row) =>
    'kind' in row &&
    'input' in row &&
    typeof row.input === 'string' &&
    (BY_KIND.has(String(row.kind)) || row.kind === 'user_id' || row.kind === 'localpart_mapping'),
  run(row) {
    const tally = newTally();
    const ours = judge(row);
    const theirs = stated(row);
    return ours === theirs
      ? tally.pass()
      : tally.fail(`${row.kind} ${JSON.stringify(row.input)}: ${ours}, not ${theirs}`);
  },
};

function judge({ kind, input }: IdentifierRow): string {
  if (kind === 'localpart_mapping') return mapToLocalpart(input);
  if (kind === 'user_id') return [isCurrentUserId(input), isUserId(input), isCompliantUserId(input)].join();
  return String(BY_KIND.get(kind)?.(input));
}

function stated(row: IdentifierRow): string | undefined {
  if (row.kind === 'localpart_mapping') return row.expected;
  if (row.kind !== 'user_id') return String(row.grammar);
  return [row.grammar_current, row.grammar_historical_must_accept, row.forward_to_clients_outside_events].join();
}
