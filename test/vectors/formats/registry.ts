// All vector formats, by the names of the files that have them.
import type { Format } from '../format.ts';
import { format as authEventSelection } from './auth-event-selection.ts';
import { format as authRules } from './auth-rules.ts';
import { format as base64 } from './base64.ts';
import { format as canonicalJson } from './canonical-json.ts';
import { format as events } from './events.ts';
import { format as identifiers } from './identifiers.ts';
import { format as jsonSigning } from './json-signing.ts';
import { format as keys } from './keys.ts';
import { format as pduChecks } from './pdu-checks.ts';
import { format as pushRules } from './push-rules.ts';
import { format as serverAcls } from './server-acls.ts';
import { format as serverVisibility } from './server-visibility.ts';
import { format as stateResolution } from './state-resolution.ts';
import { format as xMatrix } from './x-matrix.ts';

/** A format as the runner sees it: its rows are only known to it, so `matches` must be asked before `run`. */
export type AnyFormat = Format<never>;

/** By file name without its endings. */
export const formats: ReadonlyMap<string, AnyFormat> = new Map<string, AnyFormat>([
  ['auth_event_selection', authEventSelection],
  ['auth_rules', authRules],
  ['base64', base64],
  ['canonical_json', canonicalJson],
  ['events', events],
  ['identifiers', identifiers],
  ['json_signing', jsonSigning],
  ['keys', keys],
  ['pdu_checks', pduChecks],
  ['push_rules', pushRules],
  ['server_acls', serverAcls],
  ['server_visibility', serverVisibility],
  ['state_resolution', stateResolution],
  ['x_matrix', xMatrix],
]);
