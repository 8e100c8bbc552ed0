// server_visibility: a history visibility, the memberships of a server's users at an event, and whether the server may see it.
import { historyVisibilityOf, mayServerSee } from '@carillon/event-graph/visibility.ts';
import { type Format, newTally } from '../format.ts';

interface VisibilityRow {
  readonly history_visibility: string;
  readonly memberships_of_target_server_at_event: readonly (readonly [userId: string, membership: string])[];
  readonly expected_visible: boolean;
}

export const format: Format<VisibilityRow> = {
  name: 'server visibility',
  matches: (row) => 'history_visibility' in row && 'memberships_of_target_server_at_event' in row,
  run(row) {
    const tally = newTally();
    const visibility = historyVisibilityOf({ content: { history_visibility: row.history_visibility } });
    const memberships = row.memberships_of_target_server_at_event.map(([, membership]) => membership);
    if (mayServerSee(visibility, memberships) === row.expected_visible) return tally.pass();
    return tally.fail(`expected ${row.expected_visible}: ${JSON.stringify(row)}`);
  },
};
