// What the authorisation rules say of an event. Rule numbers are those of room version 12; rules that only earlier versions
// have carry the first version that has them ("v1:4.2").

export interface Acceptance {
  readonly outcome: 'accepted';
}

export interface Rejection {
  readonly outcome: 'rejected';
  readonly rule: string;
  /** One sentence for logs and for the sender's client. */
  readonly reason: string;
}

export type AuthVerdict = Acceptance | Rejection;

export const accepted: Acceptance = Object.freeze({ outcome: 'accepted' });

/** A refusal by one rule. */
export function rejected(rule: string, reason: string): Rejection {
  return { outcome: 'rejected', rule, reason };
}
